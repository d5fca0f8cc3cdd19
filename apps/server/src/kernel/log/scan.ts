import { batchSeed, FrameView, frameTypes, type Memory, padded } from './frame.ts';
import {
  type BatchHeader,
  BatchHeaders,
  batchHeaderBytes,
  sectorBytes,
  segmentHeaderBytes,
  toSector,
} from './segment.ts';

/** Part of a segment, in order. `frames` are positions of frames that verify. */
export type Piece =
  /** Every frame verifies. */
  | { kind: 'batch'; at: number; end: number; header: BatchHeader }
  /** The header verifies, some frames do not. */
  | { kind: 'partial'; at: number; end: number; header: BatchHeader; frames: number[] }
  /** Nothing but single frames could be made out. */
  | { kind: 'lost'; at: number; end: number; frames: { at: number; batchNo: number }[] };

export type Scan = {
  pieces: Piece[];
  /** Where the next batch would stand. */
  tip: number;
  /** A seal is its last batch. */
  sealed: boolean;
  lastBatchNo: number;
  /** Bytes of an unfinished write at the end that were left out. */
  tornBytes: number;
  /** A later batch verifies behind something that does not: acknowledged bytes are damaged. */
  damaged: boolean;
  /** Why this server must not interpret the segment. */
  foreign: string | undefined;
};

/**
 * Reads what a segment holds. `memory` starts with the segment header and is `length` long; batches carry rising numbers
 * behind `firstBatchNo`. Only what verifies under the segment's own salt counts: file size, zeros and older content say
 * nothing. A batch was written only after the one before it was synced, so a good batch behind bad bytes proves that
 * those were acknowledged, and bad bytes with nothing good behind them were not.
 */
export function scanSegment(memory: Memory, length: number, salt: Uint8Array, firstBatchNo: number): Scan {
  const headers = new BatchHeaders(salt);
  const scan: Scan = {
    pieces: [],
    tip: segmentHeaderBytes,
    sealed: false,
    lastBatchNo: firstBatchNo - 1,
    tornBytes: 0,
    damaged: false,
    foreign: undefined,
  };
  const view = new FrameView(memory);
  let at = segmentHeaderBytes;
  while (at < length && !scan.sealed && !scan.foreign) {
    const header = headerAt(headers, memory, at, length, scan.lastBatchNo);
    if (header) {
      at = takeBatch(scan, view, header, at, headers, length, salt);
      continue;
    }
    const next = nextHeader(headers, memory, at + sectorBytes, length, scan.lastBatchNo);
    if (next === undefined) break;
    scan.damaged = true;
    const nextNo = (headers.at(memory, next, length) as BatchHeader).batchNo;
    scan.pieces.push({
      kind: 'lost',
      at,
      end: next,
      frames: looseFrames(view, salt, at, next, scan.lastBatchNo + 1, nextNo),
    });
    at = next;
  }
  scan.tip = scan.pieces.at(-1)?.end ?? segmentHeaderBytes;
  return scan;
}

function headerAt(
  headers: BatchHeaders,
  memory: Memory,
  at: number,
  length: number,
  after: number,
): BatchHeader | undefined {
  const header = headers.at(memory, at, length);
  return header && header.batchNo > after ? header : undefined;
}

function nextHeader(
  headers: BatchHeaders,
  memory: Memory,
  from: number,
  length: number,
  after: number,
): number | undefined {
  for (let at = from; at < length; at += sectorBytes) if (headerAt(headers, memory, at, length, after)) return at;
  return undefined;
}

/** Takes the batch whose header stands at `at`; returns where the next one should be. */
function takeBatch(
  scan: Scan,
  view: FrameView,
  header: BatchHeader,
  at: number,
  headers: BatchHeaders,
  length: number,
  salt: Uint8Array,
): number {
  const seed = batchSeed(salt, header.batchNo);
  const limit = at + header.bytes;
  let frames = 0;
  let cursor = at + batchHeaderBytes;
  let end = toSector(limit);
  const good: number[] = [];
  while (cursor < limit && view.verify(cursor, padded(limit), seed)) {
    const foreign = view.foreign();
    if (foreign) {
      scan.foreign = foreign;
      return length;
    }
    good.push(cursor);
    frames += 1;
    // A hole that recovery wrote over a lost stretch of batches reaches further than its own batch.
    if (view.type === frameTypes.hole)
      end = Math.max(end, (JSON.parse(view.note() ?? '{}') as { to?: number }).to ?? 0);
    if (view.type === frameTypes.seal) scan.sealed = true;
    cursor = view.end;
  }
  if (cursor === padded(limit) && frames === header.frames) {
    scan.pieces.push({ kind: 'batch', at, end, header });
    scan.lastBatchNo = header.batchNo;
    return end;
  }
  scan.sealed = false;
  const later = nextHeader(headers, view.memory, toSector(at + batchHeaderBytes), length, header.batchNo);
  if (later === undefined) {
    scan.tornBytes += limit - cursor;
    if (good.length > 0) {
      // The prefix stays, as a batch of its own: made whole by the rewrite that follows every recovery.
      scan.pieces.push({
        kind: 'partial',
        at,
        end: toSector(cursor),
        header: { ...header, bytes: cursor - at, frames: good.length },
        frames: good,
      });
      scan.lastBatchNo = header.batchNo;
    }
    return length;
  }
  scan.damaged = true;
  const all = [...good];
  for (let next = cursor + 8; next < limit; next += 8) {
    if (!view.verify(next, padded(limit), seed)) continue;
    all.push(next);
    next = view.end - 8;
  }
  scan.pieces.push({ kind: 'partial', at, end, header, frames: all });
  scan.lastBatchNo = header.batchNo;
  return end;
}

/** How many lost batch numbers are tried when a header is gone. */
const guessesMax = 16;

/** Frames that verify where no batch header does: their batch starts on a sector, its number lies between its neighbours. */
function looseFrames(
  view: FrameView,
  salt: Uint8Array,
  from: number,
  to: number,
  firstNo: number,
  beforeNo: number,
): { at: number; batchNo: number }[] {
  const found: { at: number; batchNo: number }[] = [];
  for (let batchNo = firstNo; batchNo < beforeNo && batchNo < firstNo + guessesMax; batchNo++) {
    const seed = batchSeed(salt, batchNo);
    const startAt = (found.at(-1)?.at ?? from - 8) + 8;
    for (let at = startAt; at < to; at += 8) {
      if (!view.verify(at, to, seed) || view.foreign()) continue;
      found.push({ at, batchNo });
      at = view.end - 8;
    }
  }
  return found;
}
