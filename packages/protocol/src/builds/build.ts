import { z } from 'zod';
import { buildStates } from './build-state.ts';
import { attributions, failureSchema, stopReasons, waitingSchema } from './reasons.ts';
import { concurrencySchema, platformSchema } from './submit.ts';

const time = z.iso.datetime();
const text = z.record(z.string(), z.string());

export const artifactSchema = z.object({
  id: z.string(),
  name: z.string(),
  term: z.number().int(),
  sizeBytes: z.number().int(),
  sha256: z.string(),
  contentType: z.string(),
  /** The one that legacy `download` gives. */
  primary: z.boolean(),
  createdAt: time,
  /** False once retention removed the bytes. */
  available: z.boolean(),
});
export type Artifact = z.infer<typeof artifactSchema>;

export const attemptSchema = z.object({
  term: z.number().int(),
  workerId: z.string(),
  workerName: z.string().nullable(),
  state: z.enum(['held', 'ended']),
  startedAt: time,
  endedAt: time.nullable(),
  outcome: z.enum(['succeeded', 'failed', 'cancelled', 'lost', 'abandoned']).nullable(),
  failure: failureSchema.nullable(),
  logLines: z.number().int(),
  exitCode: z.number().int().nullable(),
  workerMs: z.number().int(),
});
export type Attempt = z.infer<typeof attemptSchema>;

/** One build as lists show it. */
export const buildSummarySchema = z.object({
  id: z.string(),
  projectId: z.string(),
  version: z.number().int(),
  name: z.string().nullable(),
  tags: text,
  queue: z.string(),
  platform: platformSchema,
  requires: text,
  priority: z.number().int(),
  state: z.enum(buildStates),
  term: z.number().int(),
  workerId: z.string().nullable(),
  workerName: z.string().nullable(),
  progress: z.number().nullable(),
  phase: z.string().nullable(),
  stopReason: z.enum(stopReasons).nullable(),
  retryOf: z.string().nullable(),
  submittedBy: z.string(),
  submittedAt: time,
  assignedAt: time.nullable(),
  startedAt: time.nullable(),
  cancelRequestedAt: time.nullable(),
  finishedAt: time.nullable(),
  waiting: waitingSchema.optional(),
  failure: failureSchema.optional(),
  streams: z.object({ log: z.string(), events: z.string() }),
});
export type BuildSummary = z.infer<typeof buildSummarySchema>;

/** One build, whole. */
export const buildSchema = buildSummarySchema.extend({
  notBefore: time.nullable(),
  queueDeadlineMs: z.number().int().nullable(),
  concurrency: concurrencySchema.nullable(),
  task: z.string().nullable(),
  command: z.string().nullable(),
  env: text,
  /** Names only; values are never shown again. */
  secretEnvNames: z.array(z.string()),
  maxRunMs: z.number().int(),
  attemptsMax: z.number().int(),
  retryOn: z.array(z.enum(attributions)),
  expects: z.enum(['artifact', 'nothing']),
  leaseUntil: time.nullable(),
  position: z.number().int().nullable(),
  etaMs: z.number().int().nullable(),
  source: z.object({
    sizeBytes: z.number().int(),
    sha256: z.string(),
    format: z.enum(['zip', 'tar.gz', 'tar.zst']),
    available: z.boolean(),
  }),
  certs: z.boolean(),
  attempts: z.array(attemptSchema),
  artifacts: z.array(artifactSchema),
  cost: z.object({ workerMs: z.number(), storedBytes: z.number(), sentBytes: z.number() }),
});
export type Build = z.infer<typeof buildSchema>;

export const submittedSchema = buildSchema.extend({
  /** 43 characters, shown once: read, log, download, cancel and retry of this build. */
  accessToken: z.string(),
});
export type Submitted = z.infer<typeof submittedSchema>;

export const uploadSchema = z.object({
  id: z.string(),
  purpose: z.enum(['source', 'certs', 'artifact']),
  state: z.enum(['open', 'complete', 'used']),
  offset: z.number().int(),
  sizeBytes: z.number().int(),
  chunkBytesMax: z.number().int(),
  expiresAt: time,
  sha256: z.string().nullable(),
});
export type Upload = z.infer<typeof uploadSchema>;

/** One record of a build's log, as stored and as every reader gets it. */
export const logRecordSchema = z.object({
  /** When the server took it. */
  at: time,
  attempt: z.number().int(),
  /**
   * 0, 1, 2 … within the attempt; the parts of a line that was cut share its number. For `source: system` it is the
   * number of the event behind the line instead: unique and growing, not dense.
   */
  line: z.number().int(),
  level: z.enum(['info', 'warn', 'error']),
  source: z.enum(['system', 'worker', 'vm', 'stdout', 'stderr']),
  text: z.string(),
  /** This record goes on where the one before it was cut at 64 KiB. */
  cont: z.boolean().optional(),
  /** The worker's own clock, as it said. */
  clientAt: z.string().optional(),
});
export type LogRecord = z.infer<typeof logRecordSchema>;

export const buildEventTypes = [
  'submitted',
  'assigned',
  'started',
  'progress',
  'cancel_requested',
  'requeued',
  'succeeded',
  'failed',
  'cancelled',
  'superseded',
  'retried',
  'artifact_stored',
  'priority_changed',
  'expired',
] as const;
export type BuildEventType = (typeof buildEventTypes)[number];
export const workerEventTypes = ['registered', 'online', 'offline', 'draining', 'resumed', 'removed'] as const;
export type WorkerEventType = (typeof workerEventTypes)[number];

/** A record of `/v1/stream/builds/events` (all of a project) and of `/v1/stream/builds/<id>/events`. */
export const buildEventSchema = z.object({
  /** Unique within the server; the same in the build's stream and the project's, and in a repeat of the record. */
  id: z.number().int(),
  type: z.string(),
  at: time,
  buildId: z.string().optional(),
  workerId: z.string().optional(),
  queue: z.string().optional(),
  term: z.number().int().optional(),
  reason: z.string().optional(),
  data: z.record(z.string(), z.unknown()).optional(),
});
export type BuildEventRecord = z.infer<typeof buildEventSchema>;
