import type { Clock } from '#kernel/base';

export type Taken = { ok: boolean; limit: number; remaining: number; resetMs: number };

/**
 * Token buckets by key: `perSecond` flow in, at most `burst` wait. The least recently used key leaves when there are
 * `keysMax`; it comes back full, so forgetting never refuses anybody.
 *
 * @example
 * const submits = new RateBuckets({ clock, perSecond: 500, burst: 2000, keysMax: 10_000 });
 * const taken = submits.take(keyId);
 * if (!taken.ok) throw exhausted('rate', 'Too many submits.', { retryAfterMs: taken.resetMs });
 */
export class RateBuckets {
  readonly #clock: Clock;
  readonly #perMs: number;
  readonly #burst: number;
  readonly #keysMax: number;
  readonly #buckets = new Map<string, { tokens: number; at: number }>();

  constructor(options: { clock: Clock; perSecond: number; burst: number; keysMax: number }) {
    this.#clock = options.clock;
    this.#perMs = options.perSecond / 1000;
    this.#burst = options.burst;
    this.#keysMax = options.keysMax;
  }

  take(key: string, cost = 1): Taken {
    const bucket = this.#refilled(key);
    const ok = bucket.tokens >= cost;
    if (ok) bucket.tokens -= cost;
    return {
      ok,
      limit: this.#burst,
      remaining: Math.floor(bucket.tokens),
      resetMs: ok
        ? Math.ceil((this.#burst - bucket.tokens) / this.#perMs)
        : Math.max(1, Math.ceil((cost - bucket.tokens) / this.#perMs)),
    };
  }

  /** Whether a `take` would be granted now; takes nothing. */
  has(key: string, cost = 1): boolean {
    return this.#refilled(key).tokens >= cost;
  }

  #refilled(key: string): { tokens: number; at: number } {
    const now = this.#clock.monotonic();
    const bucket = this.#buckets.get(key) ?? { tokens: this.#burst, at: now };
    bucket.tokens = Math.min(this.#burst, bucket.tokens + (now - bucket.at) * this.#perMs);
    bucket.at = now;
    // Set again, so that the map's order is the order of use.
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > this.#keysMax) {
      const oldest = this.#buckets.keys().next().value;
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    return bucket;
  }
}
