import { asError, type Clock, internal, type Limits, systemClock } from '#kernel/base';
import type { Db, Reader, Tx } from '#kernel/db';
import type { Logger } from '#kernel/telemetry';
import { Counters } from './counters.ts';
import type { Meter, UsageEntry, UsageHour, UsageTotal, UsageWindow } from './meter.ts';
import {
  addCounts,
  addToHours,
  insertEntries,
  readHours,
  readTotals,
  removeOldEntries,
  removeOldHours,
} from './queries.ts';

export const meterLimits = {
  /** Different (project, meter) counters between two flushes. */
  countersMax: 10_000,
  /** Entries of one `record`. */
  recordMax: 1_000,
  dimensionsMax: 8,
  dimensionCharsMax: 200,
  nameCharsMax: 300,
  /** Rows one maintenance statement touches. */
  batchMax: 2_000,
} as const;

export type MeterOptions = {
  db: Db;
  logger: Logger;
  clock?: Clock;
  flushMs?: number;
  keepEntriesMs?: number;
  keepHoursMs?: number;
  /** Where the bounds are listed for `GET /v1/limits`. */
  limits?: Limits;
};

const dayMs = 24 * 3_600_000;

/**
 * Usage of one process; any number of processes share the tables.
 *
 *  new     – records and counts; nothing is flushed.
 *  running – every `flushMs`: counts are written, open entries go into their hours, old rows are removed.
 *  stopped – counts were written once more; later ones stay in memory and are lost.
 */
export class PostgresMeter implements Meter {
  readonly #db: Db;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #flushMs: number;
  readonly #keepEntriesMs: number;
  readonly #keepHoursMs: number;
  readonly #counters = new Counters(meterLimits.countersMax);
  #phase: 'new' | 'running' | 'stopped' = 'new';
  #timer: Disposable | undefined;
  #work: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | undefined;

  constructor(options: MeterOptions) {
    this.#db = options.db;
    this.#logger = options.logger;
    this.#clock = options.clock ?? systemClock;
    this.#flushMs = options.flushMs ?? 10_000;
    this.#keepEntriesMs = options.keepEntriesMs ?? 90 * dayMs;
    this.#keepHoursMs = options.keepHoursMs ?? 760 * dayMs; // 25 months
    options.limits?.add({
      name: 'usage.counters',
      unit: 'count',
      value: meterLimits.countersMax,
      whenFull: 'Further unpriced counts are dropped until the next flush, and the log says how many.',
      used: () => this.#counters.size,
    });
  }

  start(): Promise<void> {
    if (this.#phase === 'new') {
      this.#phase = 'running';
      this.#plan();
    }
    return Promise.resolve();
  }

  async record(tx: Tx, entries: readonly UsageEntry[]): Promise<void> {
    if (entries.length === 0) return;
    if (entries.length > meterLimits.recordMax) {
      throw internal('bad_usage', `More than ${meterLimits.recordMax} usage entries at once.`);
    }
    for (const entry of entries) check(entry);
    insertEntries(tx, entries);
  }

  count(projectId: string, meter: string, quantity: number): void {
    if (!Number.isSafeInteger(quantity) || quantity < 0) throw internal('bad_usage', `A count of ${quantity}.`);
    this.#counters.add(projectId, meter, quantity);
  }

  totals(reader: Reader, window: UsageWindow): Promise<UsageTotal[]> {
    return readTotals(reader, window);
  }

  hours(reader: Reader, window: UsageWindow): Promise<UsageHour[]> {
    return readHours(reader, window);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#phase = 'stopped';
    this.#timer?.[Symbol.dispose]();
    await this.#work;
    await this.#attempt('flush', () => this.#flush());
  }

  #plan(): void {
    this.#timer = this.#clock.after(this.#flushMs, () => {
      this.#work = this.#maintain();
    });
  }

  async #maintain(): Promise<void> {
    await this.#attempt('flush', () => this.#flush());
    await this.#attempt('hours', () => this.#everyBatch((limit) => addToHours(this.#db, limit)));
    await this.#attempt('retention', async () => {
      await removeOldEntries(this.#db, this.#keepEntriesMs, meterLimits.batchMax);
      await removeOldHours(this.#db, this.#keepHoursMs, meterLimits.batchMax);
    });
    if (this.#phase === 'running') this.#plan();
  }

  async #flush(): Promise<void> {
    const { counts, dropped } = this.#counters.take();
    if (dropped > 0)
      this.#logger.error({ dropped, max: meterLimits.countersMax }, 'counts were dropped: too many counters');
    if (counts.length === 0) return;
    try {
      await addCounts(this.#db, counts);
    } catch (error) {
      this.#counters.putBack(counts);
      throw error;
    }
  }

  async #everyBatch(work: (limit: number) => Promise<number>): Promise<void> {
    while ((await work(meterLimits.batchMax)) === meterLimits.batchMax && this.#phase === 'running');
  }

  async #attempt(part: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#logger.warn({ part, err: asError(error) }, 'usage could not be written; tried again with the next flush');
    }
  }
}

/** Entries come from our own rows: one that is wrong is a bug here. */
function check({ projectId, meter, quantity, at, source, part, dimensions = {} }: UsageEntry): void {
  const names = [projectId, meter, source, part];
  const pairs = Object.entries(dimensions);
  const { nameCharsMax, dimensionsMax, dimensionCharsMax } = meterLimits;
  if (names.some((name) => name === '' || name.length > nameCharsMax)) throw bad('a name is empty or too long');
  if (!(quantity >= 0 && quantity <= Number.MAX_SAFE_INTEGER)) throw bad(`a quantity of ${quantity}`);
  if (Number.isNaN(at.getTime())) throw bad('a time that is none');
  if (pairs.length > dimensionsMax || pairs.some(([name, value]) => name.length + value.length > dimensionCharsMax)) {
    throw bad('too many or too long dimensions');
  }
}

const bad = (what: string): Error => internal('bad_usage', `A usage entry with ${what}.`);
