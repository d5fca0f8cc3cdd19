import { createHmac, timingSafeEqual } from 'node:crypto';
import { forbidden } from '#kernel/base';
import type { RequestHead } from '#kernel/http';

/**
 * A write with the cookie of a person comes from a page of ours: the browser says so in `Sec-Fetch-Site`, or in `Origin`.
 * `forbidden` `foreign_origin`.
 */
export function requireSameOrigin({ headers }: RequestHead): void {
  const site = headers['sec-fetch-site'];
  if (site === 'same-origin') return;
  const { origin, host } = headers;
  // Browsers without Sec-Fetch-Site send Origin with every form.
  if (site === undefined && origin !== undefined && host !== undefined && hostOf(origin) === host) return;
  throw forbidden('foreign_origin', 'This was not sent from a page of this gallery.');
}

const hostOf = (origin: string): string | undefined => (URL.canParse(origin) ? new URL(origin).host : undefined);

/** The token in the forms of one person: nobody else can know it, so no other site can make a form that we take. */
export const formToken = (key: Uint8Array, personId: string): string =>
  createHmac('sha256', key).update(`sandbox form\0${personId}`).digest('base64url');

/** `forbidden` `form_expired`. */
export function requireFormToken(key: Uint8Array, personId: string, given: string): void {
  const wanted = Buffer.from(formToken(key, personId));
  const have = Buffer.from(given);
  if (wanted.length !== have.length || !timingSafeEqual(wanted, have))
    throw forbidden('form_expired', 'This form is out of date. Load the page again and send it once more.');
}
