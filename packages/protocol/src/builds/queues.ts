import { z } from 'zod';
import { platformSchema } from './submit.ts';

const time = z.iso.datetime();

export const pauseQueueSchema = z.strictObject({
  reason: z.string().min(1).max(500),
  resumesAt: z.iso.datetime({ offset: true }).optional(),
});
export type PauseQueue = z.infer<typeof pauseQueueSchema>;

/** Depth of one distinct (queue, platform, requires): the number an autoscaler needs. */
export const demandSchema = z.object({
  platform: platformSchema,
  requires: z.record(z.string(), z.string()),
  depth: z.number().int(),
  running: z.number().int(),
  oldestWaitMs: z.number().int().nullable(),
  workersOnline: z.number().int(),
  seatsFree: z.number().int(),
  runMsP50: z.number().int().nullable(),
  runMsP95: z.number().int().nullable(),
  /** For a build submitted now; null with too few samples or no worker online. */
  etaMs: z.number().int().nullable(),
});

export const queueSchema = z.object({
  name: z.string(),
  depth: z.number().int(),
  running: z.number().int(),
  oldestWaitMs: z.number().int().nullable(),
  paused: z.object({ at: time, by: z.string(), reason: z.string(), resumesAt: time.nullable() }).nullable(),
  demands: z.array(demandSchema),
});
export type BuildQueue = z.infer<typeof queueSchema>;

export const statsSchema = z.object({
  windowMs: z.number().int(),
  by: z.enum(['queue', 'platform', 'worker']).nullable(),
  groups: z.array(
    z.object({
      group: z.string().nullable(),
      states: z.record(z.string(), z.number().int()),
      submitted: z.number().int(),
      finished: z.number().int(),
      /** Succeeded ÷ finished; null when nothing finished. */
      successRate: z.number().nullable(),
      waitMsP50: z.number().nullable(),
      waitMsP95: z.number().nullable(),
      runMsP50: z.number().nullable(),
      runMsP95: z.number().nullable(),
      workerMs: z.number(),
    }),
  ),
});
export type BuildStats = z.infer<typeof statsSchema>;

export const bulkSchema = z.strictObject({
  action: z.enum(['cancel', 'retry', 'setPriority', 'addTags']),
  ids: z.array(z.string().max(64)).max(100_000).optional(),
  filter: z
    .strictObject({
      state: z.string().max(200).optional(),
      queue: z.string().max(64).optional(),
      platform: platformSchema.optional(),
      tag: z.string().max(330).optional(),
      key: z.string().max(200).optional(),
      worker: z.string().max(64).optional(),
      since: z.string().max(40).optional(),
      until: z.string().max(40).optional(),
      attribution: z.string().max(20).optional(),
      failure: z.string().max(64).optional(),
      retried: z.boolean().optional(),
      q: z.string().min(1).max(200).optional(),
    })
    .optional(),
  priority: z.number().int().min(-100).max(100).optional(),
  tags: z.record(z.string(), z.string()).optional(),
  reason: z.string().max(500).optional(),
  dryRun: z.boolean().default(false),
});
export type Bulk = z.infer<typeof bulkSchema>;
export const bulkAnswerSchema = z.object({
  jobId: z.string().nullable(),
  matched: z.number().int(),
  dryRun: z.boolean(),
  state: z.enum(['preview', 'running', 'done']),
  done: z.number().int(),
  /** By name at most 1,000. */
  refused: z.array(z.object({ id: z.string(), reason: z.string() })),
  /** Of a dry run: how many would be left out, by reason. */
  excluded: z.record(z.string(), z.number().int()).optional(),
  /** It was stopped before its end: what is not `done` stays as it is. */
  stopped: z.boolean().optional(),
});
export type BulkAnswer = z.infer<typeof bulkAnswerSchema>;
