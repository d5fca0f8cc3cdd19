import { type Clock, exhausted, jitter } from '#kernel/base';
import type { Parked } from './http.ts';

/** Parked calls of this node: counted, woken, and all sent home when the server drains. */
export class Parking {
  readonly #clock: Clock;
  readonly #parkedMax: number;
  readonly #waiting = new Set<() => void>();
  #draining = false;

  constructor(clock: Clock, parkedMax: number) {
    this.#clock = clock;
    this.#parkedMax = parkedMax;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Waits until `register`'s wake is called, `ms` pass, the client goes, or the server drains; whichever is first. */
  park<T>(
    ms: number,
    gone: AbortSignal,
    register: (wake: (value: T) => void) => Disposable | void,
  ): Promise<Parked<T>> {
    if (this.#draining) return Promise.resolve({ why: 'draining' });
    if (gone.aborted) return Promise.resolve({ why: 'gone' });
    if (this.#waiting.size >= this.#parkedMax) {
      throw exhausted('too_many_parked', `This node already holds ${this.#parkedMax} waiting calls.`, {
        retryAfterMs: jitter(3000, 0.6),
      });
    }
    return new Promise((resolve) => {
      let registered: Disposable | void;
      let over = false;
      const finish = (outcome: Parked<T>): void => {
        if (over) return;
        over = true;
        this.#waiting.delete(onDrain);
        timer[Symbol.dispose]();
        gone.removeEventListener('abort', onGone);
        registered?.[Symbol.dispose]();
        resolve(outcome);
      };
      const onDrain = (): void => finish({ why: 'draining' });
      const onGone = (): void => finish({ why: 'gone' });
      this.#waiting.add(onDrain);
      gone.addEventListener('abort', onGone, { once: true });
      const timer = this.#clock.after(ms, () => finish({ why: 'timeout' }));
      registered = register((value) => finish({ why: 'woken', value }));
      // Woken before `register` returned: its registration was not known to `finish` yet.
      if (!this.#waiting.has(onDrain)) registered?.[Symbol.dispose]();
    });
  }

  drain(): void {
    this.#draining = true;
    for (const sendHome of new Set(this.#waiting)) sendHome();
  }
}
