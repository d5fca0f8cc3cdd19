import { forbidden, type MusterError } from '#kernel/base';
import { headerOf } from './call.ts';
import type { RequestHead } from './http.ts';

type Head = Pick<RequestHead, 'headers'>;

/**
 * Cookies travel with whatever any site makes a browser send, so a call that changes something must come from a page of ours:
 * `Sec-Fetch-Site` says so, and browsers that do not send it (plain http) send `Origin`. A call that brings neither did not
 * come from a page. `forbidden` `cross_site`.
 */
export function requireSameOrigin(head: Head, publicOrigin: string | undefined): void {
  if (!isOwnPage(head, publicOrigin)) throw crossSite();
}

export const crossSite = (): MusterError =>
  forbidden(
    'cross_site',
    'A sign-in counts for calls from the pages of this server only. Programs send an API key as Authorization: Bearer.',
  );

/** Whether a page of ours made this call, for sure. */
export function isOwnPage(head: Head, publicOrigin: string | undefined): boolean {
  const site = headerOf(head.headers, 'sec-fetch-site');
  return site === 'same-origin' || (site === undefined && isOurs(head, publicOrigin));
}

/** Types that a plain form of any page may send; those of calls and uploads need a script. */
const formTypes = ['application/x-www-form-urlencoded', 'text/plain'];

/** A second look at calls that change something by cookie: no form makes them. `forbidden` `cross_site`. */
export function requirePageType({ headers }: Head): void {
  const type = headerOf(headers, 'content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== undefined && formTypes.includes(type)) throw crossSite();
}

/** Whether a page of somebody else made this call. Typed addresses, and programs, are nobody's page. */
export function isForeign(head: Head, publicOrigin: string | undefined): boolean {
  const site = headerOf(head.headers, 'sec-fetch-site');
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  return headerOf(head.headers, 'origin') !== undefined && !isOurs(head, publicOrigin);
}

function isOurs({ headers }: Head, publicOrigin: string | undefined): boolean {
  const origin = headerOf(headers, 'origin');
  if (origin === undefined) return false;
  return origin === publicOrigin || (URL.canParse(origin) && new URL(origin).host === headerOf(headers, 'host'));
}

/** Whether a call changes nothing by its kind. A socket that is opened can do anything later. */
export const isSafe = ({ method, headers }: Pick<RequestHead, 'method' | 'headers'>): boolean =>
  (method === 'GET' || method === 'HEAD') && headers.upgrade === undefined;
