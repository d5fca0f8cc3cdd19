import type { Auth, PersonPrincipal, Principal } from '#kernel/auth';
import { asError, type Clock, invalid, type MusterError, unauthenticated } from '#kernel/base';
import { bearerOf } from './admission.ts';
import { headerOf } from './call.ts';
import type { RequestHead } from './http.ts';
import { crossSite } from './same-origin.ts';

/** The one subprotocol of the socket. A second one may carry the credential, because browsers can set no header. */
export const subprotocol = 'muster.v1';
const bearerProtocol = 'bearer.';

/** What a client brought when it opened a socket. */
export type Opening =
  | { readonly kind: 'none' }
  /** Somebody's page brought cookies of ours, which do not count there; it may still say who it is. */
  | { readonly kind: 'foreign' }
  /** `token`: none for somebody who signed in. */
  | { readonly kind: 'known'; readonly token: string | undefined; readonly who: Principal }
  /** Browsers see no status of an upgrade, so they are told on the open socket. */
  | { readonly kind: 'refused'; readonly error: Error };

/** Who sits before a browser, and whether a page of ours asks. */
export type Visitors = {
  person(head: RequestHead): Promise<PersonPrincipal | undefined>;
  isOwnPage(head: RequestHead): boolean;
};

/**
 * Finds the credential of an upgrade. In the header a wrong one is a 401 at once; as subprotocol or in the address it is
 * told on the socket; where there is none of these, the cookie of a sign-in counts for pages of ours. Only browser tokens may stand in an address: those are short-lived and narrow, and addresses end up in
 * the logs of proxies.
 */
export async function openingOf(head: RequestHead, auth: Auth, visitors: Visitors): Promise<Opening> {
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
  if (token === undefined) return signedIn(head, visitors);
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

/** With `?by=cookie` there is nothing else to come, so a page is told at once that nobody is signed in. */
async function signedIn(head: RequestHead, visitors: Visitors): Promise<Opening> {
  const only = head.query['by'] === 'cookie';
  if (head.headers.cookie !== undefined || only) {
    if (!visitors.isOwnPage(head)) {
      if (only) throw crossSite();
      return { kind: 'foreign' };
    }
    try {
      const who = await visitors.person(head);
      if (who) return { kind: 'known', token: undefined, who };
    } catch (error) {
      return { kind: 'refused', error: asError(error) };
    }
  }
  if (!only) return { kind: 'none' };
  return { kind: 'refused', error: unauthenticated('no_credential', 'Nobody is signed in in this browser.') };
}

/** Run tokens end with what they are bound to, which nobody announces: they are asked about again this often. */
const askAgainMs = 25_000;

/**
 * The credential of one socket: its end is known beforehand (browser tokens), announced (keys, people), or found by asking
 * again (run tokens).
 */
export class HeldCredential implements Disposable {
  /** Changes with the rights of a person. */
  who: Principal;
  /** Milliseconds since 1970; `undefined` for those without an end of their own. */
  readonly expiresAt: number | undefined;
  /** The client was asked for a new one. */
  warned = false;
  readonly #token: string | undefined;
  readonly #heeding: Disposable;
  #askAt: number;

  constructor(
    auth: Auth,
    clock: Clock,
    { token, who }: { token: string | undefined; who: Principal },
    heard: { ended(why: MusterError): void; changed(now: PersonPrincipal): void },
  ) {
    this.who = who;
    this.expiresAt = who.kind === 'browser' ? who.expiresAt : undefined;
    this.#token = token;
    this.#heeding = auth.heed(
      who,
      (why) => heard.ended(why),
      (now) => {
        this.who = now;
        heard.changed(now);
      },
    );
    this.#askAt = clock.monotonic() + askAgainMs;
  }

  isDue(nowMs: number): boolean {
    const announced = this.who.kind === 'key' || this.who.kind === 'browser' || this.who.kind === 'person';
    return !announced && nowMs >= this.#askAt;
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
