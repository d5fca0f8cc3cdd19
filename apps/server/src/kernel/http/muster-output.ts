import type { Duplex } from 'node:stream';

/** Outputs that have something to write when this turn of the event loop is over. */
export class WriteTurn {
  #due: SocketOutput[] = [];

  add(output: SocketOutput): void {
    this.#due.push(output);
    if (this.#due.length === 1) process.nextTick(this.#flush);
  }

  readonly #flush = (): void => {
    const due = this.#due;
    this.#due = [];
    for (const output of due) output.flush();
  };
}

/** So few bytes are cheaper to copy into one buffer than to hand over one by one: many small answers, or one shared frame. */
const copyBytesMax = 16 * 1024;

export type OutputOptions = {
  turn: WriteTurn;
  /** Handed to the connection at once; the rest waits here, so that each part that leaves is seen as progress. */
  windowBytes: number;
  /** More waiting than this is too much. */
  waitingBytesMax: number;
  full(): void;
  /** At most a quarter of it is left, after more than a little waited. */
  drained(): void;
};

/**
 * Everything one socket is sent, in order: whole frames, one write per turn however many subscriptions wrote. Large
 * shared bytes are never copied.
 *
 *   flowing  at most `waitingBytesMax` waits.
 *   full     more waits; the reader is behind. Left when a quarter of it is left.
 *   over     nothing is written any more. Never left.
 */
export class SocketOutput {
  readonly #tcp: Duplex;
  readonly #options: OutputOptions;
  /** Lists of buffers that belong together: a frame may be cut over the buffers of one list. */
  #queue: (readonly Uint8Array[])[] = [];
  #queuedBytes = 0;
  #scheduled = false;
  #state: 'flowing' | 'full' | 'over' = 'flowing';
  #written = 0;
  /** The most that had left when a full output was last asked, and since when it has been that much. */
  #leftMost = 0;
  #leftMostAt = 0;

  constructor(tcp: Duplex, options: OutputOptions) {
    this.#tcp = tcp;
    this.#options = options;
    tcp.on('drain', () => this.#drain());
  }

  /** Bytes that have left this process. */
  get left(): number {
    return this.#written - this.waiting;
  }

  /** Bytes that have not. */
  get waiting(): number {
    return this.#tcp.writableLength + this.#queuedBytes;
  }

  write(frames: readonly Uint8Array[]): number {
    if (this.#state === 'over') return 0;
    let bytes = 0;
    for (const { length } of frames) bytes += length;
    this.#written += bytes;
    this.#queuedBytes += bytes;
    this.#queue.push(frames);
    if (!this.#scheduled) {
      this.#scheduled = true;
      this.#options.turn.add(this);
    }
    const { waiting } = this;
    if (waiting > this.#options.waitingBytesMax && this.#state === 'flowing') {
      this.#state = 'full';
      this.#leftMost = -1;
      this.#options.full();
    }
    return waiting;
  }

  flush(): void {
    this.#scheduled = false;
    if (this.#state === 'over') return;
    this.#pump(this.#options.windowBytes);
  }

  /** The connection took all it was given. It says so after every write that was worth waiting for. */
  #drain(): void {
    this.flush();
    if (this.#state === 'over' || this.waiting > this.#options.waitingBytesMax / 4) return;
    this.#state = 'flowing';
    this.#options.drained();
  }

  #pump(windowBytes: number): void {
    const queue = this.#queue;
    const tcp = this.#tcp;
    if (queue.length === 0 || !tcp.writable) return;
    if (this.#queuedBytes <= copyBytesMax && tcp.writableLength < windowBytes) {
      const [only] = queue;
      const single = queue.length === 1 && only?.length === 1 ? only[0] : undefined;
      this.#queue = [];
      this.#queuedBytes = 0;
      tcp.write(single ?? Buffer.concat(queue.flat()));
      return;
    }
    tcp.cork();
    let taken = 0;
    while (taken < queue.length && tcp.writableLength < windowBytes) {
      for (const buffer of queue[taken] ?? []) {
        this.#queuedBytes -= buffer.length;
        tcp.write(buffer);
      }
      taken += 1;
    }
    this.#queue = taken === queue.length ? [] : queue.slice(taken);
    tcp.uncork();
  }

  /** How long a full output has made no progress. To be asked now and then: each answer is measured from the last ones. */
  stuckMs(nowMs: number): number {
    if (this.#state !== 'full') return 0;
    const { left } = this;
    if (left > this.#leftMost) {
      this.#leftMost = left;
      this.#leftMostAt = nowMs;
    }
    return nowMs - this.#leftMostAt;
  }

  /** The last act: what waits is handed over whole, or dropped when nobody reads it. */
  finish(what: 'send' | 'drop'): void {
    if (this.#state === 'over') return;
    if (what === 'send') this.#pump(Number.POSITIVE_INFINITY);
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#state = 'over';
  }
}
