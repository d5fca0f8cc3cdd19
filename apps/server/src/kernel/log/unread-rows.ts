import type { Db } from '#kernel/db';
import { readByForks } from './life-queries.ts';
import { deleteMessagesBetween, type RowsDue } from './queries.ts';

/** Positions from `from` on and before `below`. */
type Span = { from: number; below: number };

/**
 * Deletes the rows of a stream that nobody is shown any more, some at a time: those it has trimmed, or all of it when it is
 * gone or kept, but for what its forks still read.
 */
export async function deleteUnread(db: Db, due: RowsDue, rowsAtOnce: number, ended: () => boolean): Promise<void> {
  const own = { from: 0, below: due.removed || due.kept ? Number.MAX_SAFE_INTEGER : due.first_seq };
  for (const { from, below } of without(own, await readByForks(db, due.stream_no))) {
    for (let deleted = rowsAtOnce; deleted === rowsAtOnce; ) {
      if (ended()) return;
      deleted = await db.transaction((tx) =>
        deleteMessagesBetween(tx, due.stream_no, { from, below, limit: rowsAtOnce }),
      );
    }
  }
}

/** What is left of a span without the ranges `first..last`, which come in the order of their beginnings. */
export function without(span: Span, ranges: readonly { first: number; last: number }[]): Span[] {
  const left: Span[] = [];
  let from = span.from;
  for (const { first, last } of ranges) {
    if (first >= span.below) break;
    if (first > from) left.push({ from, below: first });
    from = Math.max(from, last + 1);
  }
  if (from < span.below) left.push({ from, below: span.below });
  return left;
}
