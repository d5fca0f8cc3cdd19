import type { LogRecord } from '@muster/protocol';
import { asError } from '#kernel/base';
import { decodeRecord } from './log-lines.ts';
import type { Room } from './room.ts';
import { logKey, offsetBefore, readFrom, seqOf } from './stream-keys.ts';

export type ReadLog = {
  /** Only the last so many records (of that attempt). */
  tail?: number | undefined;
  attempt?: number | undefined;
};
/** Records `tail` may ask for together with `attempt`: they are held in memory until the end is found. */
export const tailMax = 100_000;

/** The build's log up to its end of now, in order. A build whose log was removed has none. */
export async function* readLog(
  room: Room,
  build: { id: string; projectId: string },
  input: ReadLog = {},
): AsyncGenerator<LogRecord, void, void> {
  await bringUpToDate(room, build.id);
  const key = logKey(build.projectId, build.id);
  const head = await room.log.head(key);
  if (!head) return;
  const { tail, attempt } = input;
  const from = tail === undefined || attempt !== undefined ? 'start' : offsetBefore(head, tail);
  const last: LogRecord[] = [];
  let skip = from === 'start' && attempt === undefined && tail !== undefined ? head.messages - tail : 0;
  for await (const message of readFrom(room.log, key, from, seqOf(head.tail))) {
    const record = decodeRecord(message.bytes);
    if (attempt !== undefined && record.attempt !== attempt) continue;
    if (attempt === undefined || tail === undefined) {
      if (skip-- > 0) continue;
      yield record;
    } else {
      last.push(record);
      if (last.length > 2 * tail) last.splice(0, last.length - tail);
    }
  }
  if (tail !== undefined && attempt !== undefined) yield* last.slice(Math.max(0, last.length - tail));
}

/** Lines and events of the server's own reach the streams first, unless the log takes nothing now: reading still goes on. */
export async function bringUpToDate(room: Room, buildId: string): Promise<void> {
  try {
    await room.flushOutbox(buildId);
  } catch (error) {
    room.telemetry.logger.warn({ error: asError(error), buildId }, 'outbox not flushed before a read');
  }
}

const chunkChars = 64 * 1024;

/** As text, one line per line: parts of a line that was cut are put together again. */
export async function* asText(records: AsyncIterable<LogRecord>): AsyncGenerator<string, void, void> {
  let chunk = '';
  let open = false;
  for await (const record of records) {
    if (open && record.cont !== true) chunk += '\n';
    chunk += record.text;
    open = true;
    if (chunk.length < chunkChars) continue;
    yield chunk;
    chunk = '';
  }
  if (open) yield `${chunk}\n`;
}

/** As one JSON record per line. */
export async function* asNdjson(records: AsyncIterable<LogRecord>): AsyncGenerator<string, void, void> {
  let chunk = '';
  for await (const record of records) {
    chunk += `${JSON.stringify(record)}\n`;
    if (chunk.length < chunkChars) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}
