import { asError, type Clock } from '#kernel/base';
import type { Db } from '#kernel/db';
import type { Logger } from '#kernel/telemetry';
import type { HeldShard } from './queries/shards.ts';
import { countWanted, fromTheStart, type Place, readWanted, type TimerRow } from './queries/timers.ts';
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
    let counted: number | undefined;
    let looked = false;
    let place: Place | undefined = fromTheStart;
    this.#running += 1;
    while (left.length > 0 && place && !this.#stopped) {
      try {
        if (counted === undefined) {
          counted = await countWanted(db, numbers);
          this.#of += counted;
        }
        // Who must wait is known before the first of them is taken in.
        if (!looked) await verification.look(left);
        looked = true;
        place = await this.#readPage(left, place);
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
    logger.info(
      { shards: numbers.length, bots: counted ?? 0, tookMs: Math.round(tookMs) },
      'bots of the gallery are back',
    );
  }

  /** Answers where the next page begins; `undefined` when this was the last. */
  async #readPage(shards: readonly number[], after: Place): Promise<Place | undefined> {
    const { db, apply } = this.#parts;
    const rows = await readWanted(db, shards, after, pageRows);
    await apply(rows);
    this.#done += rows.length;
    const last = rows.at(-1);
    return rows.length < pageRows || !last ? undefined : { shard: last.shard, id: last.id };
  }
}
