import {
  assert,
  type Clock,
  exhausted,
  invalid,
  jitter,
  type Limits,
  notFound,
  type Random,
  systemClock,
  systemRandom,
} from '#kernel/base';
import type { Bus } from '#kernel/bus';
import type { Db, Tx } from '#kernel/db';
import type { Logger, Metrics } from '#kernel/telemetry';
import { Dispatcher } from './dispatcher.ts';
import { drain } from './drainer.ts';
import { insertAll } from './enqueue.ts';
import { type QueueEvents, queueEvents } from './events.ts';
import { Executor } from './executor.ts';
import { Keeper } from './keeper.ts';
import { jobDefaults, leaseMsMin, type QueueTimes, queueLimits, queueTimes } from './limits.ts';
import { Loop } from './loop.ts';
import { nextDueMs, promoteDue, removeFinished } from './maintenance-queries.ts';
import { finishJobs, lockJob, markCancelled, readDepth, readFinished, takeFailed } from './queries.ts';
import type { BadEnd, HandleOptions, Handler, JobCounts, JobInput, Queue } from './queue.ts';
import { rescue } from './rescuer.ts';
import { Schedules, type When } from './schedules.ts';
import { storable } from './verdict.ts';

export type QueueOptions = {
  db: Db;
  /** Carries hints between processes; the in-process bus is enough for one. */
  bus: Bus;
  /** Names this process in the rows it holds. */
  holder: string;
  logger: Logger;
  metrics: Metrics;
  clock?: Clock;
  random?: Random;
  times?: Partial<QueueTimes>;
  /** Unfinished jobs of one kind before `exhausted` `jobs_backlog`. */
  backlogMax?: number;
  /** Where the bounds are listed for `GET /v1/limits`. */
  limits?: Limits;
};

/** Kind of the jobs that became ready. */
const readyTopic = 'jobs.ready';
/** Id of a running job that somebody cancelled. */
const cancelTopic = 'jobs.cancel';
/** Waiting jobs of other processes are looked for at least this often. */
const promoteMsMax = 5_000;

/**
 * The queue of one process; any number of processes share the tables. The parts: `enqueue` writes rows, `dispatcher`
 * fetches, `executor` runs, `keeper` renews leases and writes verdicts, `drainer` waits for the end; the loops here
 * make due jobs ready, end leases (`rescuer`), run schedules, count, and take out what is old.
 *
 *  new     – takes handlers and schedules; enqueueing works already.
 *  running – everything works.
 *  stopped – nothing is fetched; enqueueing still works, for others to run. Reached once, never left.
 */
export class PostgresQueue implements Queue {
  readonly #options: QueueOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #times: QueueTimes;
  readonly #events: QueueEvents;
  readonly #keeper: Keeper;
  readonly #executor: Executor;
  readonly #dispatcher: Dispatcher;
  readonly #schedules: Schedules;
  readonly #promoter: Loop;
  readonly #loops: Loop[];
  readonly #subscriptions: Disposable[] = [];
  /** Unfinished jobs per kind when last counted. */
  #sample = new Map<string, number>();
  #phase: 'new' | 'running' | 'stopped' = 'new';
  #stopping: Promise<void> | undefined;

  constructor(options: QueueOptions) {
    this.#options = options;
    const clock = (this.#clock = options.clock ?? systemClock);
    const random = (this.#random = options.random ?? systemRandom);
    const times = (this.#times = { ...queueTimes, ...options.times });
    const events = (this.#events = queueEvents(options.logger, options.metrics));
    const { db, holder } = options;
    const onReturned = (kind: string, delayMs: number): void => this.#announce(kind, delayMs);
    const keeper = (this.#keeper = new Keeper({
      db,
      clock,
      events,
      times,
      onReturned,
      onRoom: () => this.#dispatcher.roomAgain(),
    }));
    const executor = (this.#executor = new Executor({
      clock,
      random,
      keeper,
      onFree: (kind) => this.#dispatcher.freed(kind),
    }));
    this.#dispatcher = new Dispatcher({ db, clock, random, holder, events, executor, keeper, times });
    this.#schedules = new Schedules({ db, clock, events, times, enqueue: (tx, job) => this.enqueue(tx, job) });
    this.#promoter = this.#loop('promote', () => this.#promote());
    this.#loops = [
      this.#promoter,
      this.#loop('rescue', async () =>
        (await rescue({ db, events, times, onReturned })) ? 0 : this.#soon(times.rescueMs),
      ),
      this.#loop('sample', () => this.#count()),
      this.#loop('retention', () => this.#removeOld()),
    ];
    if (options.limits) this.#declare(options.limits);
  }

  handle(kind: string, handler: Handler, options: HandleOptions = {}): void {
    assert(this.#phase === 'new', `the handler of ${kind} came after start`);
    const {
      concurrency = jobDefaults.concurrency,
      leaseMs = jobDefaults.leaseMs,
      timeoutMs = jobDefaults.timeoutMs,
    } = options;
    if (!(concurrency >= 1 && concurrency <= queueLimits.concurrencyMax)) {
      throw invalid('bad_handler', `The concurrency of ${kind} is from 1 to ${queueLimits.concurrencyMax}.`);
    }
    if (!(leaseMs >= leaseMsMin)) throw invalid('bad_handler', `The lease of ${kind} has at least ${leaseMsMin} ms.`);
    this.#dispatcher.add({ kind, concurrency, leaseMs, timeoutMs }, handler);
  }

  schedule(kind: string, when: When, payload?: unknown): void {
    assert(this.#phase === 'new', `the schedule of ${kind} came after start`);
    this.#schedules.add(kind, when, payload);
  }

  start(): Promise<void> {
    if (this.#phase !== 'new') return Promise.resolve();
    this.#phase = 'running';
    const { bus } = this.#options;
    this.#subscriptions.push(
      bus.subscribe(
        readyTopic,
        (kind) => this.#dispatcher.hint(kind),
        () => this.#dispatcher.hintAll(),
      ),
      // A cancel that is missed here comes with the next renewal.
      bus.subscribe(cancelTopic, (id) => {
        for (const held of this.#keeper.held) if (held.id === id && !held.verdict) held.abort('cancelled');
      }),
    );
    this.#keeper.start();
    for (const loop of this.#loops) loop.start();
    this.#schedules.start();
    this.#dispatcher.start();
    return Promise.resolve();
  }

  async enqueue(tx: Tx, job: JobInput): Promise<string> {
    const [id] = await this.enqueueMany(tx, [job]);
    assert(id !== undefined, 'an enqueued job has no id');
    return id;
  }

  async enqueueMany(tx: Tx, jobs: readonly JobInput[]): Promise<string[]> {
    for (const { kind } of jobs) {
      if ((this.#sample.get(kind) ?? 0) < (this.#options.backlogMax ?? queueLimits.backlogMax)) continue;
      throw exhausted('jobs_backlog', `Too many ${kind} jobs are unfinished.`, { retryAfterMs: this.#times.sampleMs });
    }
    const { ids, added } = await insertAll(tx, jobs);
    if (added.length > 0) {
      tx.afterCommit(() => {
        const soonest = new Map<string, number>();
        for (const { job, due } of added) {
          const delayMs = due || !job.runAt ? 0 : job.runAt.getTime() - this.#clock.now();
          soonest.set(job.kind, Math.min(delayMs, soonest.get(job.kind) ?? delayMs));
        }
        for (const [kind, delayMs] of soonest) this.#announce(kind, delayMs);
      });
    }
    return ids;
  }

  async cancel(tx: Tx, jobId: string, reason: string): Promise<boolean> {
    const job = await lockJob(tx, jobId);
    if (!job) return false;
    if (job.state === 'running') {
      await markCancelled(tx, jobId, storable(reason));
      tx.afterCommit(() => this.#options.bus.publish(cancelTopic, jobId));
    } else {
      const ending = { id: jobId, term: job.term, outcome: 'cancelled' as const, reason: storable(reason) };
      await finishJobs(tx, [ending], 'line');
    }
    return true;
  }

  depth(): Promise<JobCounts[]> {
    return readDepth(this.#options.db);
  }

  finished(filter: {
    kind: string;
    outcome: 'failed' | 'cancelled';
    before?: string;
    limit?: number;
  }): Promise<BadEnd[]> {
    const limit = Math.min(filter.limit ?? 50, queueLimits.finishedPageMax);
    return readFinished(this.#options.db, { ...filter, before: filter.before ?? null, limit });
  }

  async revive(tx: Tx, jobId: string): Promise<string> {
    const failed = await takeFailed(tx, jobId);
    if (!failed) throw notFound('job_not_failed', `There is no failed job ${jobId}.`);
    return await this.enqueue(tx, {
      kind: failed.kind,
      payload: failed.payload === null ? undefined : (JSON.parse(failed.payload) as unknown),
      ...(failed.projectId === null ? {} : { projectId: failed.projectId }),
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const wasRunning = this.#phase === 'running';
    this.#phase = 'stopped';
    for (const subscription of this.#subscriptions) subscription[Symbol.dispose]();
    await Promise.all([this.#dispatcher.stop(), this.#schedules.stop(), ...this.#loops.map((loop) => loop.stop())]);
    if (wasRunning) {
      const left = await drain({
        clock: this.#clock,
        keeper: this.#keeper,
        executor: this.#executor,
        times: this.#times,
      });
      if (left.length > 0) this.#events.left(left);
      const unwritten = await this.#keeper.flush(this.#times.flushMs);
      if (unwritten > 0) this.#events.unwritten(unwritten);
    }
    await this.#keeper.stop();
  }

  #declare(limits: Limits): void {
    limits.add({
      name: 'jobs.backlog',
      unit: 'count',
      value: this.#options.backlogMax ?? queueLimits.backlogMax,
      whenFull: 'More jobs of the same kind are refused with jobs_backlog.',
      used: () => Math.max(0, ...this.#sample.values()),
    });
    limits.add({
      name: 'jobs.outcomes_waiting',
      unit: 'count',
      value: queueLimits.outcomesMax,
      whenFull: 'This server takes no further jobs until outcomes are written.',
      used: () => this.#keeper.pending,
    });
    limits.add({
      name: 'jobs.payload',
      unit: 'bytes',
      value: queueLimits.payloadBytesMax,
      whenFull: 'The job is refused with payload_too_large.',
    });
  }

  /** Jobs of this kind are ready, or will be in `delayMs`. */
  #announce(kind: string, delayMs: number): void {
    if (delayMs <= 0) this.#options.bus.publish(readyTopic, kind);
    else if (delayMs < promoteMsMax && this.#phase === 'running') this.#promoter.wakeAfter(delayMs);
  }

  async #promote(): Promise<number> {
    const { db } = this.#options;
    const promoted = await promoteDue(db, queueLimits.promoteBatchMax);
    for (const { kind } of promoted) this.#announce(kind, 0);
    if (promoted.length === queueLimits.promoteBatchMax) return 0;
    const nextMs = await nextDueMs(db);
    return Math.max(1, Math.min(promoteMsMax, nextMs ?? promoteMsMax));
  }

  async #count(): Promise<number> {
    const counts = await this.depth();
    this.#sample = new Map(counts.map(({ kind, waiting, ready, running }) => [kind, waiting + ready + running]));
    this.#events.sampled(counts);
    return this.#soon(this.#times.sampleMs);
  }

  async #removeOld(): Promise<number> {
    const { keepFinishedMs, retentionMs } = this.#times;
    const removed = await removeFinished(this.#options.db, keepFinishedMs, queueLimits.retentionBatchMax);
    return removed === queueLimits.retentionBatchMax ? 0 : this.#soon(retentionMs);
  }

  #soon(ms: number): number {
    return jitter(ms, 0.2, this.#random);
  }

  #loop(part: string, work: () => Promise<number>): Loop {
    const { errorMs, errorMsMax } = this.#times;
    return new Loop({
      clock: this.#clock,
      work,
      onError: (error) => this.#events.failed(part, error),
      errorMs,
      errorMsMax,
    });
  }
}
