import type { Clock } from '#kernel/base';
import { dispatchLimits } from './dispatch-limits.ts';
import type { ParkWheel } from './park-wheel.ts';

/**
 * Builds this node gave out a moment ago: their answers may still be on their way. A second call of the same worker that
 * comes within that moment does not know of the build yet, and that does not mean that it was lost.
 */
export class Handouts {
  readonly #clock: Clock;
  readonly #wheel: ParkWheel;
  readonly #at = new Map<string, number>();

  constructor(clock: Clock, wheel: ParkWheel) {
    this.#clock = clock;
    this.#wheel = wheel;
  }

  note(buildId: string): void {
    this.#at.set(buildId, this.#clock.monotonic());
    this.#wheel.add(dispatchLimits.handoutGraceMs, () => {
      if (this.onItsWayMs(buildId) === 0) this.#at.delete(buildId);
    });
  }

  forget(buildId: string): void {
    this.#at.delete(buildId);
  }

  /** How much longer to wait before it counts as lost; 0 when it was not given out lately. */
  onItsWayMs(buildId: string): number {
    const at = this.#at.get(buildId);
    return at === undefined ? 0 : Math.max(0, at + dispatchLimits.handoutGraceMs - this.#clock.monotonic());
  }
}
