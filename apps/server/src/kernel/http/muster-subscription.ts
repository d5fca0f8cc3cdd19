import type { Principal } from '#kernel/auth';
import { asError } from '#kernel/base';
import type { Fields, Opened, Subscription } from './frame-types.ts';

/** What a subscription needs of its socket. */
export type SubscriptionHost = {
  send(frame: Fields): void;
  /** Returns what waits for the client, what is held back included. */
  write(framed: readonly Uint8Array[]): number;
  /** So many bytes more, or fewer, are held back. */
  held(bytes: number): void;
  left(): number;
  tooSlow(): void;
  /** The name is free again. */
  gone(subscription: OpenSubscription): void;
  failed(error: Error): void;
};

/**
 * One name a client gave to something it follows.
 *
 *   opening  the room is asked; what it writes is held back.
 *   open     the client got its `ok`; frames go through.
 *   over     the room was told, the name is free. Never left.
 */
export class OpenSubscription implements Subscription {
  readonly name: string;
  /** Frames about the same thing, `unsub` included, take their turn here. */
  readonly lane: string;
  readonly #host: SubscriptionHost;
  #state: 'opening' | 'open' | 'over' = 'opening';
  #held: (readonly Uint8Array[] | Fields)[] = [];
  #heldBytes = 0;
  #opened: Opened | undefined;

  constructor(name: string, lane: string, host: SubscriptionHost) {
    this.name = name;
    this.lane = lane;
    this.#host = host;
  }

  get left(): number {
    return this.#host.left();
  }

  send(t: string, fields: Fields): void {
    const frame = { t, sub: this.name, ...fields };
    if (this.#state === 'open') this.#host.send(frame);
    else if (this.#state === 'opening') this.#held.push(frame);
  }

  write(framed: readonly Uint8Array[]): number {
    if (this.#state === 'open') return this.#host.write(framed);
    if (this.#state === 'over') return 0;
    if (framed.length > 0) this.#hold(framed);
    return this.#host.write([]);
  }

  #hold(framed: readonly Uint8Array[]): void {
    let bytes = 0;
    for (const { length } of framed) bytes += length;
    this.#held.push(framed);
    this.#heldBytes += bytes;
    this.#host.held(bytes);
  }

  #letGo(): (readonly Uint8Array[] | Fields)[] {
    const held = this.#held;
    this.#held = [];
    this.#host.held(-this.#heldBytes);
    this.#heldBytes = 0;
    return held;
  }

  end(): void {
    if (this.#state === 'over') return;
    // What was held back until its `ok` still follows that.
    this.#state = 'over';
    this.#host.gone(this);
    this.#tellEnd();
  }

  tooSlow(): void {
    if (this.#state !== 'over') this.#host.tooSlow();
  }

  /** The room has opened it: its answer, then everything it wrote meanwhile. */
  open(opened: Opened, answer: () => void): void {
    this.#opened = opened;
    answer();
    const held = this.#letGo();
    if (this.#state === 'opening') this.#state = 'open';
    for (const part of held) {
      if (Array.isArray(part)) this.#host.write(part);
      else this.#host.send(part as Fields);
    }
    if (this.#state === 'over') this.#tellEnd();
  }

  /** The room refused: nothing it wrote is sent. */
  refused(): void {
    this.#letGo();
    this.end();
  }

  drained(): void {
    this.#opened?.drained?.();
  }

  async renewed(who: Principal): Promise<void> {
    await this.#opened?.renewed?.(who);
  }

  #tellEnd(): void {
    const opened = this.#opened;
    this.#opened = undefined;
    try {
      opened?.end();
    } catch (error) {
      this.#host.failed(asError(error));
    }
  }
}
