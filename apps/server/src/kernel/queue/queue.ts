import type { Service } from '#kernel/base';
import type { Tx } from '#kernel/db';

/** What a handler decides about its job; a thrown error is `retry` after the backoff. */
export type Outcome =
  | { kind: 'done' }
  | { kind: 'retry'; afterMs?: number; error?: string }
  | { kind: 'snooze'; untilMs: number }
  | { kind: 'cancel'; reason: string };

export const done: Outcome = { kind: 'done' };
export const retry = (afterMs?: number, error?: string): Outcome => ({
  kind: 'retry',
  ...(afterMs === undefined ? {} : { afterMs }),
  ...(error === undefined ? {} : { error }),
});
/** Come back at `untilMs` (epoch ms); does not count as an attempt. */
export const snooze = (untilMs: number): Outcome => ({ kind: 'snooze', untilMs });
export const cancel = (reason: string): Outcome => ({ kind: 'cancel', reason });

export type JobInput = {
  /** Which handler takes it, such as `builds.retention`. */
  kind: string;
  /** JSON, at most 256 KiB; `undefined` for none, which the handler sees as `null`. */
  payload: unknown;
  /** Default: now, by the database's clock. */
  runAt?: Date;
  /** −100…100, higher first. Default 0. */
  priority?: number;
  /** At most one unfinished job of this kind with this key; a second enqueue returns the first one's id. */
  uniqueKey?: string;
  /** Default 20. */
  attemptsMax?: number;
  projectId?: string;
};

export type Job = {
  id: string;
  kind: string;
  payload: unknown;
  /** 1 for the first. Claims that a snooze or a stopping server gave back are not counted. */
  attempt: number;
  /** Grows with every claim; name it in writes that must not come from a holder that lost the job. */
  term: number;
  enqueuedAt: Date;
  /**
   * Aborted, with a `JobAborted` that says why, when the lease is lost, the job is cancelled, its time is over, or the
   * server stops and the time to drain is over.
   */
  signal: AbortSignal;
};

export type AbortReason = 'lease_lost' | 'cancelled' | 'timed_out' | 'stopping';

/** The reason of `Job.signal`. */
export class JobAborted extends Error {
  override readonly name = 'JobAborted';
  readonly reason: AbortReason;

  constructor(reason: AbortReason) {
    super(`the job was aborted: ${reason}`);
    this.reason = reason;
  }
}

export type Handler = (job: Job) => Promise<Outcome>;

export type HandleOptions = {
  /** Handlers of this kind running at once in this process. Default 5. */
  concurrency?: number;
  /** How long a dead holder keeps a job. Renewed at a third of it. Default 30 s, at least 1 s. */
  leaseMs?: number;
  /** After this the signal aborts; if the handler then returns `done`, that stands. Default 15 min. */
  timeoutMs?: number;
};

export type JobCounts = {
  kind: string;
  /** Its time has not come yet. */
  waiting: number;
  ready: number;
  running: number;
  /** How long the oldest ready job is ready. */
  oldestReadyMs: number | null;
};

/** A job that ended badly and is kept for 7 days. */
export type BadEnd = {
  id: string;
  kind: string;
  outcome: 'failed' | 'cancelled' | 'done';
  reason: string | null;
  attempt: number;
  projectId: string | null;
  enqueuedAt: Date;
  claimedAt: Date | null;
  finishedAt: Date;
};

export interface Queue extends Service {
  /**
   * In the caller's transaction: the job exists exactly when the business rows do. Answers with the id, that of the
   * existing job for a unique key that is taken. `invalid` for a bad input, `exhausted` `jobs_backlog` when too many
   * jobs of the kind are unfinished.
   */
  enqueue(tx: Tx, job: JobInput): Promise<string>;
  enqueueMany(tx: Tx, jobs: readonly JobInput[]): Promise<string[]>;
  /** Registers the handler of a kind, before `start`. */
  handle(kind: string, handler: Handler, options?: HandleOptions): void;
  /**
   * A recurring job, one schedule per kind: cron expression (UTC) or an interval counted from the epoch; exactly one run
   * per due time over all processes. After downtime the last missed due time runs, once. Before `start`.
   */
  schedule(kind: string, when: { cron: string } | { everyMs: number }, payload?: unknown): void;
  /** Cancels an unfinished job; a running handler learns by its signal. `false` when there was none. */
  cancel(tx: Tx, jobId: string, reason: string): Promise<boolean>;
  depth(): Promise<JobCounts[]>;
  /** Failed or cancelled jobs of a kind, newest first, at most 200; go on with `before` = the last id. */
  finished(filter: {
    kind: string;
    outcome: 'failed' | 'cancelled';
    before?: string;
    limit?: number;
  }): Promise<BadEnd[]>;
  /** Enqueues a failed job again, as a new one. `notFound` `job_not_failed` when there is no such failed job. */
  revive(tx: Tx, jobId: string): Promise<string>;
}
