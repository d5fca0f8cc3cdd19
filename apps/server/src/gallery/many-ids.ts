import { randomBytes } from 'node:crypto';
import { idPrefixes } from '@muster/protocol';
import { newId } from '#kernel/base';

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
/** The prefix, and the time of a UUIDv7 with its version: what ids of one moment share. */
const headChars = `${idPrefixes.activity}_`.length + 10;
const tailChars = 16;

/** Ids for thousands of lines of the feed at once: one look at the time, and chance without big numbers. */
export function activityIds(count: number, nowMs: number): string[] {
  const head = newId('activity', nowMs).slice(0, headChars);
  const chance = randomBytes(count * tailChars);
  return Array.from({ length: count }, (_, i) => {
    let id = head;
    for (let at = i * tailChars; at < (i + 1) * tailChars; at++) id += alphabet.charAt((chance[at] ?? 0) & 31);
    return id;
  });
}
