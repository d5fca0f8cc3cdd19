import type { IncomingMessage } from 'node:http';
import { parse } from 'node:querystring';
import { invalid, randomToken } from '#kernel/base';
import { headerOf } from './call.ts';
import type { Edge } from './edge.ts';
import type { RequestHead } from './http.ts';
import { edgeLimits } from './limits.ts';

/** Unique over processes by its random part, within one by the count: random bytes for each request would cost more than the rest. */
const ours = `req_${randomToken(8)}_`;
let count = 0;

/** Our own id, unless a proxy we trust brought one that looks like an id. */
export function requestIdOf(request: IncomingMessage, edge: Edge): string {
  const given = headerOf(request.headers, 'x-request-id');
  return given !== undefined && /^[\w-]{8,64}$/.test(given) && edge.trusts(request)
    ? given
    : `${ours}${(++count).toString(36)}`;
}

export function headOf(
  request: IncomingMessage,
  url: string,
  params: Readonly<Record<string, string>>,
  edge: Edge,
  requestId?: string,
): RequestHead {
  return {
    method: request.method ?? 'GET',
    path: url.split('?', 1)[0] ?? '/',
    params,
    query: parseQuery(url),
    headers: request.headers,
    address: edge.addressOf(request),
    https: edge.isHttps(request),
    requestId: requestId ?? requestIdOf(request, edge),
  };
}

/** Values of the query. Each is text Postgres can hold and at most 4 KiB. */
function parseQuery(url: string): RequestHead['query'] {
  const at = url.indexOf('?');
  return at === -1 ? {} : { ...parse(url.slice(at + 1), undefined, undefined, { maxKeys: 200 }) };
}

/** The project somebody chose for a call: by header, or, where a page cannot set one (sockets, links, pictures), in the address. */
export function chosenProject({ headers, query }: Pick<RequestHead, 'headers' | 'query'>): string | undefined {
  const { project } = query;
  return (
    headerOf(headers, 'muster-project') ??
    headerOf(headers, 'x-muster-project') ??
    (typeof project === 'string' ? project : undefined)
  );
}

/** What is left for the route: that choice was for the door. */
export const withoutProject = (query: RequestHead['query']): RequestHead['query'] =>
  'project' in query ? Object.fromEntries(Object.entries(query).filter(([name]) => name !== 'project')) : query;

export function checkQuery(query: RequestHead['query']): void {
  for (const [name, value] of Object.entries(query)) {
    for (const text of typeof value === 'string' ? [value] : (value ?? [])) {
      const pointer = `?${name.slice(0, 64)}`;
      if (text.includes('\0') || !text.isWellFormed())
        throw invalid('bad_text', `The query value ${pointer} is not text.`, {
          errors: [{ pointer, detail: 'holds a NUL character or half of a surrogate pair' }],
        });
      if (Buffer.byteLength(text) > edgeLimits.queryValueBytesMax) {
        throw invalid(
          'query_too_long',
          `The query value ${pointer} is longer than ${edgeLimits.queryValueBytesMax} bytes.`,
          { errors: [{ pointer, detail: 'too long' }] },
        );
      }
    }
  }
}
