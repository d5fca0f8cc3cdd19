import { z } from 'zod';
import { buildLimits as limits } from './limits.ts';
import { attributions, failureCodeSchema } from './reasons.ts';
import { labelsSchema, platformSchema } from './submit.ts';
import { workerStates } from './worker-state.ts';

const time = z.iso.datetime();
const term = z.number().int().min(1);
const buildId = z.string().max(64);

export const hostSchema = z.strictObject({
  os: z.string().max(64),
  arch: z.string().max(64),
  cpus: z.number().int().min(0),
  memoryBytes: z.number().int().min(0),
});

export const registerWorkerSchema = z.strictObject({
  name: z.string().min(1).max(200),
  platforms: z.array(platformSchema).min(1).max(8),
  labels: labelsSchema(limits.labelsMax).default({}),
  seats: z.number().int().min(1).max(limits.seatsMax).default(1),
  version: z.string().max(64).default(''),
  host: hostSchema.optional(),
});
export type RegisterWorker = z.infer<typeof registerWorkerSchema>;
export type RegisterWorkerInput = z.input<typeof registerWorkerSchema>;

export const changeWorkerSchema = z.strictObject({
  labels: labelsSchema(limits.labelsMax).optional(),
  seats: z.number().int().min(1).max(limits.seatsMax).optional(),
});
export type ChangeWorker = z.infer<typeof changeWorkerSchema>;

export const workerSchema = z.object({
  id: z.string(),
  alias: z.string().nullable(),
  kind: z.enum(['v1', 'legacy']),
  name: z.string(),
  platforms: z.array(platformSchema),
  labels: z.record(z.string(), z.string()),
  seats: z.number().int(),
  seatsFree: z.number().int(),
  state: z.enum(workerStates),
  admission: z.enum(['open', 'draining']),
  drainReason: z.string().nullable(),
  lastSeenAt: time,
  registeredAt: time,
  version: z.string(),
  host: hostSchema.nullable(),
  held: z.array(z.object({ buildId: z.string(), term: z.number().int(), state: z.string() })),
  counters: z.object({ succeeded: z.number().int(), failed: z.number().int(), lost: z.number().int() }),
  diagnostics: z.object({ id: z.string(), status: z.string(), runAt: time }).nullable(),
});
export type Worker = z.infer<typeof workerSchema>;

/** Answer of `POST /v1/workers` and of `POST /v1/workers/me/token`. The token is shown once. */
export const registeredSchema = z.object({ worker: workerSchema, token: z.string() });
export type Registered = z.infer<typeof registeredSchema>;

export const claimSchema = z.strictObject({
  held: z.array(z.strictObject({ buildId, term })).max(limits.seatsMax).default([]),
  free: z.number().int().min(0).max(limits.seatsMax).default(1),
});
export type Claim = z.infer<typeof claimSchema>;

/** What a worker needs to run one attempt. URLs are relative to the server; `token` opens them. */
export const jobSchema = z.object({
  build: z.object({
    id: z.string(),
    term: z.number().int(),
    name: z.string().nullable(),
    platform: platformSchema,
    requires: z.record(z.string(), z.string()),
    tags: z.record(z.string(), z.string()),
    task: z.string().nullable(),
    command: z.string().nullable(),
    expects: z.enum(['artifact', 'nothing']),
  }),
  source: z.object({
    url: z.string(),
    sha256: z.string(),
    sizeBytes: z.number().int(),
    format: z.enum(['zip', 'tar.gz', 'tar.zst']),
  }),
  certs: z.object({ url: z.string() }).nullable(),
  env: z.record(z.string(), z.string()),
  secretEnv: z.record(z.string(), z.string()),
  lease: z.object({ until: time, ttlMs: z.number().int(), heartbeatEveryMs: z.number().int() }),
  limits: z.object({ maxRunMs: z.number().int(), artifactBytesMax: z.number().int(), logBytesMax: z.number().int() }),
  /** `bld_…`, bound to this build and term. */
  token: z.string(),
  previous: z.array(
    z.object({ term: z.number().int(), failure: z.object({ code: z.string(), detail: z.string() }).nullable() }),
  ),
});
export type Job = z.infer<typeof jobSchema>;

export const instructionSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('cancel'),
    buildId: z.string(),
    term: z.number().int(),
    reason: z.string(),
    graceMs: z.number().int(),
  }),
  z.object({ kind: z.literal('drain'), exit: z.boolean() }),
  z.object({ kind: z.literal('resume') }),
]);
export type Instruction = z.infer<typeof instructionSchema>;

export const claimAnswerSchema = z.object({
  job: jobSchema.nullable(),
  /** Set when `job` is null: how long to wait before asking again. */
  nextPollMs: z.number().int().optional(),
  instructions: z.array(instructionSchema).optional(),
});
export type ClaimAnswer = z.infer<typeof claimAnswerSchema>;

export const metricsSchema = z.strictObject({
  cpuPercent: z.number().min(0).max(1_000).optional(),
  memoryMb: z.number().min(0).max(1_000_000).optional(),
  diskPercent: z.number().min(0).max(100).optional(),
  processes: z.number().int().min(0).optional(),
});
export type Metrics = z.infer<typeof metricsSchema>;

export const heartbeatSchema = z.strictObject({
  leases: z
    .array(
      z.strictObject({
        buildId,
        term,
        phase: z.string().max(64).optional(),
        progress: z.number().min(0).max(100).optional(),
        metrics: metricsSchema.optional(),
      }),
    )
    .max(limits.heartbeatLeasesMax)
    .default([]),
});
export type Heartbeat = z.infer<typeof heartbeatSchema>;

export const heartbeatAnswerSchema = z.object({
  leases: z.array(
    z.object({
      buildId: z.string(),
      term: z.number().int(),
      until: time.optional(),
      /** The reason this lease is no longer held. */ lost: z.string().optional(),
    }),
  ),
  instructions: z.array(instructionSchema),
  heartbeatEveryMs: z.number().int(),
});
export type HeartbeatAnswer = z.infer<typeof heartbeatAnswerSchema>;

export const startSchema = z.strictObject({ term });
export const resultSchema = z.strictObject({
  term,
  artifacts: z.array(z.string().max(64)).max(limits.artifactsPerBuildMax).default([]),
  exitCode: z.number().int().optional(),
});
export type Result = z.infer<typeof resultSchema>;
export const failSchema = z.strictObject({
  term,
  failure: z.strictObject({
    code: failureCodeSchema,
    detail: z.string().max(8_192),
    attribution: z.enum(attributions).optional(),
    exitCode: z.number().int().optional(),
    lastLines: z.array(z.string().max(4_096)).max(20).optional(),
  }),
});
export type Fail = z.infer<typeof failSchema>;
export const abandonSchema = z.strictObject({ term, reason: z.string().max(500).default('') });
export type Abandon = z.infer<typeof abandonSchema>;
export const stoppedSchema = z.strictObject({ term });

export const appendLogSchema = z.strictObject({
  term,
  /** Lines accepted so far of this attempt; what lies before it is trimmed, a hole is refused (`log_gap`). */
  offset: z.number().int().min(0),
  lines: z
    .array(
      z.strictObject({
        text: z.string(),
        level: z.enum(['info', 'warn', 'error']).optional(),
        source: z.enum(['worker', 'vm', 'stdout', 'stderr']).optional(),
        at: z.string().max(40).optional(),
      }),
    )
    .max(limits.logAppendLinesMax),
});
export type AppendLog = z.infer<typeof appendLogSchema>;

export const diagnosticsSchema = z.strictObject({
  status: z.enum(['healthy', 'warning', 'critical']),
  runAt: z.iso.datetime({ offset: true }).optional(),
  durationMs: z.number().int().min(0).default(0),
  autoFixed: z.boolean().default(false),
  checks: z
    .array(
      z.strictObject({
        name: z.string().max(200),
        status: z.enum(['pass', 'warn', 'fail']),
        message: z.string().max(4_096).default(''),
        durationMs: z.number().min(0).default(0),
        autoFixed: z.boolean().default(false),
        details: z.record(z.string(), z.unknown()).optional(),
      }),
    )
    .max(limits.diagnosticsChecksMax)
    .default([]),
});
export type Diagnostics = z.infer<typeof diagnosticsSchema>;

/** Text frames of `WS /v1/workers/connect`, one JSON object each. `ref` pairs a question with its answer. */
export const workerFrameSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ready'), free: claimSchema.shape.free, held: claimSchema.shape.held }),
  z.strictObject({
    type: z.literal('heartbeat'),
    ref: z.number().int().optional(),
    leases: heartbeatSchema.shape.leases,
  }),
  z.strictObject({ type: z.literal('pong') }),
]);
export type WorkerFrame = z.infer<typeof workerFrameSchema>;
export const serverFrameSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('job'), job: jobSchema }),
  z.object({
    type: z.literal('leases'),
    ref: z.number().int().optional(),
    leases: heartbeatAnswerSchema.shape.leases,
    heartbeatEveryMs: z.number().int(),
  }),
  z.object({ type: z.literal('instruction'), instruction: instructionSchema }),
  z.object({ type: z.literal('ping') }),
]);
export type ServerFrame = z.infer<typeof serverFrameSchema>;
/** Close codes of that socket beside the standard ones. */
export const socketReplaced = 4009;
