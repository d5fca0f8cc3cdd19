import { Cron } from 'croner';
import { asError, assert, type Clock, invalid } from '#kernel/base';
import type { Db, Tx } from '#kernel/db';
import type { QueueEvents } from './events.ts';
import { type QueueTimes, queueLimits } from './limits.ts';
import { Loop } from './loop.ts';
import { advanceSchedule, countUnfinished, databaseNow, readSchedules, upsertSchedule } from './maintenance-queries.ts';
import type { JobInput } from './queue.ts';

export type When = { cron: string } | { everyMs: number };
type Schedule = { kind: string; spec: string; payload: unknown; after: (time: Date) => Date };

const everyMsMin = 1_000;
/** Other processes move due times too, so they are read again at least this often. */
const lookMsMax = 30_000;

export type SchedulesOptions = {
  db: Db;
  clock: Clock;
  events: QueueEvents;
  times: Pick<QueueTimes, 'errorMs' | 'errorMsMax'>;
  enqueue: (tx: Tx, job: JobInput) => Promise<string>;
};

/**
 * Recurring jobs. The next due time of each is a row; the process that moves it on from a due time enqueues that run in
 * the same transaction, so there is exactly one however many processes try. Due times are read by the database's clock.
 */
export class Schedules {
  readonly #options: SchedulesOptions;
  readonly #schedules = new Map<string, Schedule>();
  readonly #loop: Loop;
  #registered = false;

  constructor(options: SchedulesOptions) {
    this.#options = options;
    this.#loop = new Loop({
      clock: options.clock,
      work: () => this.#work(),
      onError: (error) => options.events.failed('schedule', error),
      errorMs: options.times.errorMs,
      errorMsMax: options.times.errorMsMax,
    });
  }

  add(kind: string, when: When, payload: unknown): void {
    assert(!this.#schedules.has(kind), `the kind ${kind} has two schedules`);
    this.#schedules.set(
      kind,
      'cron' in when ? cronSchedule(kind, when.cron, payload) : interval(kind, when.everyMs, payload),
    );
  }

  start(): void {
    if (this.#schedules.size > 0) this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  async #work(): Promise<number> {
    if (!this.#registered) await this.#register();
    const rows = await readSchedules(this.#options.db, [...this.#schedules.keys()]);
    let nextMs = lookMsMax;
    for (const { kind, nextAt, now } of rows) {
      const schedule = this.#schedules.get(kind);
      if (!schedule) continue;
      const due = nextAt.getTime() <= now.getTime();
      // After downtime the due times in between are left out: `next` is the first one after now.
      const next = due ? schedule.after(now) : nextAt;
      if (due) await this.#fire(schedule, nextAt, next);
      nextMs = Math.min(nextMs, next.getTime() - now.getTime());
    }
    return Math.max(1, nextMs);
  }

  async #register(): Promise<void> {
    const now = await databaseNow(this.#options.db);
    for (const { kind, spec, after } of this.#schedules.values()) {
      await upsertSchedule(this.#options.db, kind, spec, after(now));
    }
    this.#registered = true;
  }

  async #fire({ kind, payload }: Schedule, due: Date, next: Date): Promise<void> {
    const { db, enqueue, events } = this.#options;
    await db.transaction(async (tx) => {
      if (!(await advanceSchedule(tx, kind, due, next))) return; // another process did it
      const unfinished = await countUnfinished(tx, kind, queueLimits.scheduledUnfinishedMax);
      if (unfinished >= queueLimits.scheduledUnfinishedMax) {
        tx.afterCommit(() => events.scheduleSkipped(kind, due));
        return;
      }
      await enqueue(tx, { kind, payload, uniqueKey: `due ${due.toISOString()}` });
    });
  }
}

function cronSchedule(kind: string, expression: string, payload: unknown): Schedule {
  let cron: Cron;
  try {
    cron = new Cron(expression, { timezone: 'UTC', paused: true });
  } catch (error) {
    throw invalid('bad_schedule', `"${expression}" is not a cron expression: ${asError(error).message}`);
  }
  const after = (time: Date): Date => {
    const next = cron.nextRun(time);
    if (!next) throw invalid('bad_schedule', `"${expression}" has no next time after ${time.toISOString()}.`);
    return next;
  };
  after(new Date(0));
  return { kind, spec: `cron ${expression}`, payload, after };
}

/** Due times are whole multiples of the interval since the epoch, so every process knows the same ones. */
function interval(kind: string, everyMs: number, payload: unknown): Schedule {
  if (!Number.isSafeInteger(everyMs) || everyMs < everyMsMin) {
    throw invalid('bad_schedule', `A job may recur every ${everyMsMin} ms or more, not every ${everyMs} ms.`);
  }
  const after = (time: Date): Date => new Date((Math.floor(time.getTime() / everyMs) + 1) * everyMs);
  return { kind, spec: `every ${everyMs}ms`, payload, after };
}
