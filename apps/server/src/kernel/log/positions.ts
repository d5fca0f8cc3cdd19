import { invalid } from '#kernel/base';
import type { StreamHead } from './head.ts';
import type { From, Gap, Offset } from './log.ts';
import { offsetOf, parseOffset } from './offset.ts';

/** Where a reader stands (`seq` = last position it has), or what lies between it and what is kept. */
export type Standing = { seq: number; gap?: undefined } | { gap: Gap; seq: number };

/** What a reader's `from` means on this stream now. In front of a gap, `seq` is where it may go on behind it. */
export function standingOf(head: StreamHead, from: From): Standing {
  if (from === 'now') return { seq: head.tail };
  const parsed = from === 'start' ? { era: 0, seq: 0 } : parseOffset(from);
  if (!parsed)
    throw invalid('offset_malformed', 'An offset is two numbers of 16 digits joined by an underscore, or -1.');
  if (parsed.era === 0 && parsed.seq === 0) return standingAt(head, head.firstSeq - 1);
  const { era, seq } = parsed;
  const last = head.eras.findLastIndex((entry) => entry.era === era);
  if (last < 0) return gapTo(head, from, head.firstSeq - 1, null, 'recreated');
  const later = head.eras[last + 1];
  const end = later ? (later.from ?? later.first) - 1 : head.tail;
  if (seq > end) {
    // A fork goes its own way behind what it inherited: that position is its source's.
    if (!later || later.from === undefined)
      throw invalid('offset_beyond_tail', 'The offset lies behind the end of the stream.', {
        extra: { next: head.offset(head.tail) },
      });
    return gapTo(head, from, Math.max(later.first, head.firstSeq) - 1, null, later.reason ?? 'lost');
  }
  return standingAt(head, seq, from);
}

/** A position of this stream: in order, or in front of what was trimmed or lost. */
export function standingAt(head: StreamHead, seq: number, from: Offset = head.offset(seq)): Standing {
  if (seq < head.firstSeq - 1) return gapTo(head, from, head.firstSeq - 1, head.firstSeq - 1 - seq, 'trimmed');
  for (const entry of head.eras) {
    if (entry.from === undefined || seq + 1 < entry.from || seq + 1 >= entry.first || entry.first - 1 > head.tail)
      continue;
    return gapTo(head, from, entry.first - 1, entry.first - 1 - seq, entry.reason ?? 'lost');
  }
  return { seq };
}

/** The last position that follows `seq` without a hole. */
export function unbrokenTo(head: StreamHead, seq: number): number {
  let end = head.tail;
  for (const { from } of head.eras) if (from !== undefined && from > seq && from - 1 < end) end = from - 1;
  return end;
}

function gapTo(head: StreamHead, from: Offset, seq: number, lost: number | null, reason: Gap['reason']): Standing {
  const entry = head.eras.find(({ first }) => first === seq + 1);
  const earliest = entry ? offsetOf(entry.era, seq) : head.offset(seq);
  return { gap: { from, earliest, lost, reason }, seq };
}
