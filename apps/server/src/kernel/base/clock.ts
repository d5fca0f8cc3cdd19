/**
 * The only place that reads time or waits for it. Rooms take a `Clock`, so tests own time.
 * `now` is wall time for people and rows; `monotonic` is for measuring. Rights (leases, expiry) are decided by the
 * database's clock, never by this one.
 */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds since some fixed point; never goes back. */
  monotonic(): number;
  /** Runs `then` once after `ms`; disposing cancels it. Timers do not keep the process alive. */
  after(ms: number, then: () => void): Disposable;
  /** Resolves after `ms`; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, then) {
    // A time that has passed is now; Node would warn of it.
    const timer = setTimeout(then, Math.max(0, ms));
    timer.unref();
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
  sleep: (ms, signal) => sleepOn(systemClock, ms, signal),
};

function sleepOn(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(reasonOf(signal));
    const timer = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    function onAbort(): void {
      timer[Symbol.dispose]();
      if (signal) reject(reasonOf(signal));
    }
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

const reasonOf = (signal: AbortSignal): Error =>
  signal.reason instanceof Error ? signal.reason : new Error('aborted', { cause: signal.reason });

/** A clock that moves only when told, for tests. Due timers run in order of their time, then of their birth. */
export class FakeClock implements Clock {
  #now: number;
  #births = 0;
  readonly #timers = new Set<{ due: number; birth: number; run: () => void }>();

  constructor(startMs = 1_700_000_000_000) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  after(ms: number, then: () => void): Disposable {
    const timer = { due: this.#now + Math.max(0, ms), birth: this.#births++, run: then };
    this.#timers.add(timer);
    return { [Symbol.dispose]: () => void this.#timers.delete(timer) };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  /** Moves time on by `ms`, running every timer that comes due, and lets promises settle after each. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#earliest(end);
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.due);
      next.run();
      await settle();
    }
    this.#now = end;
    await settle();
  }

  #earliest(end: number): { due: number; birth: number; run: () => void } | undefined {
    let found: { due: number; birth: number; run: () => void } | undefined;
    for (const timer of this.#timers) {
      if (timer.due > end) continue;
      if (!found || timer.due < found.due || (timer.due === found.due && timer.birth < found.birth)) found = timer;
    }
    return found;
  }
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
