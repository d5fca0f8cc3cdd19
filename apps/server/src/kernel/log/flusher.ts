import { asError, type Clock, type MusterError, reach, unavailable } from '#kernel/base';
import type { Committer } from './commit.ts';
import type { LogEvents } from './events.ts';
import { FlushChunk, FlushMismatch } from './flush-chunk.ts';
import type { LogLimits } from './limits.ts';
import * as queries from './queries.ts';
import type { Store } from './store.ts';
import { framesOf, type ReadBatch, type WalReader } from './wal-reader.ts';

/*
 * Moves committed frames to Postgres, oldest first, with the cursor in the same transaction.
 *
 *   waiting   nothing to do until the next tick, or until enough has come together.
 *   flushing  one transaction at a time; each takes whole batches.
 *   backing   a transaction failed; everything is kept and tried again, later and later. Appends go on.
 *   stopped   a row held something else, or someone else owns this log: going on would hide a lost message. Alarmed.
 *   ended     disposed of.
 */
export class Flusher {
  readonly #walId: string;
  readonly #term: number;
  readonly #store: Store;
  readonly #wal: WalReader;
  readonly #committer: Committer;
  readonly #clock: Clock;
  readonly #limits: LogLimits;
  readonly #events: LogEvents;
  readonly #shardOf: (streamNo: number) => number;
  readonly #flushed: (to: number) => void;
  readonly #lost: (error: MusterError) => void;
  #state: 'waiting' | 'flushing' | 'backing' | 'stopped' | 'ended' = 'waiting';
  #cursor: number;
  #arrivedBytes = 0;
  #oldestAt: number | undefined;
  #timer: Disposable | undefined;
  #running: Promise<void> = Promise.resolve();
  #backoffMs: number;
  /** Where the cursor would stand if the last transaction, which failed, was committed after all. */
  #attempted: number | undefined;

  constructor(parts: {
    walId: string;
    term: number;
    cursor: number;
    store: Store;
    wal: WalReader;
    committer: Committer;
    clock: Clock;
    limits: LogLimits;
    events: LogEvents;
    shardOf: (streamNo: number) => number;
    flushed: (to: number) => void;
    lost: (error: MusterError) => void;
  }) {
    this.#walId = parts.walId;
    this.#term = parts.term;
    this.#cursor = parts.cursor;
    this.#store = parts.store;
    this.#wal = parts.wal;
    this.#committer = parts.committer;
    this.#clock = parts.clock;
    this.#limits = parts.limits;
    this.#events = parts.events;
    this.#shardOf = parts.shardOf;
    this.#flushed = parts.flushed;
    this.#lost = parts.lost;
    this.#backoffMs = parts.limits.flushEveryMs;
  }

  /** Postgres holds everything below this lsn. */
  get cursor(): number {
    return this.#cursor;
  }

  /** It met what it must not step over: nothing reaches Postgres any more. */
  get stopped(): boolean {
    return this.#state === 'stopped';
  }

  /** How long the oldest frame that is not in Postgres has been waiting. */
  get lagMs(): number {
    return this.#oldestAt === undefined ? 0 : Math.max(0, this.#clock.now() - this.#oldestAt);
  }

  start(): void {
    this.#flushed(this.#cursor);
    this.#later(0);
  }

  /** A batch became durable. */
  arrived(bytes: number): void {
    this.#oldestAt ??= this.#clock.now();
    this.#arrivedBytes += bytes;
    if (this.#arrivedBytes >= this.#limits.flushBytes && this.#state === 'waiting') this.#begin();
  }

  /** Resolves when nothing is left, or when `deadline` aborts. */
  async finish(deadline: AbortSignal): Promise<void> {
    while (!deadline.aborted && this.#state !== 'stopped' && this.#behind()) {
      if (this.#state === 'waiting') this.#begin();
      await Promise.race([this.#running, aborted(deadline)]);
      if (this.#state === 'backing') await Promise.race([this.#clock.sleep(this.#backoffMs), aborted(deadline)]);
    }
  }

  async end(): Promise<void> {
    if (this.#state !== 'stopped') this.#state = 'ended';
    this.#timer?.[Symbol.dispose]();
    await this.#running;
  }

  #behind(): boolean {
    return this.#cursor < this.#committer.durableTo;
  }

  #later(ms: number): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = this.#clock.after(ms, () => {
      this.#timer = undefined;
      if (this.#state === 'waiting' || this.#state === 'backing') this.#begin();
    });
  }

  #begin(): void {
    this.#state = 'flushing';
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    try {
      while (this.#state === 'flushing') {
        const more = await this.#flushOnce();
        this.#backoffMs = this.#limits.flushEveryMs;
        if (!more) break;
      }
      if (this.#state !== 'flushing') return;
      this.#state = 'waiting';
      this.#later(this.#limits.flushEveryMs);
    } catch (error) {
      this.#failed(asError(error));
    }
  }

  #failed(error: Error): void {
    if (this.#state === 'ended') return;
    if (error instanceof FlushMismatch) {
      this.#state = 'stopped';
      this.#events.flushMismatch(error.found);
      return;
    }
    if (error instanceof NotOurs) {
      this.#state = 'stopped';
      this.#lost(
        unavailable('log_owner_changed', 'Another server owns this log now; this one must not write any more.', {
          cause: error,
        }),
      );
      return;
    }
    this.#state = 'backing';
    this.#events.flushFailed(error, this.#backoffMs);
    this.#later(this.#backoffMs);
    this.#backoffMs = Math.min(this.#backoffMs * 2, this.#limits.flushBackoffMsMax);
  }

  /** After a failure whose outcome nobody heard: where does the row stand? */
  async #settleAttempt(): Promise<void> {
    const attempted = this.#attempted;
    if (attempted === undefined) return;
    const row = await queries.cursorOf(this.#store.db, this.#walId);
    if (row?.term !== this.#term || (row.lsn !== attempted && row.lsn !== this.#cursor)) {
      throw new NotOurs('the cursor has another position or term');
    }
    this.#attempted = undefined;
    if (row.lsn === this.#cursor) return;
    this.#cursor = attempted;
    this.#flushed(attempted);
  }

  /** One transaction. Answers whether more is waiting that is worth going on at once. */
  async #flushOnce(): Promise<boolean> {
    const began = this.#clock.monotonic();
    await this.#settleAttempt();
    const chunk = new FlushChunk(this.#limits, this.#shardOf);
    const old = this.#cursor;
    let next = old;
    this.#arrivedBytes = 0;
    while (!chunk.full) {
      const found = this.#wal.read(next);
      const batch: ReadBatch | undefined = found instanceof Promise ? await found : found;
      if (!batch) break;
      if (next === old) this.#oldestAt = batch.wallMs;
      for (const view of framesOf(batch)) chunk.add(view, batch.lsn + view.at - batch.at);
      next = batch.next;
    }
    if (next === old) {
      this.#oldestAt = undefined;
      return false;
    }
    void reach('log.beforeFlush');
    await this.#write(chunk, old, next);
    void reach('log.afterFlush');
    this.#cursor = next;
    const lagMs = this.lagMs;
    if (!this.#behind()) this.#oldestAt = undefined;
    this.#flushed(next);
    this.#events.flushed({ rows: chunk.rows, bytes: chunk.bytes, tookMs: this.#clock.monotonic() - began, lagMs });
    return chunk.full || this.#arrivedBytes >= this.#limits.flushBytes;
  }

  async #write(chunk: FlushChunk, old: number, next: number): Promise<void> {
    try {
      this.#attempted = next;
      await this.#store.db.transaction(async (tx) => {
        await chunk.write(tx);
        if (chunk.eraFloor) await queries.setEraFloor(tx, this.#walId, chunk.eraFloor.era, chunk.eraFloor.reason);
        void reach('log.beforeCursor');
        if (!(await queries.moveCursor(tx, this.#walId, this.#term, old, next)))
          throw new NotOurs('the cursor has another position or term');
        void reach('log.beforeFlushCommit');
      });
      this.#attempted = undefined;
    } catch (error) {
      // The connection may have died after the commit: only the row knows, and it is asked before the next attempt.
      if (error instanceof FlushMismatch || error instanceof NotOurs) this.#attempted = undefined;
      throw error;
    }
  }
}

class NotOurs extends Error {}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
