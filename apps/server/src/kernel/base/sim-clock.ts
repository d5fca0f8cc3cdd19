import { type Clock, FakeClock, systemClock } from './clock.ts';

/** What those who do not sleep are given before time goes on. */
const othersMs = 2;

/**
 * A clock that follows another one until it is held: from then on time stands still, moves only by `jump`, and timers run
 * in the order of their time and birth. `follow` lets it go: it is the time of the other clock again, and what came due
 * meanwhile runs at once. For days that are simulated in seconds.
 */
export class SimClock implements Clock {
  readonly #real: Clock;
  #held: FakeClock | undefined;
  /** Timers set while it was held, which outlive it. */
  readonly #timers = new Set<{ due: number; run: () => void; cancel: Disposable }>();
  /** When those who sleep on a held clock during `pass` wake. */
  readonly #sleepers = new Set<{ due: number }>();
  #slept: (() => void) | undefined;
  /** What `monotonic` counts beside the other clock, so that holding and letting go never turns it back. */
  #monotonicShift = 0;

  constructor(real: Clock = systemClock) {
    this.#real = real;
  }

  get held(): boolean {
    return this.#held !== undefined;
  }

  now(): number {
    return this.#held?.now() ?? this.#real.now();
  }

  monotonic(): number {
    return (this.#held ?? this.#real).monotonic() + this.#monotonicShift;
  }

  after(ms: number, then: () => void): Disposable {
    const timer = {
      due: this.now() + Math.max(0, ms),
      run: (): void => {
        this.#timers.delete(timer);
        then();
      },
      cancel: { [Symbol.dispose]: (): void => undefined },
    };
    timer.cancel = (this.#held ?? this.#real).after(Math.max(0, ms), timer.run);
    this.#timers.add(timer);
    return {
      [Symbol.dispose]: () => {
        this.#timers.delete(timer);
        timer.cancel[Symbol.dispose]();
      },
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(reasonOf(signal));
      const sleeper = { due: this.now() + Math.max(0, ms) };
      const timer = this.after(ms, () => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      const onAbort = (): void => {
        this.#sleepers.delete(sleeper);
        timer[Symbol.dispose]();
        if (signal) reject(reasonOf(signal));
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      if (!this.#slept) return;
      this.#sleepers.add(sleeper);
      this.#slept();
    });
  }

  /** Time stands still at `at`, which may lie in the past. Timers that are set keep their distance. */
  hold(at: number): void {
    const shift = at - this.now();
    const monotonic = this.monotonic();
    const held = new FakeClock(at);
    this.#held = held;
    this.#monotonicShift = monotonic - held.monotonic();
    this.#moveTimers(held, shift);
  }

  /** Moves a held clock on to `at`; timers that come due run on the way, and promises settle after each. */
  async jump(at: number): Promise<void> {
    await this.#held?.advance(Math.max(0, at - this.#held.now()));
  }

  /**
   * Does `work` and resolves as it does. Who sleeps within it on the held clock would wait for ever: once the others had some
   * real milliseconds, time goes on to where the first of them wakes. One at a time.
   */
  async pass<T>(work: () => Promise<T>): Promise<T> {
    const state = { over: false };
    const end = (): void => void (state.over = true);
    this.#slept = () => undefined;
    const working = work();
    const ended = working.then(end, end);
    try {
      for (;;) {
        const slept = new Promise<void>((resolve) => (this.#slept = resolve));
        if (this.#sleepers.size === 0) await Promise.race([ended, slept]);
        if (state.over) return await working;
        await Promise.race([ended, systemClock.sleep(othersMs)]);
        const dues = [...this.#sleepers].map(({ due }) => due);
        if (dues.length > 0) await this.jump(Math.min(...dues));
      }
    } finally {
      this.#slept = undefined;
      this.#sleepers.clear();
    }
  }

  /** When the next timer of a held clock runs. */
  nextAt(): number | undefined {
    let next: number | undefined;
    for (const { due } of this.#timers) if (next === undefined || due < next) next = due;
    return next;
  }

  /** The other clock's time from now on. */
  follow(): void {
    if (!this.#held) return;
    const monotonic = this.monotonic();
    this.#held = undefined;
    this.#monotonicShift = Math.max(0, monotonic - this.#real.monotonic());
    this.#moveTimers(this.#real, 0);
  }

  #moveTimers(to: Clock, shift: number): void {
    for (const timer of this.#timers) {
      timer.cancel[Symbol.dispose]();
      timer.due += shift;
      timer.cancel = to.after(Math.max(0, timer.due - to.now()), timer.run);
    }
  }
}

const reasonOf = (signal: AbortSignal): Error =>
  signal.reason instanceof Error ? signal.reason : new Error('aborted', { cause: signal.reason });
