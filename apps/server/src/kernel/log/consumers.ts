import { asError, type Clock, conflict, invalid, jitter } from '#kernel/base';
import type { Tx } from '#kernel/db';
import { bytesBetween } from './budget.ts';
import type { Erasures } from './erasures.ts';
import type { LogEvents } from './events.ts';
import { cutPayload, type FrameView, frameTypes } from './frame.ts';
import type { Heads } from './heads.ts';
import type { LogLimits } from './limits.ts';
import type { Committed, Gauges, StreamKey } from './log.ts';
import * as queries from './queries.ts';
import { lsnOf, segmentHeaderBytes } from './segment.ts';
import type { Store } from './store.ts';
import { framesOf, type WalReader } from './wal-reader.ts';

export type Take = (tx: Tx, batch: readonly Committed[]) => Promise<void>;
export type Wants = (key: StreamKey) => boolean;

/** A frame of rows, with the number of its stream. */
type FromRows = Committed & { readonly streamNo: number };

/** What a consumer's transactions and cursor live in: rows, or memory when the log has no database. */
export interface ConsumerStore {
  cursor(name: string): Promise<number | undefined>;
  /** Runs `effect` and moves the cursor, together or not at all; `false` when the cursor had been moved by someone else. */
  advance(name: string, from: number | undefined, to: number, effect: (tx: Tx) => Promise<void>): Promise<boolean>;
  /** Appends of rows behind `after`, for what is not in segments any more. */
  rows(prefix: string, after: number, before: number, limit: number): Promise<FromRows[]>;
  /** Paths of streams that are not in memory. */
  keys(streamNos: readonly number[]): Promise<Map<number, StreamKey>>;
}

export function rowConsumers(store: Store, term: () => number): ConsumerStore {
  const { db } = store;
  return {
    cursor: (name) => queries.consumerCursor(db, name),
    advance: (name, from, to, effect) =>
      db
        .transaction(async (tx) => {
          if (!(await queries.moveConsumer(tx, name, from, to, term()))) throw new Moved();
          await effect(tx);
          return true;
        })
        .catch((error: unknown) => {
          if (error instanceof Moved) return false;
          throw error;
        }),
    async rows(prefix, after, before, limit) {
      const rows = await queries.rowsByLsn(db, prefix, after, before, limit);
      return rows.map((row) => ({
        streamNo: row.stream_no,
        key: { projectId: row.project_id, path: row.path },
        lsn: row.lsn,
        at: row.at.getTime(),
        firstSeq: row.seq,
        messages: cutPayload(row.payload, row.count, row.lengths),
        closes: false,
      }));
    },
    async keys(streamNos) {
      const rows = await queries.streamKeys(db, streamNos);
      return new Map(rows.map((row) => [row.stream_no, { projectId: row.project_id, path: row.path }]));
    },
  };
}

class Moved extends Error {}

const retryMsMax = 5000;

/*
 * One named reader of committed frames, in log order. Its cursor is an lsn: everything below it has taken effect.
 *
 *   idle      at the tip; the next commit wakes it.
 *   taking    a batch is with the effect, in one transaction with the cursor.
 *   resting   an effect failed; the same batch comes again.
 *   ended     disposed of.
 */
export class Consumer {
  readonly #name: string;
  readonly #prefix: string;
  readonly #take: Take;
  readonly #wants: Wants | undefined;
  readonly #parts: ConsumerParts;
  readonly #wal: WalReader;
  #state: 'idle' | 'taking' | 'resting' | 'ended' = 'idle';
  /** In rows; `undefined` before the first batch ever. */
  #stored: number | undefined;
  /** First lsn that has not taken effect, and the batch it lies in. */
  #at = 0;
  #batchAt = 0;
  #failures = 0;
  #running: Promise<void> = Promise.resolve();
  #loaded = false;
  /** When the oldest frame it has not taken became durable; nothing waits when `undefined`. */
  #oldestAt: number | undefined;

  constructor(name: string, prefix: string, take: Take, wants: Wants | undefined, parts: ConsumerParts) {
    this.#name = name;
    this.#prefix = prefix;
    this.#take = take;
    this.#wants = wants;
    this.#parts = parts;
    this.#wal = parts.wal();
  }

  /** Segments from here on are still needed. */
  get needsFrom(): number {
    return this.#at;
  }

  /** What waits for it: bytes of log, and the age of the oldest of them. */
  lag(): Gauges['consumers'][number] {
    const { durableTo, behind, limits, clock } = this.#parts;
    const to = durableTo();
    const from = Math.max(this.#at, lsnOf(1, segmentHeaderBytes));
    const atTip = this.#oldestAt === undefined || behind(this.#batchAt) >= to;
    return {
      name: this.#name,
      lagBytes: atTip ? 0 : Math.max(0, bytesBetween(from, to, limits.segmentBytes)),
      lagMs: atTip ? 0 : Math.max(0, clock.now() - (this.#oldestAt ?? 0)),
    };
  }

  wake(): void {
    this.#oldestAt ??= this.#parts.clock.now();
    if (this.#state !== 'idle') return;
    this.#state = 'taking';
    this.#running = this.#run();
  }

  end(): Promise<void> {
    this.#state = 'ended';
    return this.#running;
  }

  async #run(): Promise<void> {
    try {
      if (!this.#loaded) await this.#load();
      while (this.#state === 'taking') {
        const moved = await this.#step();
        this.#failures = 0;
        if (!moved) break;
      }
      if (this.#state !== 'taking') return;
      this.#state = 'idle';
      // What was committed between the last look and this line.
      if (this.#parts.durableTo() > this.#at && this.#parts.behind(this.#batchAt) < this.#parts.durableTo())
        this.wake();
      else this.#oldestAt = undefined;
    } catch (error) {
      if (this.#isEnded()) return;
      this.#state = 'resting';
      this.#parts.events.consumerFailed(this.#name, asError(error));
      const pauseMs = jitter(Math.min(retryMsMax, 100 * 2 ** Math.min(this.#failures++, 10)), 0.2);
      this.#parts.clock.after(pauseMs, () => {
        if (this.#state !== 'resting') return;
        this.#state = 'idle';
        this.wake();
      });
    }
  }

  #isEnded(): boolean {
    return this.#state === 'ended';
  }

  async #load(): Promise<void> {
    this.#stored = await this.#parts.store.cursor(this.#name);
    this.#at = this.#stored ?? 0;
    this.#loaded = true;
    this.#batchAt = this.#at >= this.#parts.oldest() ? await this.#wal.seek(this.#at) : 0;
  }

  /** Takes the next frames; `false` when there are none. */
  async #step(): Promise<boolean> {
    if (this.#at < this.#parts.oldest()) return this.#stepInRows();
    const taken: { view: Omit<Committed, 'key'>; streamNo: number }[] = [];
    let next = this.#at;
    let batchAt = this.#batchAt;
    let scanned = 0;
    while (taken.length < this.#parts.limits.consumerBatchMax && scanned < 64) {
      const found = this.#wal.read(batchAt);
      const batch = found instanceof Promise ? await found : found;
      if (!batch) break;
      if (scanned === 0) this.#oldestAt = batch.wallMs;
      scanned += 1;
      let cutShort = false;
      for (const view of framesOf(batch)) {
        const lsn = batch.lsn + view.at - batch.at;
        if (lsn < this.#at || !isData(view) || this.#isForeign(view.streamNo)) continue;
        if (taken.length >= this.#parts.limits.consumerBatchMax) {
          cutShort = true;
          next = lsn;
          break;
        }
        const payload = Buffer.from(view.payload());
        const stored = cutPayload(payload, view.count, view.lengths());
        const messages = this.#parts.erasures.masked(view.streamNo, view.firstSeq, stored);
        taken.push({
          view: { lsn, at: view.ms, firstSeq: view.firstSeq, messages, closes: view.closes },
          streamNo: view.streamNo,
        });
      }
      if (cutShort) {
        batchAt = batch.lsn;
        break;
      }
      next = batch.next;
      batchAt = batch.next;
    }
    if (next === this.#at) return false;
    const wanted = await this.#withKeys(taken);
    await this.#commit(wanted, next, batchAt);
    return true;
  }

  async #withKeys(taken: readonly { view: Omit<Committed, 'key'>; streamNo: number }[]): Promise<Committed[]> {
    const absent = new Set<number>();
    for (const { streamNo } of taken) if (!this.#parts.heads.byNo(streamNo)) absent.add(streamNo);
    const found = absent.size > 0 ? await this.#parts.store.keys([...absent]) : new Map<number, StreamKey>();
    const wanted: Committed[] = [];
    for (const { view, streamNo } of taken) {
      const key = this.#parts.heads.byNo(streamNo)?.key ?? found.get(streamNo);
      // A stream whose last trace is gone was removed a day ago: nobody can act on it any more.
      if (key && this.#isWanted(key)) wanted.push({ key, ...view });
    }
    return wanted;
  }

  #isWanted(key: StreamKey): boolean {
    return key.path.startsWith(this.#prefix) && (this.#wants === undefined || this.#wants(key));
  }

  /** Known not to be wanted, so that nothing of it is copied. */
  #isForeign(streamNo: number): boolean {
    const key = this.#parts.heads.byNo(streamNo)?.key;
    return key !== undefined && !this.#isWanted(key);
  }

  /** Segments at this position are gone: rows are asked, in the same order, until the segments that are left. */
  async #stepInRows(): Promise<boolean> {
    const before = this.#parts.oldest();
    const found = await this.#parts.store.rows(this.#prefix, this.#at - 1, before, this.#parts.limits.consumerBatchMax);
    const last = found.at(-1);
    const next = last && found.length === this.#parts.limits.consumerBatchMax ? last.lsn + 1 : before;
    if (found[0]) this.#oldestAt = found[0].at;
    const wanted = found.flatMap(({ streamNo, ...frame }) => {
      const messages = this.#parts.erasures.masked(streamNo, frame.firstSeq, frame.messages);
      return this.#isWanted(frame.key) ? [{ ...frame, messages }] : [];
    });
    await this.#commit(wanted, next, next);
    return true;
  }

  async #commit(wanted: readonly Committed[], next: number, batchAt: number): Promise<void> {
    // Moving over frames of others costs a row only now and then; a repeat finds nothing of ours in them.
    const worth = wanted.length > 0 || next - (this.#stored ?? 0) > 4 * 1024 * 1024;
    if (worth) {
      const moved = await this.#parts.store.advance(this.#name, this.#stored, next, async (tx) => {
        if (wanted.length > 0) await this.#take(tx, wanted);
      });
      if (!moved) {
        this.#loaded = false;
        await this.#load();
        return;
      }
      this.#stored = next;
    }
    this.#at = next;
    this.#batchAt = batchAt;
  }
}

const isData = (view: FrameView): boolean =>
  view.type === frameTypes.append ||
  view.type === frameTypes.close ||
  (view.type === frameTypes.create && view.count > 0);

export type ConsumerParts = {
  store: ConsumerStore;
  wal: () => WalReader;
  heads: Heads;
  erasures: Erasures;
  clock: Clock;
  limits: LogLimits;
  events: LogEvents;
  durableTo: () => number;
  behind: (lsn: number) => number;
  /** First lsn that segments still hold. */
  oldest: () => number;
};

/** All consumers of one log. */
export class Consumers {
  readonly #consumers = new Map<string, Consumer>();
  readonly #parts: ConsumerParts;
  #started = false;

  constructor(parts: ConsumerParts) {
    this.#parts = parts;
  }

  add(name: string, prefix: string, take: Take, wants?: Wants): Disposable {
    if (!/^[a-z][a-z0-9_.-]{0,99}$/.test(name))
      throw invalid('consumer_name', 'A consumer has a short lower-case name.');
    if (this.#consumers.has(name)) throw conflict('consumer_exists', `A consumer named ${name} is running already.`);
    const consumer = new Consumer(name, prefix, take, wants, this.#parts);
    this.#consumers.set(name, consumer);
    if (this.#started) consumer.wake();
    return {
      [Symbol.dispose]: () => {
        this.#consumers.delete(name);
        void consumer.end();
      },
    };
  }

  start(): void {
    this.#started = true;
    this.wake();
  }

  wake(): void {
    if (this.#started) for (const consumer of this.#consumers.values()) consumer.wake();
  }

  lags(): Gauges['consumers'] {
    return [...this.#consumers.values()].map((consumer) => consumer.lag());
  }

  /** The lowest lsn a consumer still needs from segments; those too far behind read rows instead. */
  needsFrom(tip: number): number {
    let lowest = tip;
    const far = this.#parts.limits.consumerLagBytesMax;
    for (const { needsFrom } of this.#consumers.values())
      if (needsFrom < lowest && tip - needsFrom <= far) lowest = needsFrom;
    return lowest;
  }

  async end(): Promise<void> {
    this.#started = false;
    await Promise.all([...this.#consumers.values()].map((consumer) => consumer.end()));
  }
}

/** For logs without a database: cursors in memory, effects outside any transaction. */
export function memoryConsumers(): ConsumerStore {
  const cursors = new Map<string, number>();
  return {
    cursor: (name) => Promise.resolve(cursors.get(name)),
    async advance(name, _from, to, effect) {
      const after: (() => void | Promise<void>)[] = [];
      await effect({
        inTransaction: true,
        query: () => Promise.reject(invalid('no_database', 'The memory log has no database.')),
        send: () => {
          throw invalid('no_database', 'The memory log has no database.');
        },
        afterCommit: (then) => void after.push(then),
      });
      cursors.set(name, to);
      for (const then of after) await then();
      return true;
    },
    rows: () => Promise.resolve([]),
    keys: () => Promise.resolve(new Map()),
  };
}
