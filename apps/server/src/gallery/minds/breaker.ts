import type { Clock } from '#kernel/base';
import { mindLimits as limits } from './limits.ts';

export type BreakerView = { state: 'closed' | 'open' | 'trial'; until: number | null };

/**
 * Stops calls to a provider that fails.
 *
 *  closed – calls go out. Half of at least 20 failed within 30 s → open.
 *  open   – nothing goes out until its time is over: 30 s, twice as long each time it opens again, at most 5 min.
 *  trial  – one call goes out; if it works → closed, else → open.
 */
export class Breaker {
  readonly #clock: Clock;
  #outcomes: { at: number; failed: boolean }[] = [];
  #openMs: number = limits.breakerOpenMs;
  #until: number | undefined;
  #trying = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  view(): BreakerView {
    if (this.#until === undefined) return { state: 'closed', until: null };
    return this.#clock.now() < this.#until ? { state: 'open', until: this.#until } : { state: 'trial', until: null };
  }

  /** Milliseconds until a call may go out; 0 takes the trial when there is one to take. */
  waitMs(): number {
    const { state, until } = this.view();
    if (state === 'closed') return 0;
    if (state === 'open') return (until ?? 0) - this.#clock.now();
    if (this.#trying) return limits.retryBaseMs;
    this.#trying = true;
    return 0;
  }

  /** The call that was let out ended without saying anything about the provider. */
  forget(): void {
    this.#trying = false;
  }

  record(failed: boolean): void {
    const now = this.#clock.now();
    if (this.#until !== undefined) {
      if (now < this.#until) return;
      this.#trying = false;
      if (failed) this.#open(now);
      else this.#close();
      return;
    }
    this.#outcomes = this.#outcomes.filter(({ at }) => at > now - limits.breakerWindowMs);
    this.#outcomes.push({ at: now, failed });
    const failures = this.#outcomes.filter((outcome) => outcome.failed).length;
    if (this.#outcomes.length >= limits.breakerCallsMin && failures * 2 >= this.#outcomes.length) this.#open(now);
  }

  #open(now: number): void {
    this.#until = now + this.#openMs;
    this.#openMs = Math.min(this.#openMs * 2, limits.breakerOpenMsMax);
    this.#outcomes = [];
  }

  #close(): void {
    this.#until = undefined;
    this.#openMs = limits.breakerOpenMs;
    this.#outcomes = [];
  }
}
