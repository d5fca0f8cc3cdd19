import type { IncomingHttpHeaders } from 'node:http';
import { invalid, type MusterError } from '#kernel/base';
import { type Append, type CreateStream, parseOffset } from '#kernel/log';
import { checkPath, parsePath } from './address.ts';
import { streamsLimits } from './limits.ts';

/* What the headers of a request ask for. Names come in any case; the same one twice is joined by a comma and then wrong. */

export function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/** Only `true`, in any case, counts; every other value is as if the header were absent. */
export function closes(headers: IncomingHttpHeaders): boolean {
  const value = headerOf(headers, 'stream-closed');
  return value !== undefined && value.toLowerCase() === 'true';
}

export function contentTypeOf(headers: IncomingHttpHeaders): string | undefined {
  const given = headers['content-type'];
  if (given === undefined || given === '') return undefined;
  if (Buffer.byteLength(given) > streamsLimits.contentTypeBytesMax)
    throw invalid('content_type_missing', `A content type is at most ${streamsLimits.contentTypeBytesMax} bytes long.`);
  return given;
}

/** The bearer credential; empty when the header says something else, which is no credential of ours. */
export function bearerOf(headers: IncomingHttpHeaders): string | undefined {
  const { authorization } = headers;
  if (authorization === undefined) return undefined;
  // The form all clients send; what follows is checked by auth.
  if (authorization.startsWith('Bearer ') && !authorization.includes(' ', 7)) return authorization.slice(7);
  return /^bearer[ \t]+(\S+)[ \t]*$/i.exec(authorization)?.[1] ?? '';
}

/** All three producer headers or none. `invalid` `producer_headers`. */
export function producerOf(headers: IncomingHttpHeaders): Append['producer'] {
  const id = headerOf(headers, 'producer-id');
  const epoch = headerOf(headers, 'producer-epoch');
  const seq = headerOf(headers, 'producer-seq');
  if (id === undefined && epoch === undefined && seq === undefined) return undefined;
  if (id === undefined || epoch === undefined || seq === undefined)
    throw producerHeaders('Producer-Id, Producer-Epoch and Producer-Seq go together.');
  if (id === '' || Buffer.byteLength(id) > streamsLimits.nameBytesMax)
    throw producerHeaders(`A producer id is 1 to ${streamsLimits.nameBytesMax} bytes long.`);
  return { id, epoch: countOf(epoch, 'Producer-Epoch'), seq: countOf(seq, 'Producer-Seq') };
}

const producerHeaders = (detail: string): MusterError => invalid('producer_headers', detail);

function countOf(text: string, name: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw producerHeaders(`${name} is a whole number from 0 to ${2 ** 53 - 1}.`);
  return value;
}

/** `Stream-TTL` or `Stream-Expires-At`. `invalid` `ttl_malformed`, `expiry_malformed`, `ttl_and_expiry`. */
export function lifeOf(headers: IncomingHttpHeaders, nowMs: number): Pick<CreateStream, 'ttlSeconds' | 'expiresAt'> {
  const ttl = headerOf(headers, 'stream-ttl');
  const expiry = headerOf(headers, 'stream-expires-at');
  if (ttl !== undefined && expiry !== undefined)
    throw invalid('ttl_and_expiry', 'A stream has a TTL or an instant at which it ends, not both.');
  const { ttlSecondsMax } = streamsLimits;
  if (ttl !== undefined) {
    const ttlSeconds = /^(?:0|[1-9]\d{0,15})$/.test(ttl) ? Number(ttl) : Number.NaN;
    if (!(ttlSeconds <= ttlSecondsMax))
      throw invalid('ttl_malformed', `Stream-TTL is a whole number of seconds, at most ${ttlSecondsMax}.`);
    return { ttlSeconds };
  }
  if (expiry === undefined) return {};
  const expiresAt = rfc3339.test(expiry) ? Date.parse(expiry) : Number.NaN;
  if (!(expiresAt >= 0 && expiresAt <= nowMs + ttlSecondsMax * 1000))
    throw invalid(
      'expiry_malformed',
      'Stream-Expires-At is an instant such as 2026-11-20T12:00:00Z, within ten years.',
    );
  return { expiresAt };
}

const rfc3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})$/;
const ourPrefix = '/v1/stream/';

export type AskedFork = { path: string; at?: string; sub?: number };

/** `invalid` `fork_offset`, `fork_sub_offset`, `path_malformed`. */
export function forkOf(headers: IncomingHttpHeaders): AskedFork | undefined {
  const from = headerOf(headers, 'stream-forked-from');
  const at = headerOf(headers, 'stream-fork-offset');
  const sub = headerOf(headers, 'stream-fork-sub-offset');
  if (from === undefined || from === '') {
    if (sub !== undefined) throw invalid('fork_sub_offset', 'Stream-Fork-Sub-Offset needs Stream-Forked-From.');
    if (at !== undefined) throw invalid('fork_offset', 'Stream-Fork-Offset needs Stream-Forked-From.');
    return undefined;
  }
  const path = from.startsWith(ourPrefix)
    ? parsePath(from.slice(ourPrefix.length))
    : checkPath(from.startsWith('/') ? from.slice(1) : from);
  const fork: AskedFork = { path };
  if (at !== undefined) {
    if (!parseOffset(at)) throw invalid('fork_offset', 'Stream-Fork-Offset is an offset of the source, or -1.');
    fork.at = at;
  }
  if (sub !== undefined) {
    const count = /^(?:0|[1-9]\d{0,15})$/.test(sub) ? Number(sub) : Number.NaN;
    if (!Number.isSafeInteger(count)) throw invalid('fork_sub_offset', 'Stream-Fork-Sub-Offset is a whole number.');
    fork.sub = count;
  }
  return fork;
}
