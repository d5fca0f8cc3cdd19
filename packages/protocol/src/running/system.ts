import { z } from 'zod';
import { partStates, sampleMetricNames } from './sample-metrics.ts';

const time = z.iso.datetime();
const count = z.number().int();
const state = z.enum(partStates);

/** A number of this node now, beside its thresholds. */
export const tileSchema = z.object({
  metric: z.enum(sampleMetricNames),
  unit: z.enum(['ms', 'bytes', 'count', 'perSecond', 'ratio']),
  value: z.number().nullable(),
  worse: z.enum(['above', 'below']),
  warnAt: z.number().nullable(),
  badAt: z.number().nullable(),
  state,
  what: z.string(),
  whatToDo: z.string(),
});

export const queueDepthSchema = z.object({
  kind: z.string(),
  waiting: count,
  ready: count,
  running: count,
  oldestReadyMs: z.number().nullable(),
});

/** `GET /v1/system`: this node, and what all of them share. Installation admins. */
export const systemSchema = z.object({
  at: time,
  state,
  version: z.string(),
  node: z.object({
    name: z.string(),
    pid: count,
    platform: z.string(),
    arch: z.string(),
    runtime: z.string(),
    cpus: count,
    memoryBytes: z.number(),
    startedAt: time,
    uptimeMs: z.number(),
    dataDir: z.string(),
    url: z.string(),
  }),
  database: z.object({
    kind: z.enum(['embedded', 'external']),
    described: z.string(),
    healthy: z.boolean(),
    version: z.string().nullable(),
    sizeBytes: z.number().nullable(),
    pool: z.object({ busy: count, idle: count, waiting: count, max: count }),
  }),
  /** What an acknowledgement of the log means here, and how far the database is behind. */
  log: z.object({
    driver: z.string(),
    fsync: z.string(),
    ackMeans: z.string(),
    survives: z.record(z.string(), z.boolean()),
    flushLagMs: z.number(),
    unflushedBytes: z.number(),
    walBytes: z.number(),
    quarantinedFiles: count,
    shardsOwned: count,
    degraded: z.boolean(),
  }),
  tiles: z.array(tileSchema),
  queues: z.array(queueDepthSchema),
  /** Fields of `/health`, by room: the same words, for whoever may see names. */
  parts: z.array(z.object({ name: z.string(), state, detail: z.string(), whatToDo: z.string().nullable() })),
  /** Things said at the start that an operator should know, such as old names in use. */
  warnings: z.array(z.string()),
});
export type System = z.infer<typeof systemSchema>;

export const seriesPointsMax = 500;
/** `metric` may be given several times with commas. Without `step`, as fine as `seriesPointsMax` points allow. */
export const seriesQuery = z.object({
  metric: z.string().min(1).max(500),
  from: z.iso.datetime({ offset: true }).optional(),
  to: z.iso.datetime({ offset: true }).optional(),
  step: z.string().max(12).optional(),
  node: z.string().max(200).optional(),
});
export type SeriesQuery = z.infer<typeof seriesQuery>;

/** Columns: `at[i]` begins step i; `null` where nothing was measured. */
export const seriesSchema = z.object({
  node: z.string(),
  from: time,
  to: time,
  stepMs: count,
  at: z.array(z.number().int()),
  metrics: z.array(
    z.object({
      metric: z.enum(sampleMetricNames),
      unit: z.string(),
      warnAt: z.number().nullable(),
      badAt: z.number().nullable(),
      mean: z.array(z.number().nullable()),
      /** The highest of the step, or the lowest where less is worse. */
      worst: z.array(z.number().nullable()),
    }),
  ),
});
export type Series = z.infer<typeof seriesSchema>;
