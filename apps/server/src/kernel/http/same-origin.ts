import { forbidden } from '#kernel/base';
import { headerOf } from './call.ts';
import type { RequestHead } from './http.ts';

/**
 * Cookies travel with whatever any site makes a browser send, so a call that changes something must come from a page of ours:
 * `Sec-Fetch-Site` says so, and browsers that do not send it (plain http) send `Origin`. A call that brings neither did not
 * come from a page. `forbidden` `cross_site`.
 */
export function requireSameOrigin(head: Pick<RequestHead, 'headers'>, publicOrigin: string | undefined): void {
  const site = headerOf(head.headers, 'sec-fetch-site');
  if (site === 'same-origin') return;
  const origin = headerOf(head.headers, 'origin');
  const ours = origin !== undefined && (origin === publicOrigin || hostOf(origin) === headerOf(head.headers, 'host'));
  if (site === undefined && ours) return;
  throw forbidden(
    'cross_site',
    'A sign-in counts for calls from the pages of this server only. Programs send an API key as Authorization: Bearer.',
  );
}

const hostOf = (origin: string): string | undefined => (URL.canParse(origin) ? new URL(origin).host : undefined);

/** Methods that change nothing. */
export const isSafe = (method: string): boolean => method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
