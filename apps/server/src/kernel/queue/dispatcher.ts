import { assert, type Clock, jitter, type Random, reach } from '#kernel/base';
import type { Db } from '#kernel/db';
import type { QueueEvents } from './events.ts';
import type { Executor } from './executor.ts';
import type { Keeper } from './keeper.ts';
import { HeldJob, type KindRules } from './lease.ts';
import { type QueueTimes, queueLimits } from './limits.ts';
import { Loop } from './loop.ts';
import { type ClaimedJob, claimJobs, type Want } from './queries.ts';
import type { Handler } from './queue.ts';

export type DispatcherOptions = {
  db: Db;
  clock: Clock;
  random: Random;
  holder: string;
  events: QueueEvents;
  executor: Executor;
  keeper: Keeper;
  times: Pick<QueueTimes, 'pollMs' | 'errorMs' | 'errorMsMax'>;
};

/** A kind this process takes. */
type Kind = {
  rules: KindRules;
  handler: Handler;
  running: number;
  /** Claimed, and waiting for a place. */
  buffered: HeldJob[];
  /** There may be ready jobs beyond those claimed. */
  more: boolean;
  /** Handlers that ended since the last claim was sent. */
  ended: number;
};

/**
 * Fetches: asks for as many jobs as there are free places, one claim at a time, and hands them to the executor. Hints
 * and places that come free while a claim is on its way go together into the next one, so claims grow with the load.
 * When handlers are quicker than a claim, it asks for as many more as will end while the next claim is on its way; they
 * wait in `buffered` for that moment. Slow handlers have nothing buffered: another process may have a place free.
 *
 *  open    – claims when hinted, when a place comes free and more may be there, and every `pollMs` because hints get lost.
 *  stopped – claims nothing. What is buffered, and what the last claim brings in, is handed back unrun.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #kinds = new Map<string, Kind>();
  readonly #loop: Loop;
  #stopped = false;
  #waking = false;
  /** When the last claim was sent, and how long it took. */
  #sentAt = Number.NEGATIVE_INFINITY;
  #claimMs = 0;
  #turn = 0;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#loop = new Loop({
      clock: options.clock,
      work: () => this.#claim(),
      onError: (error) => options.events.failed('claim', error),
      errorMs: options.times.errorMs,
      errorMsMax: options.times.errorMsMax,
    });
  }

  add(rules: KindRules, handler: Handler): void {
    assert(!this.#kinds.has(rules.kind), `the kind ${rules.kind} has two handlers`);
    this.#kinds.set(rules.kind, { rules, handler, running: 0, buffered: [], more: true, ended: 0 });
  }

  start(): void {
    if (this.#kinds.size > 0) this.#loop.start();
  }

  /** Jobs of this kind may be ready. */
  hint(kind: string): void {
    const known = this.#kinds.get(kind);
    if (!known) return;
    known.more = true;
    if (free(known) > 0) this.#loop.wake();
  }

  hintAll(): void {
    for (const kind of this.#kinds.keys()) this.hint(kind);
  }

  /** A handler of this kind is over. */
  freed(kind: string): void {
    const known = this.#of(kind);
    known.running -= 1;
    known.ended += 1;
    this.#startBuffered(known);
    if (known.more) this.#wakeSoon();
  }

  /** At the end of this turn of the event loop, so that all places that come free in it go into one claim. */
  #wakeSoon(): void {
    if (this.#waking) return;
    this.#waking = true;
    setImmediate(() => {
      this.#waking = false;
      this.#loop.wake();
    });
  }

  roomAgain(): void {
    if ([...this.#kinds.values()].some((kind) => kind.more && free(kind) > 0)) this.#loop.wake();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#loop.stop();
    for (const kind of this.#kinds.values()) this.#startBuffered(kind);
  }

  async #claim(): Promise<number> {
    const { db, clock, holder, times, random, events, keeper } = this.#options;
    const poll = jitter(times.pollMs, 0.2, random);
    const askedAt = clock.monotonic();
    const want = this.#wanted(askedAt);
    if (want.length === 0) return poll;
    for (const { kind } of want) this.#of(kind).more = false; // a hint that comes during the claim sets it again
    this.#sentAt = askedAt;
    let jobs: ClaimedJob[];
    try {
      jobs = await claimJobs(db, want, holder);
    } catch (error) {
      for (const { kind } of want) this.#of(kind).more = true;
      throw error;
    }
    this.#claimMs = clock.monotonic() - askedAt;
    await reach('queue.claimed');
    for (const job of jobs) {
      const kind = this.#of(job.kind);
      const held = new HeldJob(job, kind.rules, askedAt);
      keeper.hold(held);
      kind.buffered.push(held);
      events.claimed(job);
    }
    for (const { kind } of want) this.#startBuffered(this.#of(kind));
    this.#lookFurther(want, jobs);
    return poll;
  }

  /** Free places of every kind and what is wanted ahead, as far as one claim and the waiting outcomes allow. */
  #wanted(now: number): Want[] {
    let room = Math.min(queueLimits.claimBatchMax, this.#options.keeper.room);
    const want: Want[] = [];
    for (const [kind, known] of this.#inTurn()) {
      const count = Math.min(free(known) + this.#ahead(known, now) - known.buffered.length, room);
      known.ended = 0;
      if (count <= 0) continue;
      room -= count;
      want.push({ kind, count, leaseMs: known.rules.leaseMs });
    }
    return want;
  }

  /** Every claim begins with another kind, so that a busy one cannot use up the room of all claims. */
  #inTurn(): [string, Kind][] {
    const all = [...this.#kinds];
    this.#turn = (this.#turn + 1) % Math.max(1, all.length);
    return [...all.slice(this.#turn), ...all.slice(0, this.#turn)];
  }

  /** How many handlers of a kind will end while a claim is on its way, at the pace since the last one. */
  #ahead({ ended }: Kind, now: number): number {
    return Math.floor((ended * this.#claimMs) / Math.max(this.#claimMs, now - this.#sentAt, 1));
  }

  #startBuffered(kind: Kind): void {
    while (kind.buffered.length > 0 && (this.#stopped || free(kind) > 0)) {
      const held = kind.buffered.shift();
      if (!held) return;
      kind.running += 1;
      this.#options.executor.start(held, this.#stopped ? handBack : kind.handler);
    }
  }

  /** A kind that gave all it was asked for may have more; the next claim comes at once or when a place is free. */
  #lookFurther(want: readonly Want[], jobs: readonly ClaimedJob[]): void {
    const got = new Map<string, number>();
    for (const { kind } of jobs) got.set(kind, (got.get(kind) ?? 0) + 1);
    for (const { kind, count } of want) {
      const known = this.#of(kind);
      if ((got.get(kind) ?? 0) >= count) known.more = true;
      if (known.more && free(known) > 0) this.#loop.wake();
    }
  }

  #of(kind: string): Kind {
    const known = this.#kinds.get(kind);
    assert(known, `a job of the kind ${kind} was claimed without a handler`);
    return known;
  }
}

const free = ({ rules, running }: Kind): number => rules.concurrency - running;
const handBack: Handler = () => Promise.resolve({ kind: 'snooze', untilMs: 0 });
