import type { Head, Log, Message, StreamKey } from '#kernel/log';

/* Names of this room's streams, and reading one from its end. */

export const logKey = (projectId: string, buildId: string): StreamKey => ({ projectId, path: `builds/${buildId}/log` });
export const buildEventsKey = (projectId: string, buildId: string): StreamKey => ({
  projectId,
  path: `builds/${buildId}/events`,
});
export const projectEventsKey = (projectId: string): StreamKey => ({ projectId, path: 'builds/events' });
export const jsonType = 'application/json';
export const eventsKeptMs = 90 * 86_400_000;

const pageLimit = { bytes: 2 ** 20, messages: 1_000 };

/** The seq an offset stands for. */
export const seqOf = (offset: string): number => Number(offset.slice(17));

/** The offset from which at most `count` messages follow, within the present era; `start` when that is all there is. */
export function offsetBefore(head: Head, count: number): string {
  const tail = seqOf(head.tail);
  const from = tail - count;
  const sameEra = head.first.slice(0, 16) === head.tail.slice(0, 16);
  if (from <= 0 || (sameEra && from <= seqOf(head.first))) return 'start';
  return `${head.tail.slice(0, 17)}${String(from).padStart(16, '0')}`;
}

/** The last `count` messages up to the tail of now, in order. */
export async function readLast(log: Log, key: StreamKey, head: Head, count: number): Promise<Message[]> {
  const end = seqOf(head.tail);
  const found: Message[] = [];
  for await (const message of readFrom(log, key, offsetBefore(head, count), end)) found.push(message);
  return found.slice(-count);
}

/** Every message after `from` up to seq `end`, page by page. A stream that is not there has none. */
export async function* readFrom(log: Log, key: StreamKey, from: string, end: number): AsyncIterable<Message> {
  let at = from;
  for (;;) {
    const page = await log.read(key, at, pageLimit);
    for (const message of page.messages) {
      if (message.seq > end) return;
      yield message;
    }
    if (page.upToDate || page.messages.length === 0 || seqOf(page.next) >= end) return;
    at = page.next;
  }
}
