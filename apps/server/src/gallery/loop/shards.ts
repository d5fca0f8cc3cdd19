import { asError, type Clock, type Service } from '#kernel/base';
import type { Bus } from '#kernel/bus';
import type { Db } from '#kernel/db';
import type { Logger } from '#kernel/telemetry';
import { claimShards, ensureShards, type HeldShard, readFree, releaseShards, renewShards } from './queries/shards.ts';
import { keeperOf } from './shard-ring.ts';

export const shardCount = 64;
const allShards = Array.from({ length: shardCount }, (_, shard) => shard);

export type ShardTimes = {
  /** How long the database keeps a lease for a node that says nothing. */
  leaseMs: number;
  renewEveryMs: number;
  /** How long before the end of its lease a node stops to trust it: clocks of two machines run differently. */
  marginMs: number;
  /** What a handover waits for thinks under way. */
  drainMs: number;
};
export const shardTimes: ShardTimes = { leaseMs: 10_000, renewEveryMs: 3_000, marginMs: 1_000, drainMs: 5_000 };

export type ShardParts = {
  db: Db;
  bus: Bus;
  /** Real time, also while the gallery's own is simulated. */
  clock: Clock;
  logger: Logger;
  nodeId: string;
  times: ShardTimes;
  /** These are ours from now on, under these terms. */
  taken: (shards: readonly HeldShard[]) => void;
  /** At once: nothing of these may be done any more. */
  lost: (shards: readonly number[]) => void;
  /** Resolves when nothing of these is under way any more. */
  drained: (shards: readonly number[]) => Promise<void>;
  /** After each renewal that got through: what hints may have missed is read again. */
  renewed: () => void;
};

const here = 'gallery.node';

/**
 * The right of this node to let the bots of a shard act (I4). A shard is, for this node, one of
 *
 *  other   – somebody else's, or nobody's; claimed when it is free and the ring gives it to us, or nobody took it for long.
 *  held    – ours under a term until `trustedUntil`, which is counted from when the renewal was asked for.
 *  leaving – the ring gives it to another node: no new thinks; released when those under way have ended.
 *
 * `held` ends by a renewal that does not find the term, or by time alone when no renewal gets through: also for a process
 * that was stopped and goes on, whose monotonic clock has moved meanwhile.
 */
export class Shards implements Service {
  readonly #parts: ShardParts;
  readonly #held = new Map<number, bigint>();
  readonly #leaving = new Set<number>();
  /** Other nodes, and when they were last heard. */
  readonly #nodes = new Map<string, number>();
  /** Since when a shard of another node's has been free. */
  readonly #freeSince = new Map<number, number>();
  #trustedUntil = Number.NEGATIVE_INFINITY;
  #renewing: Promise<void> | undefined;
  #timer: Disposable | undefined;
  #lapse: Disposable | undefined;
  #hearing: Disposable | undefined;
  #stopped = false;

  constructor(parts: ShardParts) {
    this.#parts = parts;
  }

  /** Answered from memory, so it may be asked with the first byte in hand. */
  holds(shard: number, term: bigint): boolean {
    return this.#held.get(shard) === term && this.#trusted();
  }

  /** The term under which new thinks of this shard may begin. */
  termOf(shard: number): bigint | undefined {
    return this.#leaving.has(shard) || !this.#trusted() ? undefined : this.#held.get(shard);
  }

  /** No other node was heard of lately. */
  get alone(): boolean {
    return this.#nodes.size === 0;
  }

  held(): HeldShard[] {
    return [...this.#held].map(([shard, term]) => ({ shard, term }));
  }

  async start(): Promise<void> {
    const { db, bus, nodeId } = this.#parts;
    if (this.#hearing || this.#stopped) return;
    this.#hearing = bus.subscribe(here, (text) => this.#heard(text));
    await db.transaction((tx) => ensureShards(tx, shardCount));
    await this.#claim(true);
    bus.publish(here, nodeId);
    this.#later();
  }

  /** Now; joins one that is under way. */
  renew(): Promise<void> {
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#timer?.[Symbol.dispose]();
    this.#hearing?.[Symbol.dispose]();
    await this.#renewing;
    const held = this.held();
    for (const { shard } of held) this.#leaving.add(shard);
    await this.#parts.drained(held.map(({ shard }) => shard));
    this.#lapse?.[Symbol.dispose]();
    this.#drop(held.map(({ shard }) => shard));
    if (held.length === 0) return;
    try {
      await this.#parts.db.transaction((tx) => releaseShards(tx, held));
      this.#parts.bus.publish(here, `-${this.#parts.nodeId}`);
    } catch (error) {
      this.#parts.logger.info(
        { error: asError(error) },
        'shards could not be given back; their leases end by themselves',
      );
    }
  }

  #trusted(): boolean {
    return this.#parts.clock.monotonic() < this.#trustedUntil;
  }

  #heard(text: string): void {
    const [leaves, node] = text.startsWith('-') ? [true, text.slice(1)] : [false, text];
    if (node === this.#parts.nodeId || this.#stopped) return;
    const known = this.#nodes.has(node);
    if (leaves) this.#nodes.delete(node);
    else this.#nodes.set(node, this.#parts.clock.monotonic());
    if (known !== leaves) return;
    // Somebody came or went: what is theirs or ours now is settled at once.
    if (!leaves) this.#parts.bus.publish(here, this.#parts.nodeId);
    void this.renew();
  }

  #later(): void {
    if (this.#stopped) return;
    this.#timer?.[Symbol.dispose]();
    this.#timer = this.#parts.clock.after(this.#parts.times.renewEveryMs, () => void this.renew());
  }

  async #renew(): Promise<void> {
    const { bus, nodeId, logger } = this.#parts;
    try {
      await this.#renewHeld();
      bus.publish(here, nodeId);
      this.#release(this.#notOurs());
      await this.#claim(false);
      this.#parts.renewed();
    } catch (error) {
      // Nothing is given up for this: the lease runs, and ends by itself.
      logger.warn({ error: asError(error) }, 'the leases of the gallery could not be renewed');
    } finally {
      this.#later();
    }
  }

  async #renewHeld(): Promise<void> {
    const { db, clock, times } = this.#parts;
    const held = this.held();
    if (held.length === 0) return;
    const askedAt = clock.monotonic();
    const kept = new Set(await db.transaction((tx) => renewShards(tx, held, times.leaseMs)));
    const gone = held.map(({ shard }) => shard).filter((shard) => !kept.has(shard));
    if (gone.length > 0) this.#drop(gone);
    if (kept.size > 0) this.#trust(askedAt);
  }

  /** What lay under the ring of the nodes that are there, and is held here. */
  #notOurs(): HeldShard[] {
    return this.held().filter(({ shard }) => !this.#leaving.has(shard) && this.#keeper(shard) !== this.#parts.nodeId);
  }

  #keeper(shard: number): string | undefined {
    const { clock, nodeId, times } = this.#parts;
    const now = clock.monotonic();
    for (const [node, heardAt] of this.#nodes) if (now - heardAt > times.leaseMs) this.#nodes.delete(node);
    return keeperOf(shard, [nodeId, ...this.#nodes.keys()]);
  }

  #release(leaving: readonly HeldShard[]): void {
    if (leaving.length === 0) return;
    const shards = leaving.map(({ shard }) => shard);
    for (const shard of shards) this.#leaving.add(shard);
    void this.#handOver(leaving, shards);
  }

  async #handOver(leaving: readonly HeldShard[], shards: readonly number[]): Promise<void> {
    const { db, bus, nodeId, logger } = this.#parts;
    try {
      await this.#parts.drained(shards);
      this.#drop(shards);
      await db.transaction((tx) => releaseShards(tx, leaving));
      bus.publish(here, nodeId);
    } catch (error) {
      logger.warn({ error: asError(error) }, 'shards could not be handed over; their leases end by themselves');
    }
  }

  async #claim(ownToo: boolean): Promise<void> {
    const { db, clock, times, nodeId, logger } = this.#parts;
    const wanted = await this.#wanted(ownToo);
    if (wanted.length === 0 || this.#stopped) return;
    const askedAt = clock.monotonic();
    const taken = await db.transaction((tx) =>
      claimShards(tx, { owner: nodeId, wanted, leaseMs: times.leaseMs, ownToo }),
    );
    if (taken.length === 0) return;
    for (const { shard, term } of taken) this.#held.set(shard, term);
    if (!this.#trusted()) this.#trust(askedAt);
    logger.info({ shards: taken.length, held: this.#held.size }, 'shards of the gallery taken');
    this.#parts.taken(taken);
  }

  /** At the start whatever the ring gives us; later also what has lain free for longer than a lease. */
  async #wanted(atStart: boolean): Promise<number[]> {
    const { db, clock, nodeId, times } = this.#parts;
    if (atStart) return allShards;
    if (this.#held.size === shardCount) return [];
    const now = clock.monotonic();
    const free = new Set((await readFree(db)).filter((shard) => !this.#held.has(shard)));
    for (const shard of this.#freeSince.keys()) if (!free.has(shard)) this.#freeSince.delete(shard);
    for (const shard of free) if (!this.#freeSince.has(shard)) this.#freeSince.set(shard, now);
    return [...free].filter(
      (shard) => this.#keeper(shard) === nodeId || now - (this.#freeSince.get(shard) ?? now) > times.leaseMs,
    );
  }

  /** The lease runs on the database's clock from some time after `askedAt`; ours is over a little earlier. */
  #trust(askedAt: number): void {
    const { clock, times } = this.#parts;
    this.#trustedUntil = askedAt + times.leaseMs - times.marginMs;
    this.#lapse?.[Symbol.dispose]();
    this.#lapse = clock.after(this.#trustedUntil - clock.monotonic(), () => {
      this.#parts.logger.warn({ shards: this.#held.size }, 'the leases of the gallery ran out; its bots wait');
      this.#drop([...this.#held.keys()]);
    });
  }

  #drop(shards: readonly number[]): void {
    const gone = shards.filter((shard) => this.#held.delete(shard));
    for (const shard of gone) this.#leaving.delete(shard);
    if (gone.length > 0) this.#parts.lost(gone);
  }
}
