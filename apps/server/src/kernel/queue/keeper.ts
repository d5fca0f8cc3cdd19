import { asError, type Clock, reach, Signal } from '#kernel/base';
import { type Db, isStoreDown } from '#kernel/db';
import type { QueueEvents } from './events.ts';
import type { HeldJob } from './lease.ts';
import { type QueueTimes, queueLimits } from './limits.ts';
import { Loop } from './loop.ts';
import { type Ending, finishJobs, type Held, type Return, renewLeases, returnJobs } from './queries.ts';

export type KeeperOptions = {
  db: Db;
  clock: Clock;
  events: QueueEvents;
  times: Pick<QueueTimes, 'errorMs' | 'errorMsMax'>;
  /** Jobs of this kind are ready again, or will be in `delayMs`. */
  onReturned: (kind: string, delayMs: number) => void;
  /** There is room for more outcomes again. */
  onRoom: () => void;
};

/** However long the lease, the rows are looked at this often. */
const renewEveryMsMax = 10_000;

/**
 * Keeps the rows of held jobs true: renews leases, writes verdicts. One loop does both, so the two never wait for each
 * other's row locks. Verdicts gather while a statement is on its way and go together with the next one; a verdict that
 * could not be written stays, for (id, term) makes a repeat harmless.
 *
 *  held    – its lease is renewed in time; when that fails past the trust window its signal aborts.
 *  pending – its verdict waits to be written.
 */
export class Keeper {
  readonly held = new Set<HeldJob>();
  /** Fired after each batch of verdicts, with how many still wait. For tests. */
  readonly flushed = new Signal<number>();
  readonly #options: KeeperOptions;
  readonly #loop: Loop;
  #pending: HeldJob[] = [];
  /** Set when a batch failed for another reason than a database that is away: one verdict may be at fault. */
  #oneByOne = 0;
  #trustTimer: Disposable | undefined;
  #watchedUntil = Number.POSITIVE_INFINITY;
  #nextLookAt = Number.POSITIVE_INFINITY;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#loop = new Loop({
      clock: options.clock,
      work: () => this.#work(),
      onError: (error) => options.events.failed('keeper', error),
      errorMs: options.times.errorMs,
      errorMsMax: options.times.errorMsMax,
    });
  }

  start(): void {
    this.#loop.start();
  }

  /** How many more outcomes it takes before claiming should pause. */
  get room(): number {
    return queueLimits.outcomesMax - this.#pending.length;
  }

  get pending(): number {
    return this.#pending.length;
  }

  hold(held: HeldJob): void {
    this.held.add(held);
    if (held.trustedUntil < this.#watchedUntil || held.renewAt < this.#nextLookAt) this.#loop.wake();
  }

  /** Takes the verdict of a held job to be written. */
  decide(held: HeldJob): void {
    this.#pending.push(held);
    this.#loop.wake();
  }

  /** Resolves when every verdict was written, or `withinMs` is over; answers with how many were not. */
  async flush(withinMs: number): Promise<number> {
    const giveUp = new AbortController();
    const late = this.#options.clock.sleep(withinMs, giveUp.signal).catch(() => undefined);
    this.#loop.wake();
    while (this.#pending.length > 0) {
      const ended = await Promise.race([this.flushed.next().then(() => false), late.then(() => true)]);
      if (ended) break;
    }
    giveUp.abort();
    return this.#pending.length;
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    this.#trustTimer?.[Symbol.dispose]();
  }

  async #work(): Promise<number> {
    try {
      this.#watchTrust();
      await this.#renewDue();
      await this.#writeAll();
      return this.#nextLookMs();
    } finally {
      this.#watchTrust();
    }
  }

  /**
   * A holder that cannot be sure any more stops before the database gives the job to another (lease.ts). On a timer of
   * its own: the loop may hang in a statement or pause after an error just then.
   */
  #watchTrust(): void {
    this.#trustTimer?.[Symbol.dispose]();
    this.#checkTrust();
    let earliest = Number.POSITIVE_INFINITY;
    for (const held of this.held) if (isKept(held)) earliest = Math.min(earliest, held.trustedUntil);
    this.#watchedUntil = earliest;
    if (earliest === Number.POSITIVE_INFINITY) return;
    this.#trustTimer = this.#options.clock.after(earliest - this.#options.clock.monotonic(), () => this.#watchTrust());
  }

  #checkTrust(): void {
    const now = this.#options.clock.monotonic();
    for (const held of this.held) {
      if (held.verdict || held.aborted === 'lease_lost' || held.trustedUntil > now) continue;
      held.abort('lease_lost');
      this.#options.events.leaseLost(held, 'trust_over');
    }
  }

  async #renewDue(): Promise<void> {
    const { clock, db, events } = this.#options;
    const askedAt = clock.monotonic();
    const due = [...this.held].filter((held) => held.renewAt <= askedAt && isKept(held)).sort(byId);
    for (let at = 0; at < due.length; at += queueLimits.outcomesBatchMax) {
      const batch = due.slice(at, at + queueLimits.outcomesBatchMax);
      const rows = new Map((await renewLeases(db, batch)).map((row) => [claimOf(row), row]));
      for (const held of batch) {
        const row = rows.get(claimOf(held));
        if (held.verdict) continue; // decided meanwhile
        if (row) held.renewed(askedAt);
        if (row && row.cancelReason !== null) held.abort('cancelled');
        if (row) continue;
        held.abort('lease_lost');
        events.leaseLost(held, 'taken');
      }
    }
  }

  async #writeAll(): Promise<void> {
    while (this.#pending.length > 0) {
      const size = this.#oneByOne > 0 ? 1 : queueLimits.outcomesBatchMax;
      const batch = this.#pending.slice(0, size).sort(byId);
      try {
        await this.#write(batch);
      } catch (error) {
        if (isStoreDown(error)) throw error;
        if (batch.length > 1) {
          this.#oneByOne = batch.length;
          continue;
        }
        // The one that cannot be written: its lease ends, and the next attempt has another chance.
        this.#options.events.failed('verdict', asError(error));
      }
      this.#oneByOne = Math.max(0, this.#oneByOne - 1);
      const written = new Set(batch);
      for (const held of batch) this.held.delete(held);
      this.#pending = this.#pending.filter((held) => !written.has(held));
      this.#options.onRoom();
      this.flushed.fire(this.#pending.length);
    }
  }

  async #write(batch: readonly HeldJob[]): Promise<void> {
    const { db } = this.#options;
    const endings = batch.flatMap(asEnding);
    const returns = batch.flatMap(asReturn);
    if (returns.length > 0) {
      const returned = new Map((await returnJobs(db, returns)).map((row) => [claimOf(row), row]));
      for (const { id, term, delayMs, untilMs } of returns) {
        const row = returned.get(claimOf({ id, term }));
        // Not put back: cancelled meanwhile, which ends it now; or the term is over, and then nothing happens.
        if (!row) endings.push({ id, term, outcome: 'cancelled', reason: 'cancelled' });
        else
          this.#options.onReturned(
            row.kind,
            row.due ? 0 : untilMs === null ? delayMs : untilMs - this.#options.clock.now(),
          );
      }
    }
    await reach('queue.returned');
    const finished = endings.length > 0 ? await finishJobs(db, endings, 'running') : [];
    await reach('queue.finished');
    this.#report(batch, new Set(endings.map(claimOf)), new Map(finished.map((row) => [claimOf(row), row.outcome])));
  }

  #report(
    batch: readonly HeldJob[],
    ending: ReadonlySet<string>,
    finished: ReadonlyMap<string, 'done' | 'cancelled' | 'failed'>,
  ): void {
    const { clock, events } = this.#options;
    for (const held of batch) {
      const outcome = finished.get(claimOf(held));
      if (outcome) events.ended(held, outcome, clock.monotonic() - held.startedAt);
      else if (ending.has(claimOf(held))) events.stale(held);
      else if (held.verdict?.write === 'return') {
        events.ended(held, held.verdict.free ? 'snooze' : 'retry', clock.monotonic() - held.startedAt);
      }
    }
  }

  #nextLookMs(): number {
    const now = this.#options.clock.monotonic();
    let at = now + renewEveryMsMax;
    for (const held of this.held) if (isKept(held)) at = Math.min(at, held.renewAt);
    this.#nextLookAt = at;
    return Math.max(0, at - now);
  }
}

const byId = (a: HeldJob, b: HeldJob): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
/** One process may know the same job under two terms: lost, and claimed again. */
const claimOf = ({ id, term }: Held): string => `${id} ${term}`;
const isKept = (held: HeldJob): boolean => !held.verdict && held.aborted !== 'lease_lost';

function asEnding(held: HeldJob): Ending[] {
  const { id, term, verdict } = held;
  return verdict?.write === 'finish' ? [{ id, term, outcome: verdict.outcome, reason: verdict.reason }] : [];
}

function asReturn(held: HeldJob): Return[] {
  const { id, term, verdict } = held;
  if (verdict?.write !== 'return') return [];
  return [{ id, term, untilMs: verdict.untilMs, delayMs: verdict.delayMs, error: verdict.error, free: verdict.free }];
}
