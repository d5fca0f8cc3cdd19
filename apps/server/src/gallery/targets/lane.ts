import { asError, type Clock } from '#kernel/base';
import { targetLimits } from './limits.ts';

export type LaneBounds = { concurrency: number; rps: number | null };

/** No turn within the time a think can wait. */
export class LaneFull extends Error {
  override readonly name = 'LaneFull';
  readonly retryAfterMs: number;

  constructor(retryAfterMs: number) {
    super('too many calls of this target wait for their turn');
    this.retryAfterMs = retryAfterMs;
  }
}

type Waiter = { go: () => void; leave: (reason: Error) => void };

/**
 * The way to one target: so many calls in flight, and so many begun a second with at most one second's worth at once
 * (generic cell rate algorithm: one number, the time at which the bucket would be full again).
 */
export class Lane {
  readonly #clock: Clock;
  #bounds: LaneBounds;
  #open = 0;
  #fullAt = Number.NEGATIVE_INFINITY;
  readonly #line: Waiter[] = [];

  constructor(clock: Clock, bounds: LaneBounds) {
    this.#clock = clock;
    this.#bounds = bounds;
  }

  get open(): number {
    return this.#open;
  }

  get waiting(): number {
    return this.#line.length;
  }

  set bounds(bounds: LaneBounds) {
    this.#bounds = bounds;
    this.#next();
  }

  /** A place, when it is this call's turn. Throws `LaneFull`, or the signal's reason. */
  async enter(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    if (this.#open < this.#bounds.concurrency && this.#line.length === 0) this.#open += 1;
    else await this.#wait(signal);
    try {
      const waitMs = this.#turn();
      if (waitMs > 0) await this.#clock.sleep(waitMs, signal);
    } catch (error) {
      this.#leave();
      throw error;
    }
    let left = false;
    return {
      [Symbol.dispose]: () => {
        if (!left) this.#leave();
        left = true;
      },
    };
  }

  #wait(signal: AbortSignal): Promise<void> {
    if (this.#line.length >= targetLimits.lineMax) throw new LaneFull(1_000);
    return new Promise((resolve, reject) => {
      const over = (): void => {
        signal.removeEventListener('abort', onAbort);
        late[Symbol.dispose]();
        const at = this.#line.indexOf(waiter);
        if (at >= 0) this.#line.splice(at, 1);
      };
      const waiter: Waiter = {
        go: () => {
          over();
          resolve();
        },
        leave: (reason) => {
          over();
          reject(reason);
        },
      };
      const onAbort = (): void => waiter.leave(asError(signal.reason));
      const late = this.#clock.after(targetLimits.lineMs, () => waiter.leave(new LaneFull(1_000)));
      signal.addEventListener('abort', onAbort, { once: true });
      this.#line.push(waiter);
    });
  }

  /** How long until the next call may begin; takes the turn unless that is too long. */
  #turn(): number {
    const { rps } = this.#bounds;
    if (rps === null) return 0;
    const now = this.#clock.monotonic();
    const each = 1_000 / rps;
    const fullAt = Math.max(this.#fullAt, now) + each;
    const waitMs = fullAt - now - Math.max(1_000, each);
    if (waitMs > targetLimits.lineMs) throw new LaneFull(Math.ceil(waitMs));
    this.#fullAt = fullAt;
    return Math.max(0, waitMs);
  }

  #leave(): void {
    this.#open -= 1;
    this.#next();
  }

  #next(): void {
    while (this.#open < this.#bounds.concurrency) {
      const next = this.#line.shift();
      if (!next) return;
      this.#open += 1;
      next.go();
    }
  }
}
