import type { ServerResponse } from 'node:http';
import { type Clock, exhausted } from '#kernel/base';
import type { Idempotency } from './idempotency.ts';
import type { EdgeLimits } from './limits.ts';
import type { Parking } from './parking.ts';

/**
 * Requests of this node: `open` are those without a whole answer, `now` those of them that are worked on, which parked
 * calls are not. The limit is on work; the end of the server waits for all that are open.
 */
export class InFlight {
  readonly #max: number;
  #open = 0;
  #parked = 0;
  #allClosed: (() => void) | undefined;

  constructor(max: number) {
    this.#max = max;
  }

  get now(): number {
    return this.#open - this.#parked;
  }

  get open(): number {
    return this.#open;
  }

  opened(): void {
    this.#open += 1;
  }

  closed(): void {
    this.#open -= 1;
    if (this.#open === 0) this.#allClosed?.();
  }

  async whileParked<T>(waiting: () => Promise<T>): Promise<T> {
    this.#parked += 1;
    try {
      return await waiting();
    } finally {
      this.#parked -= 1;
    }
  }

  /** An event stream is open for long and has limits of its own. */
  streams(response: ServerResponse): void {
    this.#parked += 1;
    response.once('close', () => {
      this.#parked -= 1;
    });
  }

  refuseWhenFull(): void {
    // The request that asks is among those counted.
    if (this.now <= this.#max) return;
    throw exhausted('too_many_requests', `This node already works on ${this.#max} requests.`, { retryAfterMs: 1000 });
  }

  /** Resolves when no request is open. */
  async idle(): Promise<void> {
    if (this.#open === 0) return;
    await new Promise<void>((resolve) => {
      this.#allClosed = resolve;
    });
  }
}

/** What every call of one shell shares. */
export type ShellState = {
  readonly clock: Clock;
  readonly limits: EdgeLimits;
  readonly parking: Parking;
  readonly inFlight: InFlight;
  readonly idempotency: Idempotency;
  /** Aborted when the server begins to drain. */
  readonly drainSignal: AbortSignal;
};
