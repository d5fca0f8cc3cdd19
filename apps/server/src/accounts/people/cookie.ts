import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { peopleLimits } from './limits.ts';

export const cookieName = 'muster_session';
const tokenShape = /^[A-Za-z0-9]{32}$/;
/** A browser may hold several of one name, of paths below each other; more than a few are not looked at. */
const candidatesMax = 4;

/**
 * The cookie of a sign-in: `<token>.<HMAC-SHA256 of it>`. The signature says that the token is one of ours before a row is read;
 * the row holds the token's hash alone.
 */
export class SessionCookie {
  readonly #keys: readonly Uint8Array[];
  readonly #path: string;

  /** `keys`: the present one first; what a former one signed goes on counting. */
  constructor(keys: readonly Uint8Array[], basePath: string) {
    this.#keys = keys;
    this.#path = basePath === '' ? '/' : basePath;
  }

  /** The tokens in a `Cookie` header that we signed. */
  tokensIn(header: string | undefined): string[] {
    if (header === undefined) return [];
    const values = header.split(';').flatMap((part) => {
      const at = part.indexOf('=');
      return at > 0 && part.slice(0, at).trim() === cookieName ? [part.slice(at + 1).trim()] : [];
    });
    return values.slice(0, candidatesMax).flatMap((value) => {
      const [token = '', signature = ''] = value.split('.', 2);
      return tokenShape.test(token) && this.#signed(token, signature) ? [token] : [];
    });
  }

  /** `Set-Cookie` for a token. It outlives the sliding end of the sign-in, which the row decides. */
  set(token: string, https: boolean): string {
    const [key] = this.#keys;
    if (!key) throw new Error('invariant broken: no key to sign cookies with');
    return this.#line(`${token}.${signatureOf(key, token)}`, peopleLimits.signInLifeMs / 1000, https);
  }

  clear(https: boolean): string {
    return this.#line('', 0, https);
  }

  #line(value: string, maxAgeSeconds: number, https: boolean): string {
    const secure = https ? '; Secure' : '';
    return `${cookieName}=${value}; Path=${this.#path}; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Lax${secure}`;
  }

  #signed(token: string, signature: string): boolean {
    const given = Buffer.from(signature);
    return this.#keys.some((key) => {
      const wanted = Buffer.from(signatureOf(key, token));
      return wanted.length === given.length && timingSafeEqual(wanted, given);
    });
  }
}

const signatureOf = (key: Uint8Array, token: string): string =>
  createHmac('sha256', key).update(`sign-in\0${token}`).digest('base64url');

/** What the row of a sign-in holds of its token. */
export const tokenHash = (token: string): string => createHash('sha256').update(token).digest('hex');

/** 32 letters and digits, as those of the sign-in library: by rejection, so each is as likely as any other. */
export function newToken(): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
  let token = '';
  while (token.length < 32) {
    for (const byte of randomBytes(48)) if (byte < 248 && token.length < 32) token += letters.charAt(byte % 62);
  }
  return token;
}
