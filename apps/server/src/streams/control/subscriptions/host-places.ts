import type { Clock } from '#kernel/base';
import { subscriptionLimits } from './limits.ts';

type Host = { open: number; lastEnd: number; waiting: ((place: Disposable) => void)[] };

/**
 * Places for calls to one host, so that one that hangs holds up its own subscriptions only. Whoever finds none free waits in
 * line, in order, at a host that just answered somebody; at a host that did not, they come back later.
 */
export class HostPlaces {
  readonly #clock: Clock;
  readonly #hosts = new Map<string, Host>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `undefined`: none is free, nor will be soon. */
  take(host: string): Promise<Disposable> | Disposable | undefined {
    const { placesPerHostMax, waitingPerHostMax, quickHostMs } = subscriptionLimits;
    const known = this.#hosts.get(host) ?? { open: 0, lastEnd: Number.NEGATIVE_INFINITY, waiting: [] };
    this.#hosts.set(host, known);
    if (known.open < placesPerHostMax) {
      known.open += 1;
      return this.#place(host, known);
    }
    const quick = this.#clock.monotonic() - known.lastEnd < quickHostMs;
    if (!quick || known.waiting.length >= waitingPerHostMax) return undefined;
    return new Promise((resolve) => known.waiting.push(resolve));
  }

  #place(name: string, host: Host): Disposable {
    let left = false;
    return {
      [Symbol.dispose]: () => {
        if (left) return;
        left = true;
        host.lastEnd = this.#clock.monotonic();
        const next = host.waiting.shift();
        if (next) return next(this.#place(name, host));
        host.open -= 1;
        if (host.open === 0) this.#hosts.delete(name);
      },
    };
  }
}
