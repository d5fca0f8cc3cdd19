import {
  batchSeed,
  encodeFrame,
  type FrameInput,
  FrameView,
  frameBytes,
  frameCrc,
  frameHeaderBytes,
  frameTypes,
  type Memory,
} from './frame.ts';
import type { Piece, Scan } from './scan.ts';
import {
  type BatchHeader,
  batchHeaderBytes,
  encodeSegmentHeader,
  type SegmentHeader,
  sectorBytes,
  toSector,
  writeBatchHeader,
} from './segment.ts';

const nothing: readonly Uint8Array[] = [];

/**
 * Turns a scanned segment, in place, into the one this process will trust: a new salt, every frame that verified at its old
 * position, and `hole` frames over the rest, so that the next recovery does not find the same damage again. Answers where
 * the last batch ends.
 */
export function rewriteSegment(memory: Memory, scan: Scan, header: SegmentHeader): number {
  let end = sectorBytes;
  for (const piece of scan.pieces) {
    memory.bytes.fill(0, end, piece.at);
    rewritePiece(memory, piece, header, scan);
    end = piece.end;
  }
  memory.bytes.set(encodeSegmentHeader(header), 0);
  return end;
}

function rewritePiece(memory: Memory, piece: Piece, { salt }: SegmentHeader, scan: Scan): void {
  if (piece.kind === 'lost') {
    rewriteLost(memory, piece, salt, firstNumberIn(scan, piece));
    return;
  }
  const { header, at } = piece;
  const seed = batchSeed(salt, header.batchNo);
  const limit = at + header.bytes;
  if (piece.kind === 'batch') {
    const view = new FrameView(memory);
    for (let frame = at + batchHeaderBytes; frame < limit; frame = view.end) resign(view.look(frame), seed);
    writeBatchHeader(memory, at, salt, header);
  } else {
    const frames = tile(memory, at + batchHeaderBytes, limit, piece.frames, seed);
    writeBatchHeader(memory, at, salt, { ...header, frames });
  }
  memory.bytes.fill(0, limit, piece.end);
}

/** Keeps `frames`, puts holes between them so that they fill `[from, to)`; answers how many frames that makes. */
function tile(memory: Memory, from: number, to: number, frames: readonly number[], seed: number): number {
  const view = new FrameView(memory);
  let count = 0;
  let at = from;
  for (const frame of frames) {
    if (frame > at) count += putHole(memory, at, frame - at, seed);
    resign(view.look(frame), seed);
    count += 1;
    at = view.end;
  }
  if (to > at) count += putHole(memory, at, to - at, seed);
  return count;
}

/**
 * A stretch without a single batch header becomes batches again: one per batch number its frames were signed with, each
 * starting where the one before ends, and a last `hole` that reaches to the end of the stretch.
 */
function rewriteLost(memory: Memory, piece: Extract<Piece, { kind: 'lost' }>, salt: Uint8Array, firstNo: number): void {
  const numbers = [...new Set(piece.frames.map(({ batchNo }) => batchNo))];
  if (numbers.length === 0) numbers.push(firstNo);
  let at = piece.at;
  for (const [i, batchNo] of numbers.entries()) {
    const seed = batchSeed(salt, batchNo);
    const frames = piece.frames.filter((frame) => frame.batchNo === batchNo).map((frame) => frame.at);
    const view = new FrameView(memory);
    const lastFrame = frames.at(-1);
    let limit = lastFrame === undefined ? at + batchHeaderBytes : view.look(lastFrame).end;
    let count = tile(memory, at + batchHeaderBytes, limit, frames, seed);
    // A batch holds at least one frame; and the last one here reaches to the next good batch.
    if (count === 0 || (i === numbers.length - 1 && toSector(limit) < piece.end)) {
      limit = putBridge(memory, limit, piece.end, seed);
      count += 1;
    }
    memory.bytes.fill(0, limit, toSector(limit));
    writeBatchHeader(memory, at, salt, { bytes: limit - at, batchNo, frames: count, term: 0, wallMs: 0 });
    at = toSector(limit);
  }
  memory.bytes.fill(0, at, piece.end);
}

function firstNumberIn(scan: Scan, piece: Piece): number {
  const before = scan.pieces[scan.pieces.indexOf(piece) - 1];
  const after = scan.pieces[scan.pieces.indexOf(piece) + 1];
  if (before && before.kind !== 'lost') return before.header.batchNo + 1;
  return after && after.kind !== 'lost' ? after.header.batchNo - 1 : 0;
}

function resign(view: FrameView, seed: number): void {
  const first = view.at >>> 2;
  view.memory.words[first + 1] = frameCrc(view.memory.words, first, view.bytes, seed);
}

function holeFrame(note: string | undefined, messages: readonly Uint8Array[]): FrameInput {
  return {
    type: frameTypes.hole,
    streamNo: 0,
    firstSeq: 0,
    ms: 0,
    era: 0,
    messages,
    closes: false,
    producer: undefined,
    writerSeq: undefined,
    note,
  };
}

/** A hole of exactly `bytes`. Damaged frames were at least a frame header long, so it fits. */
function putHole(memory: Memory, at: number, bytes: number, seed: number): number {
  const frame = holeFrame(undefined, bytes > frameHeaderBytes ? [Buffer.alloc(bytes - frameHeaderBytes)] : nothing);
  encodeFrame(memory, at, bytes, frame, seed);
  return 1;
}

/** A short hole that says the next batch stands at `to`. */
function putBridge(memory: Memory, at: number, to: number, seed: number): number {
  const frame = holeFrame(JSON.stringify({ to }), nothing);
  return encodeFrame(memory, at, frameBytes(frame), frame, seed);
}

/** A batch of one sector at `at` that says: nothing is here up to `to`. For positions that rows hold and this disk lost. */
export function putHoleBatch(
  memory: Memory,
  at: number,
  to: number,
  header: Pick<BatchHeader, 'batchNo' | 'term' | 'wallMs'>,
  salt: Uint8Array,
): void {
  memory.bytes.fill(0, at, to);
  const limit = putBridge(memory, at + batchHeaderBytes, to, batchSeed(salt, header.batchNo));
  writeBatchHeader(memory, at, salt, { ...header, bytes: limit - at, frames: 1 });
}
