import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  batchSeed,
  encodeFrame,
  type FrameInput,
  FrameView,
  frameBytes,
  frameTypes,
  type Memory,
  memoryOf,
} from './frame.ts';
import { rewriteSegment } from './rewrite.ts';
import { type Scan, scanSegment } from './scan.ts';
import {
  batchHeaderBytes,
  decodeSegmentHeader,
  encodeSegmentHeader,
  segmentHeaderBytes,
  toSector,
  writeBatchHeader,
} from './segment.ts';

const walId = '00112233-4455-6677-8899-aabbccddeeff';
const salt = Buffer.from('saltsalt');
const size = 12 * 1024;

/** A segment of batches with so many frames each; each frame is numbered and `text` long. */
function segment(batches: readonly number[], text = 40): { memory: Memory; starts: number[]; end: number } {
  const memory = memoryOf(size);
  memory.bytes.fill(0);
  memory.bytes.set(encodeSegmentHeader({ walId, no: 3, previous: 2, previousEnd: 1024, firstBatchNo: 10, salt }), 0);
  let at = segmentHeaderBytes;
  let seq = 1;
  const starts: number[] = [];
  for (const [i, frames] of batches.entries()) {
    starts.push(at);
    const seed = batchSeed(salt, 10 + i);
    let cursor = at + batchHeaderBytes;
    for (let f = 0; f < frames; f++) {
      const input = frameOf(seq, text);
      cursor = encodeFrame(memory, cursor, frameBytes(input), input, seed);
      seq += 1;
    }
    writeBatchHeader(memory, at, salt, { bytes: cursor - at, batchNo: 10 + i, frames, term: 1, wallMs: 5 });
    at = toSector(cursor);
  }
  return { memory, starts, end: at };
}

const frameOf = (seq: number, text: number): FrameInput => ({
  type: frameTypes.append,
  streamNo: 1,
  firstSeq: seq,
  ms: 1,
  era: 1,
  messages: [Buffer.from(`m${seq}`.padEnd(text, '.'))],
  closes: false,
  producer: undefined,
  writerSeq: undefined,
  note: undefined,
});

/** Positions of all frames that hold data, by what they hold. */
function seqsIn(memory: Memory, scan: Scan): Map<number, number> {
  const view = new FrameView(memory);
  const found = new Map<number, number>();
  const take = (at: number): void => {
    view.look(at);
    if (view.type === frameTypes.append) found.set(view.firstSeq, at);
  };
  for (const piece of scan.pieces) {
    if (piece.kind === 'batch')
      for (let at = piece.at + batchHeaderBytes; at < piece.at + piece.header.bytes; at = view.end) take(at);
    else for (const frame of piece.frames) take(typeof frame === 'number' ? frame : frame.at);
  }
  return found;
}
const scan = (memory: Memory): Scan => scanSegment(memory, size, salt, 10);

describe('finding the end', () => {
  test('a clean end: zeros, older content under another salt, an empty segment', () => {
    const { memory, end } = segment([2, 3, 1]);
    expect(scan(memory)).toMatchObject({ tip: end, damaged: false, tornBytes: 0, lastBatchNo: 12, sealed: false });
    const older = segment([1, 1, 1, 1, 1, 1, 1, 1]).memory;
    const recycled = memoryOf(size);
    recycled.bytes.set(older.bytes);
    const other = Buffer.from('other...');
    recycled.bytes.set(
      encodeSegmentHeader({ walId, no: 9, previous: 8, previousEnd: 1024, firstBatchNo: 1, salt: other }),
      0,
    );
    expect(scanSegment(recycled, size, other, 1)).toMatchObject({
      tip: segmentHeaderBytes,
      damaged: false,
      pieces: [],
    });
  });

  test('an older life under the same salt would still be refused by its batch numbers', () => {
    const { memory } = segment([1, 1, 1]);
    expect(scanSegment(memory, size, salt, 100)).toMatchObject({ pieces: [], damaged: false });
  });

  test('an unfinished write at the end keeps its good frames and is not damage', () => {
    const { memory, starts } = segment([2, 5]);
    const view = new FrameView(memory);
    const third = [0, 1].reduce((at) => view.look(at).end, (starts[1] as number) + batchHeaderBytes);
    memory.bytes.fill(0, third + 60, size);
    const found = scan(memory);
    expect(found).toMatchObject({ damaged: false, lastBatchNo: 11 });
    expect(found.tornBytes).toBeGreaterThan(0);
    expect([...seqsIn(memory, found).keys()]).toEqual([1, 2, 3, 4]);
  });

  test('a later good batch makes bad bytes acknowledged ones', () => {
    const { memory, starts } = segment([1, 1, 1]);
    memory.bytes.fill(0, starts[1], starts[2]);
    const found = scan(memory);
    expect(found).toMatchObject({ damaged: true, lastBatchNo: 12 });
    expect(found.pieces.map(({ kind }) => kind)).toEqual(['batch', 'lost', 'batch']);
  });
});

describe('what is damaged', () => {
  test('single frames are saved from a batch with bad frames and from a batch without a header', () => {
    const { memory, starts } = segment([4, 4, 1]);
    const view = new FrameView(memory);
    const second = view.look((starts[0] as number) + batchHeaderBytes).end;
    memory.bytes[second + 50]! ^= 1;
    memory.bytes[starts[1] as number]! ^= 1;
    const found = scan(memory);
    expect([...seqsIn(memory, found).keys()].sort((a, b) => a - b)).toEqual([1, 3, 4, 5, 6, 7, 8, 9]);
    expect(found.pieces.map(({ kind }) => kind)).toEqual(['partial', 'lost', 'batch']);
  });

  test('written anew: saved frames stay where they were, the rest is a hole that is not damage any more', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 2, maxLength: 6 }),
        fc.array(
          fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), length: fc.integer({ min: 1, max: 1500 }) }),
          { maxLength: 3 },
        ),
        (batches, holes) => {
          const { memory, end } = segment(batches, 90);
          for (const { at, length } of holes) {
            const from = segmentHeaderBytes + Math.floor(at * (end - segmentHeaderBytes));
            memory.bytes.fill(0x5a, from, Math.min(end, from + length));
          }
          const before = scan(memory);
          const places = seqsIn(memory, before);
          const header = {
            walId,
            no: 3,
            previous: 2,
            previousEnd: 1024,
            firstBatchNo: 10,
            salt: Buffer.from('newsalt.'),
          };
          const tip = rewriteSegment(memory, before, header);
          memory.bytes.fill(0, tip);
          const after = scanSegment(memory, size, header.salt, 10);
          expect(after.damaged).toBe(false);
          expect(after.tornBytes).toBe(0);
          expect(after.tip).toBe(tip);
          expect(after.lastBatchNo).toBe(before.lastBatchNo);
          expect(seqsIn(memory, after)).toEqual(places);
          expect(decodeSegmentHeader(memory.bytes.subarray(0, 512))).toEqual({
            kind: 'good',
            header: { ...header, salt: Uint8Array.from(header.salt) },
          });
          expect(scan(memory).pieces).toEqual([]);
        },
      ),
      { numRuns: 150 },
    );
  });
});
