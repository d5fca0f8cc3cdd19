import { breakerLimits as limits } from './limits.ts';

/** `until`: epoch ms when the next call may try; `null` while closed. */
export type BreakerView = { state: 'closed' | 'open' | 'trial'; until: number | null; reason: string | null };
/** `trial`: this call decides whether the target is back. */
export type Pass = { trial: boolean };
export type Verdict = 'good' | 'bad' | 'none';

/**
 * The breaker of one target.
 *
 * closed – calls go through and are counted by the second; opens when half of 20 or more calls in 30 s failed.
 * open – nothing goes through until `until`: 30 s, doubling up to 5 min with each trial that fails.
 * trial – exactly one call is out; its end closes the breaker, or opens it again. A call that was given up says nothing.
 *
 * `trip` opens it at once, for what counting cannot heal: a target that keeps another contract.
 */
export class Breaker {
  #state: BreakerView['state'] = 'closed';
  #until = 0;
  #reason: string | null = null;
  #openMs: number = limits.openMs;
  #seconds: { second: number; calls: number; failed: number }[] = [];

  view(): BreakerView {
    return { state: this.#state, until: this.#state === 'closed' ? null : this.#until, reason: this.#reason };
  }

  /** Whether a call may go out now; else when to ask again. */
  ask(now: number): Pass | { refusedUntil: number } {
    if (this.#state === 'closed') return { trial: false };
    if (this.#state === 'trial') return { refusedUntil: now + limits.trialMs };
    if (now < this.#until) return { refusedUntil: this.#until };
    this.#state = 'trial';
    return { trial: true };
  }

  /** How a call ended. Calls that began before the breaker opened change nothing any more. */
  tell(pass: Pass, verdict: Verdict, now: number, reason: string | null = null): void {
    if (pass.trial) {
      if (this.#state !== 'trial') return;
      if (verdict === 'good') this.calm();
      else if (verdict === 'bad') this.#open(now, reason);
      else this.#state = 'open';
    } else if (this.#state === 'closed' && verdict !== 'none') {
      this.#count(now, verdict === 'bad');
      if (this.#tooMany()) this.#open(now, reason);
    }
  }

  trip(now: number, reason: string): void {
    if (this.#state !== 'open') this.#open(now, reason);
  }

  /** As new: a person opened the gate, or the target is another one now. */
  calm(): void {
    this.#state = 'closed';
    this.#reason = null;
    this.#openMs = limits.openMs;
    this.#seconds = [];
  }

  #open(now: number, reason: string | null): void {
    this.#state = 'open';
    this.#until = now + this.#openMs;
    this.#reason = reason ?? 'target_unreachable';
    this.#openMs = Math.min(this.#openMs * 2, limits.openMsMax);
    this.#seconds = [];
  }

  #count(now: number, failed: boolean): void {
    const second = Math.floor(now / 1_000);
    const oldest = second - limits.windowMs / 1_000;
    // A clock that went back must not keep old failures for ever.
    this.#seconds = this.#seconds.filter((entry) => entry.second > oldest && entry.second <= second);
    let last = this.#seconds.at(-1);
    if (last?.second !== second) this.#seconds.push((last = { second, calls: 0, failed: 0 }));
    last.calls += 1;
    if (failed) last.failed += 1;
  }

  #tooMany(): boolean {
    const calls = this.#seconds.reduce((sum, entry) => sum + entry.calls, 0);
    const failed = this.#seconds.reduce((sum, entry) => sum + entry.failed, 0);
    return calls >= limits.callsMin && failed >= calls * limits.share;
  }
}
