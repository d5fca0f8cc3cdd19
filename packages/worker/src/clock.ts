/** The only file of the worker that reads time, waits for it, or uses chance. */

/** Wall time in milliseconds; for people and log lines only. Rights are decided by the server's clock. */
export const now = (): number => Date.now();
/** For measuring; never goes back. */
export const monotonic = (): number => performance.now();

/** Runs `then` once after `ms`; disposing cancels it. */
export function after(ms: number, then: () => void): Disposable {
  const timer = setTimeout(then, Math.min(Math.max(0, ms), timerMsMax));
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}
/** setTimeout fires at once for more than this. */
const timerMsMax = 2 ** 31 - 1;

/** Runs `then` every `ms` without keeping the process alive. */
export function every(ms: number, then: () => void): Disposable {
  const timer = setInterval(then, ms);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** Resolves after `ms`, or at once when `signal` aborts: callers look at the signal anyway. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = after(ms, done);
    signal?.addEventListener('abort', done, { once: true });
    function done(): void {
      timer[Symbol.dispose]();
      signal?.removeEventListener('abort', done);
      resolve();
    }
  });
}

/** Waits for `work`, but no longer than `ms`; rejects as it does. */
export function within(work: Promise<unknown>, ms: number): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const timer = after(ms, resolve);
    work.then(() => resolve(), reject).finally(() => timer[Symbol.dispose]());
  });
}

const backoffMsMin = 500;
const backoffMsMax = 30_000;

/** Waiting times between tries: 0.5 s doubling to 30 s, each spread over its upper half so a fleet does not return at once. */
export class Backoff {
  #tries = 0;
  readonly #minMs: number;
  readonly #maxMs: number;

  constructor(minMs = backoffMsMin, maxMs = backoffMsMax) {
    this.#minMs = minMs;
    this.#maxMs = maxMs;
  }

  next(random: () => number = Math.random): number {
    const full = Math.min(this.#maxMs, this.#minMs * 2 ** Math.min(this.#tries++, 30));
    return Math.round(full * (0.5 + 0.5 * random()));
  }

  reset(): void {
    this.#tries = 0;
  }
}
