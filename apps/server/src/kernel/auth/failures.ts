import { type Clock, networkOf } from '#kernel/base';
import { authLimits } from './limits.ts';
import { RateBuckets, type Taken } from './rates.ts';

/** Failed credentials by address (IPv6 by /64). Good ones are never counted and never held back by it. */
export class Failures {
  readonly #buckets: RateBuckets;

  constructor(clock: Clock, perMinuteMax: number) {
    this.#buckets = new RateBuckets({
      clock,
      perSecond: perMinuteMax / 60,
      burst: perMinuteMax,
      keysMax: authLimits.failureAddressesMax,
    });
  }

  /** Counts one failure; not `ok` when the address has used up its failures. */
  count(address: string): Taken {
    return this.#buckets.take(networkOf(address));
  }
}
