import { invalid } from '#kernel/base';
import type { Offset, Sink, Tail } from '#kernel/log';
import { baseHeaders } from './answer-headers.ts';
import { nextCursor } from './cursor.ts';
import { streamsLimits } from './limits.ts';
import { answerPage, type Read, readPage } from './page.ts';
import type { Room } from './room.ts';

/** `live=long-poll`: at once when anything lies behind the offset, else when something comes, else 204 after a while. */
export async function pollStream(room: Room, read: Read): Promise<void> {
  const { call, query, who } = read;
  const waitMs = Math.min(waitOf(room, query.timeout), remainsOf(room, who));
  const cursor = nextCursor(query.cursor, room.clock.now(), room.random);
  let page = await readPage(room, read, read.from);
  // A view may leave out all that a page looked at; what it shows may lie further on.
  while (page.messages.length === 0 && !page.upToDate && !call.over) page = await readPage(room, read, page.next);
  if (page.messages.length === 0 && !page.closed && waitMs > 0) {
    using _counted = room.liveReads.open(who);
    const waited = await call.park<void>(waitMs, (wake) => wakeWhenMoved(room, read, page.next, wake));
    if (waited.why === 'gone') return;
    if (waited.why === 'woken') page = await readPage(room, read, page.next);
  }
  if (page.messages.length > 0) return answerPage(read, page, cursor);
  const answer = baseHeaders(call.request, read.cors, read.readable.public, true);
  answer.push('cache-control', 'no-store', 'stream-next-offset', page.next);
  if (page.upToDate) answer.push('stream-up-to-date', 'true');
  if (page.closed) answer.push('stream-closed', 'true');
  else answer.push('stream-cursor', cursor);
  call.answer(204, answer);
}

/** What `timeout=30s` asks for, within bounds; a bare number is seconds. */
function waitOf(room: Room, timeout: string | undefined): number {
  if (timeout === undefined) return room.config.longPollMs;
  const found = /^(\d{1,6})(ms|s)?$/.exec(timeout);
  if (!found)
    throw invalid('invalid_query', 'timeout is a duration such as 30s.', {
      errors: [{ pointer: '?timeout', detail: 'not a duration' }],
    });
  const ms = Number(found[1]) * (found[2] === 'ms' ? 1 : 1000);
  return Math.min(Math.max(ms, streamsLimits.longPollMsMin), streamsLimits.longPollMsMax);
}

/** A live read ends with its token. */
export const remainsOf = (room: Room, who: Read['who']): number =>
  who.kind === 'browser' ? Math.max(0, who.expiresAt - room.clock.now()) : Number.POSITIVE_INFINITY;

/** Calls `wake` once when there is anything to say: a message, the end, a gap, or no stream any more. */
function wakeWhenMoved(room: Room, { readable }: Read, from: Offset, wake: () => void): Disposable {
  const sink: Sink = {
    form: 'raw',
    write: (shared) => {
      if (shared.length > 0) wake();
      return 0;
    },
    gap: () => {
      wake();
      return 'stop';
    },
    end: () => wake(),
  };
  let over = false;
  const tail = room.log.tail(readable.key, from, sink, readable.view).then(
    (running: Tail) => {
      if (over) running[Symbol.dispose]();
      return running;
    },
    () => wake(),
  );
  return {
    [Symbol.dispose]: () => {
      over = true;
      void tail.then((running) => running?.[Symbol.dispose]());
    },
  };
}
