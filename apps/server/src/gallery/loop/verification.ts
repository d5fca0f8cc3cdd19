import { asError } from '#kernel/base';
import type { Db } from '#kernel/db';
import type { Logger } from '#kernel/telemetry';
import type { Thinker } from './contract.ts';
import type { HeldShard } from './queries/shards.ts';
import { readUnsettled } from './queries/timers.ts';
import { flag } from './roster.ts';
import type { Shards } from './shards.ts';
import type { Timetable } from './timetable.ts';

/** Bots whose act was settled come up within this time. */
const spreadMs = 5_000;

export type VerificationParts = {
  db: Db;
  logger: Logger;
  thinking: Pick<Thinker, 'verifyOpen'>;
  shards: Shards;
  table: Timetable;
};

/**
 * Acts that a dead term left open are settled before anything else of their bots (§9.3); all other bots of the shard go on.
 * The rows say who that is, at the taking of a shard and at each renewal: an `open` that a dead process committed in its
 * last instant is found a little later. What cannot be seen now is left and tried again (I6).
 */
export class Verification {
  readonly #parts: VerificationParts;
  readonly #unsettled = new Map<string, number>();
  readonly #running = new Map<number, AbortController>();
  #stopped = false;

  constructor(parts: VerificationParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#unsettled.size;
  }

  /** Whether this bot must wait; asked when it is taken in. */
  holds(botId: string): boolean {
    return this.#unsettled.has(botId);
  }

  /** Reads who is unsettled on these shards, keeps them out, and begins to settle. */
  async look(shards: readonly number[]): Promise<void> {
    for (const { shard, term } of await this.#read(shards)) void this.#verify(shard, term);
  }

  /** Answers the shards on which somebody waits. */
  async #read(shards: readonly number[]): Promise<HeldShard[]> {
    if (this.#stopped || shards.length === 0) return [];
    const held = this.#parts.shards.held().filter(({ shard }) => shards.includes(shard));
    const found = await readUnsettled(
      this.#parts.db,
      held.map(({ shard }) => shard),
      held.map(({ term }) => term),
    );
    const now = new Map(found.map(({ botId, shard }) => [botId, shard]));
    const looked = new Set(held.map(({ shard }) => shard));
    for (const [botId, shard] of this.#unsettled) if (looked.has(shard) && !now.has(botId)) this.#settled(botId);
    for (const [botId, shard] of now) this.#keepOut(botId, shard);
    return held.filter(({ shard }) => found.some((one) => one.shard === shard));
  }

  /** These shards are somebody else's now. */
  lost(shards: readonly number[]): void {
    for (const shard of shards) this.#running.get(shard)?.abort();
    for (const [botId, shard] of this.#unsettled) if (shards.includes(shard)) this.#unsettled.delete(botId);
  }

  stop(): void {
    this.#stopped = true;
    for (const running of this.#running.values()) running.abort();
  }

  async #verify(shard: number, term: bigint): Promise<void> {
    if (this.#running.has(shard) || this.#stopped) return;
    const { thinking, logger } = this.#parts;
    const running = new AbortController();
    this.#running.set(shard, running);
    try {
      const settled = await thinking.verifyOpen(shard, term, running.signal);
      logger.info({ shard, ...settled }, 'acts of an earlier term were settled');
    } catch (error) {
      if (!running.signal.aborted)
        logger.warn({ error: asError(error), shard }, 'acts of an earlier term could not be settled yet');
    }
    this.#running.delete(shard);
    if (running.signal.aborted) return;
    // Who is still there waits for the next look of the owner, so what cannot be seen is not asked for in a circle.
    await this.#read([shard]).catch((error: unknown) => logger.warn({ error: asError(error), shard }, 'a look failed'));
  }

  #keepOut(botId: string, shard: number): void {
    this.#unsettled.set(botId, shard);
    const { roster } = this.#parts.table;
    const place = roster.placeOf(botId);
    if (place !== undefined) roster.mark(place, flag.unsettled);
  }

  #settled(botId: string): void {
    this.#unsettled.delete(botId);
    const { table } = this.#parts;
    const place = table.roster.placeOf(botId);
    if (place === undefined) return;
    table.roster.unmark(place, flag.unsettled);
    table.unpark(place, spreadMs);
  }
}
