import type { Db, Tx } from '#kernel/db';
import * as queries from './content-queries.ts';
import { crcBytes } from './crc32c.ts';
import { cutPayload } from './frame.ts';
import { segmentOf } from './segment.ts';

/** A change of what stored positions show, on its way to Postgres, in log order. */
export type ContentChange =
  | { kind: 'said'; streamNo: number; from: number; to: number; by: number; at: Date; gone?: boolean }
  | { kind: 'dropped'; streamNo: number; from: number }
  | { kind: 'erased'; streamNo: number; lsn: number; at: Date; seqs: readonly number[]; bodies: readonly Uint8Array[] };

/** Puts changes of content down, behind the messages of the same transaction. `revisions`: how many there are of each stream. */
export async function writeContent(
  tx: Tx,
  changes: readonly ContentChange[],
  revisions: ReadonlyMap<number, number>,
): Promise<void> {
  if (changes.length === 0) return;
  const ranges: queries.NewRanges = { no: [], from: [], to: [], by: [], at: [], state: [] };
  const dropped: { no: number[]; from: number[] } = { no: [], from: [] };
  for (const change of changes) {
    if (change.kind === 'dropped') {
      dropped.no.push(change.streamNo);
      dropped.from.push(change.from);
    } else if (change.kind === 'said') {
      ranges.no.push(change.streamNo);
      ranges.from.push(change.from);
      ranges.to.push(change.to);
      ranges.by.push(change.by);
      ranges.at.push(change.at);
      ranges.state.push(change.gone ? 'gone' : 'kept');
    } else await writeErasure(tx, change);
  }
  if (ranges.no.length > 0) await queries.insertRanges(tx, ranges);
  if (dropped.no.length > 0) await queries.dropRanges(tx, dropped.no, dropped.from);
  const withRanges = new Set(ranges.no);
  const streams = new Set([...revisions.keys(), ...withRanges]);
  const no = [...streams];
  await queries.reviseStreams(tx, {
    no,
    by: no.map((streamNo) => revisions.get(streamNo) ?? 0),
    ranges: no.map((streamNo) => withRanges.has(streamNo)),
  });
}

/** Rows show the new bodies from this transaction on; what files still hold is kept in mind with them. */
async function writeErasure(tx: Tx, change: Extract<ContentChange, { kind: 'erased' }>): Promise<void> {
  const { streamNo, lsn, at, seqs, bodies } = change;
  const erasures: queries.NewErasures = {
    no: [],
    seq: [],
    segment: [],
    erasedLsn: [],
    at: [],
    from: [],
    length: [],
    bodies: Buffer.concat(bodies),
  };
  let start = 1;
  const segments = await replaceBodies(tx, streamNo, new Map(seqs.map((seq, i) => [seq, bodies[i] as Uint8Array])));
  for (const [i, seq] of seqs.entries()) {
    const { length } = bodies[i] as Uint8Array;
    erasures.no.push(streamNo);
    erasures.seq.push(seq);
    erasures.segment.push(segments.get(seq) ?? 0);
    erasures.erasedLsn.push(lsn);
    erasures.at.push(at);
    erasures.from.push(start);
    erasures.length.push(length);
    start += length;
  }
  await queries.insertErasures(tx, erasures);
}

/** Other bodies for these positions, where rows hold them; answers in which segment each of those was written. */
async function replaceBodies(
  tx: Tx,
  streamNo: number,
  instead: ReadonlyMap<number, Uint8Array>,
): Promise<Map<number, number>> {
  const segments = new Map<number, number>();
  let done = 0;
  for (const seq of instead.keys()) {
    if (seq <= done) continue;
    const row = await queries.rowHolding(tx, streamNo, seq);
    // Trimmed or dropped: the row went before.
    if (!row) continue;
    done = row.seq + row.count - 1;
    const messages = cutPayload(row.payload, row.count, row.lengths).map((body, i) => instead.get(row.seq + i) ?? body);
    for (let n = row.seq; n <= done; n++) if (instead.has(n)) segments.set(n, segmentOf(row.lsn));
    await putMessages(tx, streamNo, row.seq, messages);
  }
  return segments;
}

function putMessages(tx: Tx, streamNo: number, seq: number, messages: readonly Uint8Array[]): Promise<unknown> {
  const payload = Buffer.concat(messages);
  const lengths = messages.length > 1 ? messages.slice(0, -1).map(({ length }) => length) : null;
  return queries.replaceBody(tx, streamNo, { seq, payload, lengths, crc: ~crcBytes(-1, payload) });
}

/** The rows of dropped ranges of a stream go, some at a time; of an append that is only partly in one, the bodies. */
export async function deleteDropped(db: Db, streamNo: number, rowsAtOnce: number, ended: () => boolean): Promise<void> {
  for (;;) {
    const range = await queries.nextDroppedRange(db, streamNo);
    if (!range) return;
    const { from_seq: from, to_seq: to } = range;
    for (let deleted = rowsAtOnce; deleted === rowsAtOnce; ) {
      if (ended()) return;
      deleted = await db.transaction((tx) => queries.deleteMessagesWithin(tx, streamNo, from, to, rowsAtOnce));
    }
    await db.transaction(async (tx) => {
      for (const edge of [from, to]) await emptyWithin(tx, streamNo, edge, from, to);
      await queries.markRangeGone(tx, streamNo, from);
    });
  }
}

async function emptyWithin(tx: Tx, streamNo: number, edge: number, from: number, to: number): Promise<void> {
  const row = await queries.rowHolding(tx, streamNo, edge);
  if (!row) return;
  const nothing = new Uint8Array(0);
  const messages = cutPayload(row.payload, row.count, row.lengths).map((body, i) =>
    row.seq + i >= from && row.seq + i <= to ? nothing : body,
  );
  await putMessages(tx, streamNo, row.seq, messages);
}
