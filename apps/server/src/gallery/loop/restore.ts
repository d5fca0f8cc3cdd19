import { asError, type Clock } from '#kernel/base';
import type { Db } from '#kernel/db';
import type { Logger } from '#kernel/telemetry';
import type { HeldShard } from './queries/shards.ts';
import { countWanted, readWanted, type TimerRow } from './queries/timers.ts';
import type { Shards } from './shards.ts';
import type { Verification } from './verification.ts';

const pageRows = 1_000;
const retryMs = 2_000;

export type RestoreParts = {
  db: Db;
  realClock: Clock;
  logger: Logger;
  shards: Shards;
  verification: Verification;
  apply: (rows: readonly TimerRow[]) => Promise<void>;
  restored: (ms: number) => void;
};

/**
 * Brings the bots of shards that were just taken into memory, page by page. Who has an act to be settled is known before
 * the first of them may think. While the database is away it is tried again, as long as the shards are held.
 */
export class Restore {
  readonly #parts: RestoreParts;
  #done = 0;
  #of = 0;
  #running = 0;
  #stopped = false;

  constructor(parts: RestoreParts) {
    this.#parts = parts;
  }

  /** `null` when nothing is being read. */
  get progress(): { done: number; of: number } | null {
    return this.#running === 0 ? null : { done: Math.min(this.#done, this.#of), of: this.#of };
  }

  stop(): void {
    this.#stopped = true;
  }

  async run(taken: readonly HeldShard[]): Promise<void> {
    const { db, realClock, logger, shards, verification } = this.#parts;
    const began = realClock.monotonic();
    const numbers = taken.map(({ shard }) => shard);
    let left = numbers;
    let counted = 0;
    this.#running += 1;
    while (left.length > 0 && !this.#stopped) {
      try {
        if (counted === 0) {
          counted = await countWanted(db, numbers);
          this.#of += counted;
        }
        await verification.look(left);
        for (const shard of left) {
          await this.#readShard(shard);
          left = left.filter((other) => other !== shard);
        }
      } catch (error) {
        logger.warn({ error: asError(error), shards: left.length }, 'bots could not be read; they are read again');
        await realClock.sleep(retryMs);
        left = left.filter((shard) => shards.termOf(shard) !== undefined);
      }
    }
    this.#running -= 1;
    if (this.#running === 0) [this.#done, this.#of] = [0, 0];
    const tookMs = realClock.monotonic() - began;
    this.#parts.restored(tookMs);
    logger.info({ shards: numbers.length, bots: counted, tookMs: Math.round(tookMs) }, 'bots of the gallery are back');
  }

  async #readShard(shard: number): Promise<void> {
    const { db, apply } = this.#parts;
    for (let after = ''; !this.#stopped; ) {
      const rows = await readWanted(db, shard, after, pageRows);
      await apply(rows);
      this.#done += rows.length;
      if (rows.length < pageRows) return;
      after = rows.at(-1)?.id ?? '';
    }
  }
}
