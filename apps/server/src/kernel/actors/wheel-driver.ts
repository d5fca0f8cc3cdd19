import type { Clock } from '#kernel/base';
import type { TimerWheel } from './timer-wheel.ts';

/** Longest pause between two looks at the clock, so that a change of the wheel is never far away. */
const pauseMsMax = 1_000;

/**
 * Lets a wheel run on a clock: sleeps to the next tick that has something in it, and hands out what is due. One timer for
 * the whole wheel, none while it is empty.
 *  new → running ⇄ paused → stopped (nothing is handed out any more; never left).
 */
export class WheelDriver implements Disposable {
  readonly #clock: Clock;
  readonly #wheel: TimerWheel;
  readonly #now: () => number;
  readonly #due: (ids: readonly number[]) => void;
  #timer: Disposable | undefined;
  #wakesAt = Number.POSITIVE_INFINITY;
  #running = false;
  #stopped = false;

  /** `now` is the wheel's own scale; `due` is never called with an empty list. */
  constructor(parts: { clock: Clock; wheel: TimerWheel; now: () => number; due: (ids: readonly number[]) => void }) {
    this.#clock = parts.clock;
    this.#wheel = parts.wheel;
    this.#now = parts.now;
    this.#due = parts.due;
  }

  start(): void {
    if (this.#stopped) return;
    this.#running = true;
    this.#sleep();
  }

  set(id: number, at: number): void {
    this.#wheel.set(id, at);
    if (this.#running && at < this.#wakesAt) this.#sleep();
  }

  cancel(id: number): void {
    this.#wheel.cancel(id);
  }

  /** Nothing is handed out until the next `start`. */
  pause(): void {
    this.#running = false;
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.#wakesAt = Number.POSITIVE_INFINITY;
  }

  [Symbol.dispose](): void {
    this.pause();
    this.#stopped = true;
  }

  #sleep(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.#wakesAt = Number.POSITIVE_INFINITY;
    const next = this.#wheel.nextAt();
    if (next === undefined) return;
    const now = this.#now();
    this.#wakesAt = Math.max(now, Math.min(next, now + pauseMsMax));
    this.#timer = this.#clock.after(this.#wakesAt - now, () => {
      this.#timer = undefined;
      const due = this.#wheel.advance(this.#now());
      if (due.length > 0) this.#due(due);
      // What was set meanwhile may have begun the next sleep; this one sees everything.
      if (this.#running) this.#sleep();
    });
  }
}
