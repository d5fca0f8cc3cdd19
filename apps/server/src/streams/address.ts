import { invalid, type MusterError } from '#kernel/base';
import type { From } from '#kernel/log';
import { streamsLimits } from './limits.ts';

/* What the URL of a stream says: its path, and what is asked of it. */

const malformed = (detail: string): MusterError => invalid('path_malformed', detail);
/** Segments of plain characters that are never `.` or `..`: nearly all paths, and nothing in them to decode or refuse. */
const plain = /^(?!\.)[\w~!$&'()*+,;=:@.-]+(?:\/(?!\.)[\w~!$&'()*+,;=:@.-]+)*$/;
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/**
 * The path of a stream from what stands in the URL behind `/v1/stream/`, decoded once. `invalid` `path_malformed` unless it
 * has 1 to 16 segments and at most 512 bytes of UTF-8, none of them empty, `.`, `..` or holding control characters.
 */
export function parsePath(encoded: string): string {
  let path = encoded;
  if (!plain.test(encoded)) {
    try {
      path = decodeURIComponent(encoded);
    } catch {
      throw malformed('The path is not valid percent-encoded UTF-8.');
    }
  }
  return checkPath(path);
}

/** As `parsePath`, for a path that was never encoded. */
export function checkPath(path: string): string {
  const { pathBytesMax, pathSegmentsMax } = streamsLimits;
  if (path.length > pathBytesMax || Buffer.byteLength(path) > pathBytesMax)
    throw malformed(`A path is at most ${pathBytesMax} bytes long.`);
  if (control.test(path) || !path.isWellFormed()) throw malformed('A path holds no control characters.');
  const segments = path.split('/');
  if (segments.length > pathSegmentsMax) throw malformed(`A path has at most ${pathSegmentsMax} segments.`);
  for (const segment of segments) {
    if (segment === '') throw malformed('A path has no empty segments.');
    if (segment === '.' || segment === '..') throw malformed('A path has no segments "." or "..".');
  }
  return path;
}

/** The path as it stands in a URL. */
export const encodePath = (path: string): string => path.split('/').map(encodeURIComponent).join('/');

/** What of the query this room reads; unknown parameters are ignored, as the protocol demands. */
export type Query = {
  offset: string | undefined;
  live: string | undefined;
  cursor: string | undefined;
  timeout: string | undefined;
  token: string | undefined;
  project: string | undefined;
  view: string | undefined;
};

const known = ['offset', 'live', 'cursor', 'timeout', 'token', 'project', 'view'] as const;
const nothing: Query = {
  offset: undefined,
  live: undefined,
  cursor: undefined,
  timeout: undefined,
  token: undefined,
  project: undefined,
  view: undefined,
};

/** `invalid` `offset_malformed` when a parameter that counts once is given twice. */
export function parseQuery(query: string): Query {
  if (query === '') return nothing;
  const given = new URLSearchParams(query);
  const read = { ...nothing };
  for (const name of known) {
    const values = given.getAll(name);
    if (values.length > 1) {
      throw invalid('offset_malformed', `${name} may be given once.`, {
        errors: [{ pointer: `?${name}`, detail: 'given more than once' }],
      });
    }
    read[name] = values[0];
  }
  return read;
}

const zeros = `${'0'.repeat(16)}_${'0'.repeat(16)}`;

/** Where a read begins. `invalid` `offset_malformed`. */
export function parseFrom(given: string): From {
  if (given === '-1' || given === zeros) return 'start';
  if (given === 'now' || /^\d{16}_\d{16}$/.test(given)) return given;
  throw invalid('offset_malformed', 'An offset is -1, now, or one that the server gave.', {
    errors: [{ pointer: '?offset', detail: 'not an offset' }],
  });
}
