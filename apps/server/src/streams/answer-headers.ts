import type { IncomingMessage } from 'node:http';
import type { MusterError } from '#kernel/base';
import { mediaTypeOf } from './media-type.ts';

/* Headers of answers, flat (name, value) as they are handed to `writeHead` once. */

/** What is stored was written by somebody: no browser may take it for a page of ours, or run it. */
const secure = [
  'x-content-type-options',
  'nosniff',
  'referrer-policy',
  'no-referrer',
  'content-security-policy',
  "sandbox; default-src 'none'",
];
const ofPrivate = [...secure, 'cross-origin-resource-policy', 'same-site'];
const ofPublic = [...secure, 'cross-origin-resource-policy', 'cross-origin'];

const exposed = [
  'Stream-Next-Offset, Stream-Up-To-Date, Stream-Closed, Stream-Cursor, Stream-First-Offset, Stream-TTL, Stream-Expires-At',
  'Stream-SSE-Data-Encoding, Producer-Epoch, Producer-Seq, Producer-Expected-Seq, Producer-Received-Seq',
  'ETag, Location, Retry-After, Content-Type, X-Request-Id',
].join(', ');
const allowedHeaders = [
  'Content-Type, Authorization, If-None-Match, Last-Event-ID, Idempotency-Key, Muster-Project, Stream-Seq, Stream-TTL',
  'Stream-Expires-At, Stream-Closed, Stream-Expected-Offset, Stream-Forked-From, Stream-Fork-Offset',
  'Stream-Fork-Sub-Offset, Producer-Id, Producer-Epoch, Producer-Seq',
].join(', ');
export const methods = 'GET, POST, PUT, DELETE, HEAD, OPTIONS';

/** Which pages of other origins may read answers: any, or those of a list. Never with cookies. */
export type Cors = { any: boolean; origins: ReadonlySet<string> };

export function corsOf(origins: readonly string[]): Cors {
  return { any: origins.length === 0 || origins.includes('*'), origins: new Set(origins) };
}

/** `cacheable`: the answer may be kept and given to others, so it says the same whether or not a page asked. */
export function baseHeaders(request: IncomingMessage, cors: Cors, isPublic: boolean, cacheable: boolean): string[] {
  const headers = isPublic ? [...ofPublic] : [...ofPrivate];
  const { origin } = request.headers;
  if (origin === undefined && !cacheable) return headers;
  if (cors.any) headers.push('access-control-allow-origin', '*', 'access-control-expose-headers', exposed);
  else {
    headers.push('vary', 'Origin');
    if (origin !== undefined && cors.origins.has(origin))
      headers.push('access-control-allow-origin', origin, 'access-control-expose-headers', exposed);
  }
  return headers;
}

export function preflightHeaders(request: IncomingMessage, cors: Cors): string[] {
  return [
    ...baseHeaders(request, cors, true, true),
    'access-control-allow-methods',
    methods,
    'access-control-allow-headers',
    allowedHeaders,
    'access-control-max-age',
    '600',
    'allow',
    methods,
    'cache-control',
    'no-store',
  ];
}

/** Stored content is shown as it is only where a browser cannot make a page of it. */
export function pushContentType(headers: string[], contentType: string): void {
  headers.push('content-type', contentType);
  const mediaType = mediaTypeOf(contentType);
  if (mediaType !== 'application/json' && mediaType !== 'text/plain') headers.push('content-disposition', 'attachment');
}

/** What of an error the protocol says in headers. Whoever is told to come back is told when. */
export function pushErrorHeaders(headers: string[], { reason, extra, status, retryAfterMs }: MusterError): void {
  if ((status === 429 || status === 503) && retryAfterMs === undefined) headers.push('retry-after', '1');
  const push = (name: string, value: unknown): void => {
    if (typeof value === 'string' || typeof value === 'number') headers.push(name, String(value));
  };
  switch (reason) {
    case 'producer_fenced':
      return push('producer-epoch', extra['producerEpoch']);
    case 'producer_gap':
      push('producer-expected-seq', extra['expectedSeq']);
      return push('producer-received-seq', extra['receivedSeq']);
    case 'stream_closed':
      headers.push('stream-closed', 'true');
      return push('stream-next-offset', extra['next']);
    case 'tail_moved':
    case 'offset_beyond_tail':
      return push('stream-next-offset', extra['next']);
    case 'offset_trimmed':
    case 'stream_recreated':
    case 'restored':
    case 'positions_lost':
      return push('stream-first-offset', extra['earliest']);
    default:
  }
}
