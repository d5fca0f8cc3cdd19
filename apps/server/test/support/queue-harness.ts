import { afterAll, afterEach, beforeEach, expect } from 'vitest';
import { DatabaseBus, inProcessBus } from '#kernel/bus';
import { createDb, type Db, sql } from '#kernel/db';
import { createQueue, done, type Handler, type Job, type Queue, type QueueOptions } from '#kernel/queue';
import { type Logger, loneMetrics, silentLogger } from '#kernel/telemetry';
import { type TestDatabase, testDatabase } from './database.ts';
import { until } from './until.ts';

export type LogLine = { fields: Readonly<Record<string, unknown>>; text: string | undefined };

/** Times that let a test see everything within a second. The rescuer is never blind unless a test says so. */
export const quickTimes = { pollMs: 100, rescueMs: 50, blindMs: 1e13, drainMs: 200, abortGraceMs: 200, flushMs: 2000 };

export type QueueHarness = {
  database: TestDatabase;
  db: Db;
  /** What the queues of this test logged. */
  log: LogLine[];
  makeQueue: (options?: Partial<QueueOptions>) => Queue;
  /** A queue as another server process has it: its own pool, its own bus. */
  otherProcess: (options?: Partial<QueueOptions>) => Promise<Queue>;
  enqueue: (queue: Queue, kind: string, more?: object) => Promise<string>;
  stateOf: (id: string) => Promise<string>;
  ends: (id: string, state: string) => Promise<void>;
  /** Disposes of this at the end of the test. */
  later: <T extends AsyncDisposable>(it: T) => T;
};

/** Queues on a real database for one test file; everything is stopped and wiped between tests. */
export async function queueHarness(): Promise<QueueHarness> {
  const database = await testDatabase({ poolMax: 8 });
  const { db } = database;
  const log: LogLine[] = [];
  let open: AsyncDisposable[] = [];
  afterAll(() => database[Symbol.asyncDispose]());
  beforeEach(() => database.wipe());
  afterEach(async () => {
    for (const one of open.toReversed()) await one[Symbol.asyncDispose]();
    open = [];
    log.length = 0;
  });
  const note = (fields: LogLine['fields'], text?: string): void => void log.push({ fields, text });
  const logger: Logger = { ...silentLogger, info: note, warn: note, error: note };

  const harness: QueueHarness = {
    database,
    db,
    log,
    later: (it) => (open.push(it), it),
    makeQueue(options = {}) {
      const queue = createQueue({
        db,
        bus: inProcessBus((_, error) => expect.unreachable(String(error))),
        holder: 'node-a',
        logger,
        metrics: loneMetrics(silentLogger),
        ...options,
        times: { ...quickTimes, ...options.times },
      });
      return harness.later(queue);
    },
    async otherProcess(options = {}) {
      const pool = harness.later(createDb({ ...database.options, poolMax: 5 }));
      const bus = harness.later(new DatabaseBus({ db: pool, onError: () => undefined }));
      await bus.start();
      return harness.makeQueue({ db: pool, bus, holder: 'node-b', ...options });
    },
    enqueue: (queue, kind, more = {}) =>
      db.transaction((tx) => queue.enqueue(tx, { kind, payload: undefined, ...more })),
    async stateOf(id) {
      const [row] = await db.query<{ state: string }>(sql`
        select state from jobs where id = ${id} union all select outcome from jobs_done where id = ${id}`);
      return row?.state ?? 'gone';
    },
    ends: (id, state) => until(async () => (await harness.stateOf(id)) === state),
  };
  return harness;
}

/** A handler that notes its jobs and answers what it was told to. */
export function recorder(answer: Handler = () => Promise.resolve(done)): { jobs: Job[]; handler: Handler } {
  const jobs: Job[] = [];
  return {
    jobs,
    handler: (job) => {
      jobs.push(job);
      return answer(job);
    },
  };
}

/** Runs until its signal aborts, then throws the reason. */
export const untilAborted: Handler = (job) =>
  new Promise((_, reject) => job.signal.addEventListener('abort', () => reject(job.signal.reason as Error)));
