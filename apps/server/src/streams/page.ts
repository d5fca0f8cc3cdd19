import type { Principal } from '#kernel/auth';
import type { RawCall } from '#kernel/http';
import type { From, Head, Page, View } from '#kernel/log';
import type { Readable } from './access.ts';
import type { Query } from './address.ts';
import { baseHeaders, type Cors, pushContentType } from './answer-headers.ts';
import { isJson } from './media-type.ts';
import { headerOf } from './request-headers.ts';
import type { Room } from './room.ts';

/** One GET with everything that was found out about it. */
export type Read = {
  readonly call: RawCall;
  readonly who: Principal;
  readonly path: string;
  readonly query: Query;
  readonly from: From;
  readonly readable: Readable;
  readonly head: Head;
  readonly cors: Cors;
};

export const readPage = (room: Room, { readable }: Read, from: From): Promise<Page> =>
  room.log.read(
    readable.key,
    from,
    { bytes: room.config.pageBytesMax, messages: room.config.pageMessagesMax },
    readable.view,
  );

/** Answers with a page. `cursor`: of a live answer that goes on. */
export function answerPage(read: Read, page: Page, cursor?: string): void {
  const { call, from, head, readable } = read;
  const answer = baseHeaders(call.request, read.cors, readable.public, true);
  answer.push('stream-next-offset', page.next);
  if (page.upToDate) answer.push('stream-up-to-date', 'true');
  if (page.closed) answer.push('stream-closed', 'true');
  else if (cursor !== undefined) answer.push('stream-cursor', cursor);
  if (from === 'now') answer.push('cache-control', 'no-store');
  else {
    const etag = etagOf(head, readable.view, from, page);
    answer.push('etag', etag, 'cache-control', keptBy(read));
    if (!readable.public) answer.push('vary', 'Authorization, Cookie, Muster-Project, X-Muster-Project');
    if (isKnown(headerOf(call.request.headers, 'if-none-match'), etag)) return call.answer(304, answer);
  }
  pushContentType(answer, head.contentType);
  call.answer(200, answer, bodyOf(head.contentType, page));
}

/** Who signed in on a browser may sign out of it: what is kept there is asked for again each time. */
function keptBy({ readable, who }: Read): string {
  if (!readable.public && who.kind === 'person') return 'private, no-cache';
  return `${readable.public ? 'public' : 'private'}, max-age=60, stale-while-revalidate=300`;
}

/** Names bytes for ever: the same stream, view, revision, ends and closedness give the same body. */
function etagOf(head: Head, view: View, from: From, page: Page): string {
  const shown = view === 'raw' ? '' : `.${typeof view === 'string' ? view : view.name}`;
  const revised = head.revision > 0 ? `.${head.revision}` : '';
  const start = from === 'start' ? '-1' : from;
  return `"${head.streamNo.toString(36)}${shown}${revised}:${start}:${page.next}${page.closed ? ':c' : ''}"`;
}

function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(',').some((given) => {
    const tag = given.trim();
    return tag === '*' || (tag.startsWith('W/') ? tag.slice(2) : tag) === etag;
  });
}

const open = Buffer.from('[');
const comma = Buffer.from(',');
const shut = Buffer.from(']');

/** Messages as they were stored; JSON as one array of them. */
function bodyOf(contentType: string, { messages }: Page): Uint8Array {
  const only = messages[0];
  if (!isJson(contentType)) {
    return messages.length === 1 && only ? only.bytes : Buffer.concat(messages.map(({ bytes }) => bytes));
  }
  const parts: Uint8Array[] = [open];
  for (let i = 0; i < messages.length; i++) {
    if (i > 0) parts.push(comma);
    const message = messages[i];
    if (message) parts.push(message.bytes);
  }
  parts.push(shut);
  return Buffer.concat(parts);
}
