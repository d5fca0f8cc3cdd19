import type { Clock } from '#kernel/base';
import type { HistogramMetric } from '#kernel/telemetry';

/** Estimates remembered; the oldest is forgotten. */
const rememberedMax = 10_000;
/** Shorter estimates say more about the clock than about the estimate. */
const worthMs = 1_000;

/** Holds the first estimate told for each build against what really came. Of this node, in memory: a measurement only. */
export class EtaCheck {
  readonly #clock: Clock;
  readonly #ratio: HistogramMetric<Readonly<Record<string, never>>>;
  readonly #told = new Map<string, { at: number; etaMs: number }>();

  constructor(clock: Clock, ratio: HistogramMetric<Readonly<Record<string, never>>>) {
    this.#clock = clock;
    this.#ratio = ratio;
  }

  told(buildId: string, etaMs: number | null): void {
    if (etaMs === null || etaMs < worthMs || this.#told.has(buildId)) return;
    this.#told.set(buildId, { at: this.#clock.monotonic(), etaMs });
    if (this.#told.size <= rememberedMax) return;
    const [oldest] = this.#told.keys();
    if (oldest !== undefined) this.#told.delete(oldest);
  }

  started(buildId: string): void {
    const told = this.#told.get(buildId);
    if (told) this.#ratio.observe({}, (this.#clock.monotonic() - told.at) / told.etaMs);
    this.#told.delete(buildId);
  }

  /** It ended in line: nothing to compare with. */
  gone(buildId: string): void {
    this.#told.delete(buildId);
  }
}
