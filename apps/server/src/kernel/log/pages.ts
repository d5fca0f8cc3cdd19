import { internal, type MusterError, notFound } from '#kernel/base';
import type { StreamHead } from './head.ts';
import type { LogLimits } from './limits.ts';
import type { From, Gap, Message, Page, View } from './log.ts';
import { standingAt, standingOf } from './positions.ts';
import type { Reader, StoredFrame } from './reader.ts';
import { passOver, shows, showsAll } from './views.ts';

const reasons: Record<Gap['reason'], string> = {
  trimmed: 'offset_trimmed',
  recreated: 'stream_recreated',
  restored: 'restored',
  lost: 'positions_lost',
};

const details: Record<Gap['reason'], string> = {
  trimmed: 'Messages before this point were removed by retention.',
  recreated: 'The stream was removed and created again; the offset belongs to the earlier one.',
  restored: 'The log was restored from a backup; what came after the offset may have been lost.',
  lost: 'Positions behind the offset were lost by the storage below and are not given out again.',
};

/** A gap as the error a plain reader gets: 410, with where it may go on. */
export const gapError = (gap: Gap): MusterError =>
  notFound(reasons[gap.reason], details[gap.reason], {
    status: 410,
    extra: { requested: gap.from, earliest: gap.earliest, lostMessages: gap.lost },
  });

/** One page: at least one message unless the view leaves out all it looked at or the reader is at the tail. */
export async function readPage(
  reader: Reader,
  head: StreamHead,
  from: From,
  limit: { bytes: number; messages: number },
  view: View,
  limits: LogLimits,
): Promise<Page> {
  const standing = standingOf(head, from);
  if (standing.gap) {
    reader.gapMet(standing.gap.reason);
    throw gapError(standing.gap);
  }
  const bytesMax = Math.min(limit.bytes, limits.pageBytesMax);
  const messagesMax = Math.max(1, Math.min(limit.messages, limits.pageMessagesMax));
  const messages: Message[] = [];
  const filtered = !showsAll(head, view);
  let seq = passOver(head, standing.seq, view);
  let bytes = 0;
  let scanned = 0;
  let scannedBytes = 0;
  while (seq < head.tail && messages.length < messagesMax && (messages.length === 0 || bytes < bytesMax)) {
    if (standingAt(head, seq).gap) break;
    const left = filtered ? limits.viewScanBytesMax - scannedBytes : bytesMax - bytes;
    const found = reader.frames(head, seq + 1, { bytes: Math.max(1, left), messages: messagesMax });
    const frames = found instanceof Promise ? await found : found;
    if (frames.length === 0) {
      // The ground moved: trimmed, dropped or removed since we looked. Behind what is in hand already the next page will tell.
      if (messages.length > 0) break;
      const behind = passOver(head, seq, view);
      if (behind > seq) {
        seq = behind;
        continue;
      }
      const now = standingOf(head, head.offset(seq));
      if (now.gap) throw gapError(now.gap);
      throw internal('log_read_hole', 'A stored position could not be found.');
    }
    for (const message of messagesBehind(frames, seq)) {
      const fits = messages.length === 0 || (messages.length < messagesMax && bytes + message.bytes.length <= bytesMax);
      const tooFar = filtered && (scanned >= limits.viewScanMessagesMax || scannedBytes >= limits.viewScanBytesMax);
      if (!fits || tooFar) return pageOf(head, messages, seq);
      seq = message.seq;
      scanned += 1;
      scannedBytes += message.bytes.length;
      if (!shows(head, view, message)) continue;
      messages.push(message);
      bytes += message.bytes.length;
    }
    // Positions that do not exist may follow: the page ends in front of them and the next one meets the gap.
    seq = passOver(head, seq, view);
  }
  return pageOf(head, messages, seq);
}

function pageOf(head: StreamHead, messages: readonly Message[], seq: number): Page {
  const upToDate = seq === head.tail;
  return { messages, next: head.offset(seq), upToDate, closed: upToDate && head.closed };
}

/** The messages of frames behind position `seq`. */
export function* messagesBehind(frames: readonly StoredFrame[], seq: number): Iterable<Message> {
  for (const frame of frames) {
    for (const [i, bytes] of frame.messages.entries()) {
      if (frame.firstSeq + i > seq) yield { seq: frame.firstSeq + i, at: frame.at, bytes };
    }
  }
}
