import { type MusterError, unavailable } from '#kernel/base';
import { unknownStream } from './access.ts';
import { baseHeaders } from './answer-headers.ts';
import { cursorAhead } from './cursor.ts';
import { EventStream } from './event-streams.ts';
import { isJson, mediaTypeOf } from './media-type.ts';
import { type Read, readPage } from './page.ts';
import { remainsOf } from './poll-stream.ts';
import type { Room } from './room.ts';

/**
 * `live=sse`: events as they come, from any point on. `resumed`: the client says where it was (`Last-Event-ID`), as a
 * browser does when it reconnects by itself.
 */
export async function followStream(room: Room, read: Read, resumed: boolean): Promise<void> {
  const { call, who, from, readable } = read;
  if (resumed && (await isOver(room, read))) return answerOver(read);
  const counted = room.liveReads.open(who);
  const stream = new EventStream(room.events, {
    response: call.response,
    endsAt: room.events.endOf(
      readable.public ? room.config.ssePublicMs : room.config.ssePrivateMs,
      remainsOf(room, who),
    ),
    draining: call.draining,
    cursor: cursorAhead(read.query.cursor, room.clock.now(), room.random),
    begin: () => call.begin(200, headersOf(read)),
  });
  let refused: MusterError | undefined;
  const heeded = room.auth.heed(who, (why) => {
    refused = why;
    stream.end('life');
  });
  call.whenOver(() => {
    stream.end('gone');
    heeded[Symbol.dispose]();
    counted[Symbol.dispose]();
  });
  try {
    stream.follows(await room.log.tail(readable.key, from, stream, readable.view));
  } catch (error) {
    stream.end('gone');
    throw error;
  }
  if (stream.unheard !== undefined && stream.unheard !== 'gone') throw refused ?? endedAtOnce(stream.unheard, read);
}

/** It ended while its tail was being opened, with no head of an answer out yet. */
const endedAtOnce = (why: EventStream['unheard'], { path }: Read): MusterError =>
  why === 'deleted' || why === 'expired'
    ? unknownStream(path)
    : unavailable('draining', 'This server is stopping; come back in a moment.', { retryAfterMs: 1000 });

function headersOf({ call, cors, head, readable }: Read): string[] {
  const answer = baseHeaders(call.request, cors, readable.public, true);
  answer.push('content-type', 'text/event-stream', 'cache-control', 'no-cache');
  // nginx holds event streams back unless told.
  answer.push('x-accel-buffering', 'no');
  if (!isJson(head.contentType) && !mediaTypeOf(head.contentType).startsWith('text/'))
    answer.push('stream-sse-data-encoding', 'base64');
  return answer;
}

/** Nothing will ever come behind this offset. */
async function isOver(room: Room, read: Read): Promise<boolean> {
  if (!read.head.closed) return false;
  const page = await readPage(room, read, read.from);
  return page.closed && page.messages.length === 0;
}

/** The one answer that makes a browser's EventSource stop coming back. */
function answerOver({ call, cors, readable, head }: Read): void {
  const answer = baseHeaders(call.request, cors, readable.public, true);
  answer.push('cache-control', 'no-store', 'stream-next-offset', head.tail);
  answer.push('stream-up-to-date', 'true', 'stream-closed', 'true');
  call.answer(204, answer);
}
