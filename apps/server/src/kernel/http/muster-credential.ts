import type { Auth, Principal } from '#kernel/auth';
import { asError, type Clock, invalid } from '#kernel/base';
import { bearerOf } from './admission.ts';
import { headerOf } from './call.ts';
import type { RequestHead } from './http.ts';

/** The one subprotocol of the socket. A second one may carry the credential, because browsers can set no header. */
export const subprotocol = 'muster.v1';
const bearerProtocol = 'bearer.';

/** What a client brought when it opened a socket. */
export type Opening =
  | { readonly kind: 'none' }
  | { readonly kind: 'known'; readonly token: string; readonly who: Principal }
  /** Browsers see no status of an upgrade, so they are told on the open socket. */
  | { readonly kind: 'refused'; readonly error: Error };

/**
 * Finds the credential of an upgrade. In the header a wrong one is a 401 at once; as subprotocol or in the address it is
 * told on the socket. Only browser tokens may stand in an address: those are short-lived and narrow, and addresses end up in
 * the logs of proxies.
 */
export async function openingOf(head: RequestHead, auth: Auth): Promise<Opening> {
  const protocols = (headerOf(head.headers, 'sec-websocket-protocol') ?? '').split(',').map((name) => name.trim());
  if (!protocols.includes(subprotocol))
    throw invalid('subprotocol_missing', `This socket speaks the subprotocol ${subprotocol}; ask for it.`, {
      extra: { expected: subprotocol },
    });
  const header = bearerOf(head);
  if (header !== undefined) return { kind: 'known', token: header, who: await auth.authenticate(header, head.address) };
  const offered = protocols.find((name) => name.startsWith(bearerProtocol))?.slice(bearerProtocol.length);
  const { token: query } = head.query;
  const token = offered ?? (typeof query === 'string' ? query : undefined);
  if (token === undefined) return { kind: 'none' };
  try {
    const who = await auth.authenticate(token, head.address);
    if (offered === undefined && who.kind !== 'browser')
      throw invalid(
        'token_in_address',
        'Only a browser token may stand in the address; send this credential as a header or in an auth frame, and replace it: addresses are logged by proxies.',
      );
    return { kind: 'known', token, who };
  } catch (error) {
    return { kind: 'refused', error: asError(error) };
  }
}

/** Run tokens end with what they are bound to, which nobody announces: they are asked about again this often. */
const askAgainMs = 25_000;

/**
 * The credential of one socket: its end is known beforehand (browser tokens), announced (keys), or found by asking again
 * (run tokens).
 */
export class HeldCredential implements Disposable {
  readonly who: Principal;
  /** Milliseconds since 1970; `undefined` for those without an end of their own. */
  readonly expiresAt: number | undefined;
  /** The client was asked for a new one. */
  warned = false;
  readonly #token: string;
  readonly #heeding: Disposable;
  #askAt: number;

  constructor(auth: Auth, clock: Clock, token: string, who: Principal, revoked: () => void) {
    this.who = who;
    this.expiresAt = who.kind === 'browser' ? who.expiresAt : undefined;
    this.#token = token;
    this.#heeding = auth.heed(who, revoked);
    this.#askAt = clock.monotonic() + askAgainMs;
  }

  isDue(nowMs: number): boolean {
    return this.who.kind !== 'key' && this.who.kind !== 'browser' && nowMs >= this.#askAt;
  }

  /** Resolves to what is wrong with it now. */
  async askAgain(auth: Auth, nowMs: number, address: string): Promise<Error | undefined> {
    this.#askAt = nowMs + askAgainMs;
    try {
      await auth.authenticate(this.#token, address);
      return undefined;
    } catch (error) {
      return asError(error);
    }
  }

  [Symbol.dispose](): void {
    this.#heeding[Symbol.dispose]();
  }
}
