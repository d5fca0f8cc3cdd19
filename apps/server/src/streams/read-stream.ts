import type { Principal } from '#kernel/auth';
import { invalid } from '#kernel/base';
import type { RawCall } from '#kernel/http';
import { unknownStream } from './access.ts';
import { parseFrom, type Query } from './address.ts';
import type { Cors } from './answer-headers.ts';
import { followStream } from './follow-stream.ts';
import { answerPage, type Read, readPage } from './page.ts';
import { pollStream } from './poll-stream.ts';
import { headerOf } from './request-headers.ts';
import type { Room } from './room.ts';

/** `GET`: a page of what is there, or, with `live`, what comes. */
export async function readStream(
  room: Room,
  call: RawCall,
  who: Principal,
  path: string,
  query: Query,
  cors: Cors,
): Promise<void> {
  const { live } = query;
  if (live !== undefined && live !== 'long-poll' && live !== 'sse') {
    throw invalid('live_unknown', 'live is long-poll or sse.', {
      errors: [{ pointer: '?live', detail: 'unknown value' }],
    });
  }
  const last = live === 'sse' ? headerOf(call.request.headers, 'last-event-id') : undefined;
  // A browser that reconnects names where it was; the URL still says where it began.
  const given = last || query.offset;
  if (given === undefined && live !== undefined)
    throw invalid('offset_required', 'A live read names the offset it starts at; -1 is the start, now is the end.');
  const from = given === undefined ? 'start' : parseFrom(given);
  const asked = room.access.requireRead(who, path);
  let readable = asked instanceof Promise ? await asked : asked;
  if (query.view === 'compact' && readable.view === 'raw') readable = { ...readable, view: 'compact' };
  const head = await room.log.head(readable.key);
  if (!head) throw unknownStream(path);
  const read: Read = { call, who, path, query, from, readable, head, cors };
  if (live === 'sse') return followStream(room, read, last !== undefined && last !== '');
  if (live === 'long-poll') return pollStream(room, read);
  answerPage(read, await readPage(room, read, from));
}
