import type { LogGap, LogLine, LogPage } from '@muster/protocol';
import { MusterError } from '#kernel/base';
import type { Head, Message } from '#kernel/log';
import { decodeRecord } from './log-lines.ts';
import { bringUpToDate } from './read-log.ts';
import type { Room } from './room.ts';
import { logKey, seqOf } from './stream-keys.ts';

export const linesMax = 2_000;
/** One answer; what does not fit is asked for next. */
const answerBytesMax = 4 * 2 ** 20;
/** A longer line is cut unless it is asked for whole. */
const lineCharsMax = 16 * 1024;
const noOffset = '-1';

export type ReadLines = { from?: number | undefined; tail?: number | undefined; limit: number; whole: boolean };

/**
 * Lines of a log by their numbers. A number is a position of the stream, which goes up by one and is never reused (I2):
 * so any line of a log of any length is found without counting. `from` beyond the end answers none.
 */
export async function readLines(
  room: Room,
  build: { id: string; projectId: string },
  { from = 0, tail, limit, whole }: ReadLines,
): Promise<LogPage> {
  await bringUpToDate(room, build.id);
  const head = await room.log.head(logKey(build.projectId, build.id));
  if (!head) return { first: 0, total: 0, ended: false, next: noOffset, items: [], gaps: [] };
  const first = seqOf(head.first);
  const total = seqOf(head.tail);
  const wanted = tail === undefined ? from : total - tail;
  const begin = Math.min(Math.max(wanted, first), total);
  const gaps: LogGap[] = first > 0 && wanted < first ? [{ from: 0, to: first, reason: 'offset_trimmed' }] : [];
  const items: LogLine[] = [];
  let bytes = 0;
  for await (const page of pagesBetween(room, head, begin, Math.min(total, begin + limit), gaps)) {
    for (const message of page) items.push(lineOf(message, whole));
    bytes += page.reduce((sum, message) => sum + message.bytes.byteLength, 0);
    if (bytes > answerBytesMax) break;
  }
  return { first, total, ended: head.closed, next: head.tail, items, gaps };
}

/** The offset behind which line `n` comes. */
export const offsetOfLine = (head: Head, n: number): string =>
  n <= seqOf(head.first) ? head.first : `${head.tail.slice(0, 17)}${String(n).padStart(16, '0')}`;

/** Stored lines `from` up to but not `to`, page by page. What the storage lost in between is told in `gaps`. */
export async function* pagesBetween(
  room: Pick<Room, 'log'>,
  head: Head,
  from: number,
  to: number,
  gaps: LogGap[] = [],
): AsyncGenerator<readonly Message[], void, void> {
  for (let at = from; at < to; ) {
    let page: Awaited<ReturnType<Room['log']['read']>>;
    try {
      page = await room.log.read(head.key, offsetOfLine(head, at), { bytes: 2 ** 20, messages: to - at });
    } catch (error) {
      const behind = lineBehind(error);
      if (behind === undefined || behind <= at) throw error;
      gaps.push({ from: at, to: behind, reason: error instanceof MusterError ? error.reason : 'positions_lost' });
      at = behind;
      continue;
    }
    const last = page.messages.at(-1);
    if (!last) return;
    // Lines behind a hole may lie behind the end that was asked for.
    yield last.seq <= to ? page.messages : page.messages.filter(({ seq }) => seq <= to);
    at = last.seq;
  }
}

/** Where a reader may go on that met missing positions. */
function lineBehind(error: unknown): number | undefined {
  if (!(error instanceof MusterError) || error.status !== 410) return undefined;
  const earliest = error.extra['earliest'];
  return typeof earliest === 'string' ? seqOf(earliest) : undefined;
}

function lineOf({ seq, bytes }: Message, whole: boolean): LogLine {
  const record = decodeRecord(bytes);
  const n = seq - 1;
  if (whole || record.text.length <= lineCharsMax) return { ...record, n };
  const text = record.text.slice(0, lineCharsMax).toWellFormed();
  return { ...record, n, text, cutBytes: Buffer.byteLength(record.text) - Buffer.byteLength(text) };
}
