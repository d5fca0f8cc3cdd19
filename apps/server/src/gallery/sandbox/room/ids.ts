import { createHash } from 'node:crypto';
import { randomToken } from '#kernel/base';

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
const prefixes = { account: 'sbu', item: 'itm', comment: 'cmt', image: 'img', report: 'rpt', fault: 'flt' } as const;

/**
 * An id that follows from its parts: the same act, named by the same idempotency key, makes the same item on every run of
 * a simulated day. 130 bits of SHA-256 in Crockford base32.
 */
export function idFrom(kind: keyof typeof prefixes, ...parts: readonly string[]): string {
  const digest = createHash('sha256')
    .update([kind, ...parts].join('\u0000'))
    .digest();
  let text = '';
  for (let i = 0; i < 26; i++) {
    const bit = i * 5;
    const pair = digest.readUInt16BE(bit >> 3);
    text += alphabet.charAt((pair >> (11 - (bit & 7))) & 31);
  }
  return `${prefixes[kind]}_${text}`;
}

/** An id nobody can foretell, where no key names the act. */
export const freshId = (kind: keyof typeof prefixes): string => idFrom(kind, randomToken(24));
