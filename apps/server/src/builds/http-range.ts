import type { IncomingHttpHeaders } from 'node:http';
import type { ByteRange } from '#kernel/blobs';

/** What to send of a file whose whole is `bytes` long and whose tag never changes. */
export type Portion = { kind: 'whole' } | { kind: 'same' } | { kind: 'part'; range: ByteRange } | { kind: 'outside' };

/**
 * RFC 9110 §13-14 for immutable files: `If-None-Match` first, then one `Range` unless `If-Range` names another version.
 * What is no single bytes range (several ranges, other units, nonsense) is answered whole, as the RFC allows.
 */
export function portionOf(headers: IncomingHttpHeaders, bytes: number, etag: string): Portion {
  const noneMatch = headers['if-none-match'];
  if (noneMatch !== undefined && namesTag(noneMatch, etag)) return { kind: 'same' };
  const { range } = headers;
  const ifRange = headers['if-range'];
  if (range === undefined || (ifRange !== undefined && ifRange !== etag)) return { kind: 'whole' };
  return rangeOf(range, bytes);
}

function namesTag(header: string, etag: string): boolean {
  return header.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
}

function rangeOf(header: string, bytes: number): Portion {
  const [, first = '', last = ''] = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/.exec(header) ?? [];
  if (first === '' && last === '') return { kind: 'whole' };
  if (first === '') {
    const count = Math.min(Number(last), bytes);
    return count === 0 ? { kind: 'outside' } : { kind: 'part', range: { start: bytes - count, end: bytes - 1 } };
  }
  const start = Number(first);
  const end = last === '' ? bytes - 1 : Math.min(Number(last), bytes - 1);
  if (last !== '' && Number(last) < start) return { kind: 'whole' };
  return start >= bytes ? { kind: 'outside' } : { kind: 'part', range: { start, end } };
}
