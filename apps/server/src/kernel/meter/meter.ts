import type { Service } from '#kernel/base';
import type { Reader, Tx } from '#kernel/db';

/** Something that costs. `source` + `part` are unique: a replay or a retry cannot count twice (I9). */
export type UsageEntry = {
  projectId: string;
  /** `build.time` (ms), `build.storage` (byte·h), `build.transfer` (bytes), … */
  meter: string;
  /** Not negative; rounded to a whole number. */
  quantity: number;
  at: Date;
  source: string;
  part: string;
  dimensions?: Readonly<Record<string, string>>;
};

/** Which usage to sum. Hours are the finest grain: `from` and `to` are cut down to the hour; `to` is not included. */
export type UsageWindow = { projectId: string; meters?: readonly string[]; from: Date; to: Date };
export type UsageTotal = { meter: string; quantity: number; entries: number };
export type UsageHour = UsageTotal & { hour: Date; dimensions: Readonly<Record<string, string>> };

export interface Meter extends Service {
  /** In the transaction of the row the entry comes from. An entry that exists is left as it is. */
  record(tx: Tx, entries: readonly UsageEntry[]): Promise<void>;
  /**
   * In-memory counts without a price (`http.requests`, `stream.bytes`), flushed every 10 s and at stop; a crash may lose
   * that much. Full (`countersMax` different ones between two flushes) → the count is dropped and said in the log.
   */
  count(projectId: string, meter: string, quantity: number): void;
  /** Sums per meter, entries not yet in their hour included: a total never jumps back. */
  totals(reader: Reader, window: UsageWindow): Promise<UsageTotal[]>;
  /** Sums per hour, meter and dimensions, in this order, at most `usageHoursMax`. */
  hours(reader: Reader, window: UsageWindow): Promise<UsageHour[]>;
}

/** Rows in one answer of `hours`. */
export const usageHoursMax = 10_000;
