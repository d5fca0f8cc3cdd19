import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock } from '#kernel/base';
import { fault } from './fault.ts';
import { subscriptionLimits } from './limits.ts';

/**
 * The token of one wake: `dsw_<subscription>_<generation>_<expiry>_<mac>`, where the HMAC-SHA256 covers those three and the
 * id in the URL. Nothing is stored: a token of another subscription or another server fits no row, and one of an older
 * wake names an older generation.
 */
export class WakeTokens {
  readonly #keys: readonly Uint8Array[];
  readonly #clock: Clock;

  /** The present key first. */
  constructor(keys: readonly Uint8Array[], clock: Clock) {
    this.#keys = keys;
    this.#clock = clock;
  }

  mint(subscription: { no: number; id: string }, generation: number): string {
    const expires = this.#clock.now() + subscriptionLimits.tokenMs;
    const said = `${subscription.no.toString(36)}_${generation.toString(36)}_${expires.toString(36)}`;
    return `dsw_${said}_${this.#mac(this.#keys[0], said, subscription.id)}`;
  }

  /** `TOKEN_INVALID`, `TOKEN_EXPIRED`. */
  read(token: string | undefined, id: string): { no: number; generation: number } {
    const [, no = '', generation = '', expires = '', mac = ''] =
      /^dsw_([0-9a-z]{1,12})_([0-9a-z]{1,12})_([0-9a-z]{1,12})_([A-Za-z0-9_-]{43})$/.exec(token ?? '') ?? [];
    const said = `${no}_${generation}_${expires}`;
    if (mac === '' || !this.#keys.some((key) => same(mac, this.#mac(key, said, id))))
      throw fault(
        'TOKEN_INVALID',
        token === undefined
          ? "This call needs the wake's token: Authorization: Bearer <token>."
          : 'This token was not made for this subscription, or was changed.',
      );
    if (Number.parseInt(expires, 36) <= this.#clock.now())
      throw fault('TOKEN_EXPIRED', 'This token has expired; the next wake brings a new one.');
    return { no: Number.parseInt(no, 36), generation: Number.parseInt(generation, 36) };
  }

  #mac(key: Uint8Array | undefined, said: string, id: string): string {
    return createHmac('sha256', key ?? '')
      .update(`${said}\n${id}`)
      .digest('base64url');
  }
}

const same = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
