import { mindLimits as limits } from './limits.ts';

const minuteMs = 60_000;
const slowest = 1 / 60;

/**
 * So much a minute, a sixth of it at once. The rate is the operator's; what the provider says of its own limit lowers it,
 * and each refusal halves it for a while.
 */
export class Bucket {
  readonly #configured: number;
  #limit: number;
  #share = 1;
  #level: number;
  #at: number;

  constructor(perMinute: number, now: number) {
    this.#configured = perMinute;
    this.#limit = perMinute;
    this.#level = this.#room();
    this.#at = now;
  }

  get perMinute(): number {
    return Math.max(this.#limit * this.#share, this.#limit * slowest);
  }

  /** How much of its rate refusals have left it, 0..1. */
  get share(): number {
    return this.#share;
  }

  level(now: number): number {
    return Math.min(this.#room(), this.#level + ((now - this.#at) / minuteMs) * this.perMinute);
  }

  /** Milliseconds until `amount` may be taken; more than fits is let through by a full bucket. */
  waitMs(amount: number, now: number): number {
    const missing = Math.min(amount, this.#room()) - this.level(now);
    return missing <= 1e-9 ? 0 : Math.ceil((missing / this.perMinute) * minuteMs);
  }

  take(amount: number, now: number): void {
    this.#settle(now);
    this.#level -= amount;
  }

  /** What was taken too much, as the answer says. */
  giveBack(amount: number, now: number): void {
    this.#settle(now);
    this.#level = Math.min(this.#room(), this.#level + amount);
  }

  /** The provider's own limit; only ever down from the operator's. */
  learn(perMinute: number, now: number): void {
    if (!(perMinute > 0)) return;
    this.#settle(now);
    this.#limit = Math.min(this.#configured, perMinute);
    this.#level = Math.min(this.#level, this.#room());
  }

  /** The provider says there is this much left just now. */
  lower(left: number, now: number): void {
    this.#settle(now);
    this.#level = Math.min(this.#level, left);
  }

  refused(now: number): void {
    this.#settle(now);
    this.#share = Math.max(slowest, this.#share / 2);
    this.#level = Math.min(this.#level, this.#room());
  }

  answered(now: number): void {
    if (this.#share === 1) return;
    this.#settle(now);
    this.#share = Math.min(1, this.#share + 0.05);
  }

  #room(): number {
    return Math.max(1, this.perMinute * limits.burstShare);
  }

  #settle(now: number): void {
    this.#level = this.level(now);
    this.#at = now;
  }
}
