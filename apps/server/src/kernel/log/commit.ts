import { asError, type Clock, exhausted, type MusterError, reach, unavailable } from '#kernel/base';
import type { LogEvents } from './events.ts';
import { batchSeed, padded } from './frame.ts';
import type { Journal } from './journal.ts';
import type { LogLimits } from './limits.ts';
import { batchHeaderBytes, toSector, writeBatchHeader } from './segment.ts';
import type { Chunk, Tape } from './tape.ts';

/** What happens when the batch an act is part of has become durable, or can never be said to have. */
export interface Effect {
  committed(): void;
  failed(error: Error): void;
}

/** What one write carries. `cursor` moves through the chunk while frames are encoded behind each other. */
export class Batch {
  readonly lsn: number;
  readonly batchNo: number;
  readonly salt: Uint8Array;
  readonly seed: number;
  readonly term: number;
  readonly chunk: Chunk;
  readonly start: number;
  readonly limit: number;
  readonly openedAt: number;
  cursor: number;
  frames = 0;
  /** How many of the frames are appends. */
  appends = 0;
  readonly effects: Effect[] = [];

  constructor(
    place: { lsn: number; batchNo: number; salt: Uint8Array; term: number },
    chunk: Chunk,
    size: number,
    openedAt: number,
  ) {
    this.lsn = place.lsn;
    this.batchNo = place.batchNo;
    this.salt = place.salt;
    this.term = place.term;
    this.seed = batchSeed(place.salt, place.batchNo);
    this.chunk = chunk;
    this.start = place.lsn - chunk.lsn;
    this.cursor = this.start + batchHeaderBytes;
    this.limit = this.start + size;
    this.openedAt = openedAt;
  }

  /** Where the frame encoded next will stand in the log. */
  get nextLsn(): number {
    return this.lsn + this.cursor - this.start;
  }

  /** First lsn behind the batch, padding included. */
  get endLsn(): number {
    return this.lsn + toSector(this.cursor - this.start);
  }
}

/*
 * Group commit. One write carries a batch, one batch is in flight, and whatever arrives meanwhile is the next batch:
 *
 *   idle       nothing waits.
 *   gathering  frames wait for the end of this turn of the event loop (or, with a write budget, for its moment).
 *   writing    one batch is with the driver; an open batch and a queue of full ones may wait behind it.
 *   failed     the driver refused a batch. Everything that waited was told so, nothing is written any more. Never left.
 *
 * Effects run only after the driver said that their batch is durable (I1), in log order; the next write starts first.
 */
export class Committer {
  readonly #journal: Journal;
  readonly #tape: Tape;
  readonly #clock: Clock;
  readonly #limits: LogLimits;
  readonly #events: LogEvents;
  readonly #onFailure: (error: Error) => void;
  readonly #onCommitted: (batch: Batch) => void;
  #state: 'idle' | 'gathering' | 'writing' | 'failed' = 'idle';
  #failure: MusterError | undefined;
  #open: Batch | undefined;
  readonly #queue: Batch[] = [];
  #writing: Batch | undefined;
  #wroteAt = Number.NEGATIVE_INFINITY;
  #durableTo = 0;
  /** Gathering until a timer fires, not only until the end of the turn. */
  #timed = false;
  #pendingBytes = 0;
  #pendingFrames = 0;
  /** Bytes per ms, smoothed over commits. */
  #drainRate = 1024;

  constructor(parts: {
    journal: Journal;
    tape: Tape;
    clock: Clock;
    limits: LogLimits;
    events: LogEvents;
    onFailure: (error: Error) => void;
    onCommitted: (batch: Batch) => void;
  }) {
    this.#journal = parts.journal;
    this.#tape = parts.tape;
    this.#clock = parts.clock;
    this.#limits = parts.limits;
    this.#events = parts.events;
    this.#onFailure = parts.onFailure;
    this.#onCommitted = parts.onCommitted;
  }

  /** Everything below this lsn is durable. */
  get durableTo(): number {
    return this.#durableTo;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  get failure(): MusterError | undefined {
    return this.#failure;
  }

  /** Where the log stands after recovery. */
  startAt(lsn: number): void {
    this.#durableTo = lsn;
    this.#tape.committed(lsn);
  }

  /** Why nothing more is taken just now, if so. */
  refusal(): MusterError | undefined {
    if (this.#failure) return this.#failure;
    if (this.#pendingBytes < this.#limits.pendingBytesMax && this.#pendingFrames < this.#limits.pendingAppendsMax)
      return undefined;
    const retryAfterMs = Math.ceil(Math.min(5000, Math.max(5, this.#pendingBytes / this.#drainRate)));
    return exhausted('log_busy', 'More appends wait for the disk than the log holds; come back in a moment.', {
      retryAfterMs,
    });
  }

  /** The batch a frame of `bytes` goes to. Encode it at `cursor` in this same turn, then call `added`. */
  batchFor(bytes: number): Batch {
    const need = padded(bytes);
    const open = this.#open;
    if (open !== undefined) {
      if (open.cursor + need <= open.limit) return open;
      this.#cut(open);
    }
    const size = Math.max(batchHeaderBytes + need, this.#limits.commitBytesMax);
    const place = this.#journal.place(toSector(size));
    const chunk = this.#tape.chunkAt(place.lsn, toSector(size));
    const batch = new Batch(place, chunk, size, this.#clock.monotonic());
    this.#open = batch;
    return batch;
  }

  added(batch: Batch, end: number, effect: Effect): void {
    this.#pendingBytes += end - batch.cursor;
    this.#pendingFrames += 1;
    batch.cursor = end;
    batch.frames += 1;
    batch.effects.push(effect);
    if (this.#state === 'idle') {
      this.#state = 'gathering';
      setImmediate(this.#turn);
    } else if (
      this.#state === 'gathering' &&
      !this.#timed &&
      batch.cursor - batch.start >= this.#limits.commitEarlyBytes
    ) {
      // A crowd in one turn: the disk starts on the first of them while the rest is still being encoded.
      this.#next();
    }
  }

  /** Runs `effect` when everything up to `lsn` is durable: at once when it is, else with its batch. */
  whenDurable(lsn: number, effect: Effect): void {
    if (this.#failure) return effect.failed(this.#failure);
    if (lsn < this.#durableTo) return effect.committed();
    for (const batch of [this.#writing, ...this.#queue, this.#open]) {
      if (batch !== undefined && lsn < batch.lsn + (batch.cursor - batch.start)) {
        batch.effects.push(effect);
        return;
      }
    }
    effect.committed();
  }

  /** Resolves when everything accepted so far is durable; with the lsn behind it. */
  settled(): Promise<number> {
    const last = this.#open ?? this.#queue.at(-1) ?? this.#writing;
    if (this.#failure) return Promise.reject(this.#failure);
    if (!last) return Promise.resolve(this.#durableTo);
    return new Promise((resolve, reject) => {
      last.effects.push({ committed: () => resolve(last.endLsn), failed: reject });
    });
  }

  readonly #turn = (): void => {
    this.#timed = false;
    if (this.#state === 'gathering') this.#next();
  };

  #next(): void {
    if (this.#queue.length === 0 && this.#open === undefined) {
      this.#state = 'idle';
      return;
    }
    const waitMs = this.#heldBackMs();
    if (waitMs > 0) {
      this.#state = 'gathering';
      this.#timed = true;
      this.#clock.after(waitMs, this.#turn);
      return;
    }
    if (this.#queue.length === 0 && this.#open) this.#cut(this.#open);
    const batch = this.#queue.shift();
    if (batch) this.#write(batch);
  }

  /** How long the write budget holds the next commit back: never beyond the cap, 0 without a budget. */
  #heldBackMs(): number {
    if (this.#limits.commitsPerSecond === 0) return 0;
    const now = this.#clock.monotonic();
    const first = this.#queue[0] ?? this.#open;
    const capped = (first?.openedAt ?? now) + this.#limits.commitWaitMsMax;
    return Math.min(this.#wroteAt + 1000 / this.#limits.commitsPerSecond, capped) - now;
  }

  #cut(batch: Batch): void {
    const { memory } = batch.chunk;
    const end = batch.start + toSector(batch.cursor - batch.start);
    memory.bytes.fill(0, batch.cursor, end);
    writeBatchHeader(memory, batch.start, batch.salt, {
      bytes: batch.cursor - batch.start,
      batchNo: batch.batchNo,
      frames: batch.frames,
      term: batch.term,
      wallMs: this.#clock.now(),
    });
    batch.chunk.used = end;
    this.#journal.placed(batch);
    this.#queue.push(batch);
    this.#open = undefined;
  }

  #write(batch: Batch): void {
    this.#state = 'writing';
    this.#writing = batch;
    this.#wroteAt = this.#clock.monotonic();
    const held = reach('log.beforeWrite');
    const committing = held ? held.then(() => this.#journal.commit(batch)) : this.#journal.commit(batch);
    committing.then(
      () => this.#done(batch),
      (error: unknown) => this.#fail(asError(error)),
    );
  }

  #done(batch: Batch): void {
    if (this.#state === 'failed') return;
    void reach('log.afterSync');
    const tookMs = this.#clock.monotonic() - this.#wroteAt;
    const bytes = batch.cursor - batch.start;
    this.#writing = undefined;
    this.#durableTo = batch.endLsn;
    this.#tape.committed(this.#durableTo);
    this.#pendingBytes -= bytes - batchHeaderBytes;
    this.#pendingFrames -= batch.frames;
    this.#drainRate = this.#drainRate * 0.8 + (bytes / Math.max(tookMs, 0.01)) * 0.2;
    this.#next();
    try {
      for (const effect of batch.effects) effect.committed();
      this.#onCommitted(batch);
    } catch (error) {
      // An effect that throws is a broken invariant: state and log disagree, and only a replay can settle it.
      this.#fail(asError(error));
      return;
    }
    void reach('log.afterAck');
    this.#events.appended('stored', batch.appends);
    this.#events.committed({
      frames: batch.frames,
      bytes,
      syncMs: tookMs,
      oldestMs: this.#clock.monotonic() - batch.openedAt,
    });
  }

  /** Fail-stop: a second attempt may report success for pages the kernel already dropped, so there is none. */
  #fail(cause: Error): void {
    if (this.#state === 'failed') return;
    this.#state = 'failed';
    this.#failure = unavailable(
      'log_failed',
      'The log could not be written. What was sent may or may not be stored; retry with producer headers.',
      {
        cause,
        retryAfterMs: 2000,
      },
    );
    const waiting = [this.#writing, ...this.#queue, this.#open];
    this.#events.failStop(cause);
    for (const batch of waiting) for (const effect of batch?.effects ?? []) effect.failed(this.#failure);
    this.#onFailure(cause);
  }
}
