import { type Clock, exhausted } from '#kernel/base';
import { streamsLimits } from './limits.ts';

type Budget = { appends: number; bytes: number; at: number };

/**
 * What one project may append per second, instead of the general request rate: two buckets that refill as time goes by and
 * hold one second's worth. A single append larger than a second's worth is let in by a full bucket.
 */
export class Budgets {
  readonly #clock: Clock;
  readonly #appends: number;
  readonly #bytes: number;
  readonly #projects = new Map<string, Budget>();
  #last: { projectId: string; budget: Budget } | undefined;

  constructor(clock: Clock, perSecond: { appends: number; bytes: number }) {
    this.#clock = clock;
    this.#appends = perSecond.appends;
    this.#bytes = perSecond.bytes;
  }

  /** Counts one append of so many bytes. `exhausted` `rate`. */
  take(projectId: string, bytes: number): void {
    const budget = this.#of(projectId);
    const now = this.#clock.monotonic();
    const seconds = (now - budget.at) / 1000;
    budget.at = now;
    budget.appends = Math.min(this.#appends, budget.appends + seconds * this.#appends);
    budget.bytes = Math.min(this.#bytes, budget.bytes + seconds * this.#bytes);
    const waitMs = Math.max(
      ((1 - budget.appends) / this.#appends) * 1000,
      ((Math.min(bytes, this.#bytes) - budget.bytes) / this.#bytes) * 1000,
    );
    if (waitMs > 0)
      throw exhausted('rate', 'This project appends faster than it may.', { retryAfterMs: Math.ceil(waitMs) });
    budget.appends -= 1;
    budget.bytes -= bytes;
  }

  #of(projectId: string): Budget {
    if (this.#last?.projectId === projectId) return this.#last.budget;
    let budget = this.#projects.get(projectId);
    if (!budget) {
      budget = { appends: this.#appends, bytes: this.#bytes, at: this.#clock.monotonic() };
      // Forgetting never refuses anybody: who comes back has a full bucket.
      if (this.#projects.size >= streamsLimits.budgetProjectsMax) this.#projects.clear();
      this.#projects.set(projectId, budget);
    }
    this.#last = { projectId, budget };
    return budget;
  }
}
