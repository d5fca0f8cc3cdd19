import { MusterError } from '@muster/protocol/errors';
import type { Entry, Kept, Outbox, Sending } from './outbox.ts';

export type Bounds = {
  /** How much may wait to be sent; more is refused with `exhausted` `outbox_full`. */
  entriesMax: number;
  bytesMax: number;
};
export type Message = Omit<Entry, 'id'> & { bytes: number };

type Held = Entry & { readonly bytes: number };
type Taking = { held: Held; resolve: () => void; reject: (why: unknown) => void };
type Waiting = { upTo: number; resolve: () => void; reject: (why: unknown) => void };

/**
 * What a producer has taken and the server does not have yet: in order, bounded, and written to the outbox before it counts.
 * Messages taken while the outbox writes go into its next write together.
 */
export class Backlog {
  readonly #outbox: Outbox;
  readonly #bounds: Bounds;
  /** In the outbox. */
  #held: Held[] = [];
  /** On their way into it. */
  #taking: Taking[] = [];
  #entries = 0;
  #bytes = 0;
  #lastId = 0;
  #settledId = 0;
  #waiting: Waiting[] = [];
  /** Uses of the outbox stand in line. */
  #turn: Promise<unknown> = Promise.resolve();
  #writing = false;

  constructor(outbox: Outbox, bounds: Bounds) {
    this.#outbox = outbox;
    this.#bounds = bounds;
  }

  get pending(): { entries: number; bytes: number } {
    return { entries: this.#entries, bytes: this.#bytes };
  }

  async open(name: string, sizeOf: (message: string | Uint8Array) => number): Promise<Kept> {
    const kept = await this.#use(() => this.#outbox.open(name));
    this.#held = kept.entries.map((entry) => ({ ...entry, bytes: sizeOf(entry.message) }));
    this.#entries = this.#held.length;
    this.#bytes = this.#held.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#lastId = this.#held.at(-1)?.id ?? 0;
    return kept;
  }

  /** Resolves when the outbox has it; `stored` is called just before. */
  take(message: Message, stored: () => void): Promise<void> {
    const { entriesMax, bytesMax } = this.#bounds;
    const { bytes } = message;
    if (bytes > bytesMax) {
      const detail = `One message of ${bytes} bytes does not fit into an outbox of ${bytesMax}.`;
      return Promise.reject(new MusterError('invalid', { reason: 'body_too_large', detail, status: 413 }));
    }
    if (this.#entries >= entriesMax || this.#bytes + bytes > bytesMax) {
      const detail = `${this.#entries} messages (${this.#bytes} bytes) wait to be sent; more is not taken for now.`;
      return Promise.reject(new MusterError('exhausted', { reason: 'outbox_full', detail }));
    }
    this.#entries += 1;
    this.#bytes += bytes;
    this.#lastId += 1;
    const held = { id: this.#lastId, ...message };
    return new Promise((resolve, reject) => {
      this.#taking.push({ held, resolve, reject });
      if (!this.#writing) void this.#write(stored);
    });
  }

  /** How many of the first entries make one request; 0 when there are none. */
  batch(entriesMax: number, bytesMax: number): number {
    let bytes = 0;
    for (const [at, held] of this.#held.entries()) {
      bytes += held.bytes;
      if (at > 0 && (at >= entriesMax || bytes > bytesMax)) return at;
    }
    return this.#held.length;
  }

  first(count: number): (string | Uint8Array)[] {
    return this.#held.slice(0, count).map(({ message }) => message);
  }

  assign(sending: Sending): Promise<void> {
    return this.#use(() => this.#outbox.assign(sending));
  }

  /** The first `count` are safe on the server, or given up. */
  async settle(count: number): Promise<void> {
    await this.#use(() => this.#outbox.settle(count));
    const gone = this.#held.splice(0, count);
    this.#entries -= gone.length;
    this.#bytes -= gone.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#settledId = gone.at(-1)?.id ?? this.#settledId;
    for (const { resolve } of this.#done(({ upTo }) => upTo <= this.#settledId)) resolve();
  }

  /** Resolves when everything taken so far is settled. */
  settled(): Promise<void> {
    return this.#until(this.#lastId);
  }

  /** Resolves when half of the bounds is free. */
  room(): Promise<void> {
    const { entriesMax, bytesMax } = this.#bounds;
    if (this.#entries <= entriesMax / 2 && this.#bytes <= bytesMax / 2) return Promise.resolve();
    // The oldest half of what is here, and then another look.
    const middle = this.#held[Math.floor(this.#held.length / 2)];
    return this.#until(middle?.id ?? this.#lastId).then(() => this.room());
  }

  /** Whoever waits is told that nothing moves. */
  giveUp(why: unknown): void {
    for (const { reject } of this.#done(() => true)) reject(why);
  }

  close(): Promise<void> {
    return this.#use(() => this.#outbox.close());
  }

  #until(upTo: number): Promise<void> {
    if (this.#entries === 0 || upTo <= this.#settledId) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiting.push({ upTo, resolve, reject }));
  }

  #done(which: (waiting: Waiting) => boolean): Waiting[] {
    const [done, rest] = [this.#waiting.filter(which), this.#waiting.filter((each) => !which(each))];
    this.#waiting = rest;
    return done;
  }

  async #write(stored: () => void): Promise<void> {
    this.#writing = true;
    while (this.#taking.length > 0) {
      const taken = this.#taking.splice(0);
      const held = taken.map((each) => each.held);
      try {
        await this.#use(() => this.#outbox.add(held));
        this.#held.push(...held);
        stored();
        for (const { resolve } of taken) resolve();
      } catch (error) {
        this.#entries -= held.length;
        this.#bytes -= held.reduce((sum, { bytes }) => sum + bytes, 0);
        for (const { reject } of taken) reject(error);
      }
    }
    this.#writing = false;
  }

  #use<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work).catch((error: unknown) => {
      throw error instanceof MusterError ? error : failed(error);
    });
    this.#turn = done.catch(() => undefined);
    return done;
  }
}

const failed = (cause: unknown): MusterError =>
  new MusterError('unavailable', {
    reason: 'outbox_failed',
    detail: `The outbox could not be used: ${cause instanceof Error ? cause.message : String(cause)}.`,
    cause,
  });
