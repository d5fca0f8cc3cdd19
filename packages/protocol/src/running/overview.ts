import { z } from 'zod';
import { failureSchema, waitingSchema } from '../builds/reasons.ts';
import { moneySchema } from '../usage/usage.ts';
import { type ThingKind, thingKinds } from './console-paths.ts';
import { feedAreas } from './feed.ts';

const time = z.iso.datetime();
const count = z.number().int();
// z.enum wants a tuple it may keep.
const kindSchema = z.enum(thingKinds satisfies readonly ThingKind[]);

/** How far back the charts and the failure share look; each in 60 to 72 steps. */
export const overviewWindows = ['15m', '1h', '24h', '7d'] as const;
export type OverviewWindow = (typeof overviewWindows)[number];
export const overviewQuery = z.object({
  window: z.enum(overviewWindows).default('1h'),
  /** Whose midnight "today" begins at. */
  tz: z.string().max(64).default('UTC'),
});

/** One number for each step, oldest first; the last step is the present one and still grows. */
export const sparklineSchema = z.object({
  from: time,
  stepMs: count,
  started: z.array(count),
  finished: z.array(count),
  failed: z.array(count),
});
export type Sparkline = z.infer<typeof sparklineSchema>;

/** What every area says of itself. `finished` counts the failed ones too; `failureShare` is `null` when nothing finished. */
export const areaOverviewSchema = z.object({
  running: count,
  waiting: count,
  oldestWaitMs: count.nullable(),
  finished: count,
  failed: count,
  failureShare: z.number().nullable(),
  sparkline: sparklineSchema,
  costToday: moneySchema,
});
export type AreaOverview = z.infer<typeof areaOverviewSchema>;

export const buildsOverviewSchema = areaOverviewSchema.extend({
  queuesPaused: count,
  workers: z.object({ online: count, busy: count, draining: count, offline: count }),
});
export type BuildsOverview = z.infer<typeof buildsOverviewSchema>;
export const galleryOverviewSchema = areaOverviewSchema.extend({
  bots: count,
  sleeping: count,
  paused: count,
  error: count,
  actsPerMinute: z.number(),
  /** Of the fleet's budget that is nearest to its end today; `null` without one. */
  budgetShare: z.number().nullable(),
  gate: z.string(),
  mind: z.object({ name: z.string(), degraded: z.string().nullable(), offline: z.boolean() }),
});
export type GalleryOverview = z.infer<typeof galleryOverviewSchema>;
/** Streams neither wait nor finish. Of this node. */
export const streamsOverviewSchema = z.object({
  followers: count,
  appendsPerSecond: z.number(),
  ackMsP99: z.number().nullable(),
});

/** Something that goes on only when a person does something. */
export const needsPersonSchema = z.object({
  area: z.enum([...feedAreas, 'system']),
  /** `pool_exhausted`, `queue_paused`, `workers_offline`, `budget_reached`, … : stable words, each with a section in the docs. */
  reason: z.string(),
  severity: z.enum(['warning', 'bad']),
  sentence: z.string(),
  since: time.nullable(),
  /** In the console. */
  path: z.string(),
});
export type NeedsPerson = z.infer<typeof needsPersonSchema>;

const thingFields = {
  kind: kindSchema,
  id: z.string(),
  name: z.string().nullable(),
  path: z.string(),
};

export const longWaitSchema = z.object({
  ...thingFields,
  area: z.enum(feedAreas),
  since: time,
  waiting: waitingSchema.extend({ reason: z.string() }),
});
export type LongWait = z.infer<typeof longWaitSchema>;

export const latestFailureSchema = z.object({
  ...thingFields,
  area: z.enum(feedAreas),
  at: time,
  failure: failureSchema.pick({ detail: true, attribution: true, remedy: true }).extend({ code: z.string() }),
});
export type LatestFailure = z.infer<typeof latestFailureSchema>;

/** `GET /v1/overview`. An area that the credential may not read is left out. */
export const overviewSchema = z.object({
  at: time,
  /** What is here is made up: `muster demo` started this server. */
  demo: z.boolean(),
  window: z.enum(overviewWindows),
  builds: buildsOverviewSchema.optional(),
  gallery: galleryOverviewSchema.optional(),
  streams: streamsOverviewSchema.optional(),
  costToday: moneySchema,
  /** The whole day before. */
  costYesterday: moneySchema,
  needsPerson: z.array(needsPersonSchema),
  /** The five longest waits and the five latest failures over all areas. */
  waiting: z.array(longWaitSchema),
  failures: z.array(latestFailureSchema),
});
export type Overview = z.infer<typeof overviewSchema>;
