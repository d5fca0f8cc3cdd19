import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkMachine, crc32c, crcBytes, crcWord, crcWords } from './crc32c.ts';
import {
  batchSeed,
  cutPayload,
  encodeFrame,
  type FrameInput,
  FrameView,
  frameBytes,
  frameTypes,
  memoryOf,
  padded,
} from './frame.ts';
import { offsetOf, parseOffset } from './offset.ts';
import { homeOf, shardOf } from './shard.ts';

const frame = (more: Partial<FrameInput>): FrameInput => ({
  type: frameTypes.append,
  streamNo: 7,
  firstSeq: 2 ** 40 + 3,
  ms: 1_763_568_000_123,
  era: 1_763_568_000_000,
  messages: [Buffer.from('hello')],
  closes: false,
  producer: undefined,
  writerSeq: undefined,
  note: undefined,
  ...more,
});
const seed = batchSeed(Buffer.from('saltsalt'), 42);

describe('checksums', () => {
  test('the published vector, and all ways of computing it agree', () => {
    checkMachine();
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa); // RFC 3720, B.4
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 256 }), (bytes) => {
        const whole = bytes.subarray(0, bytes.length - (bytes.length % 8));
        const words = new Uint32Array(Uint8Array.from(whole).buffer);
        expect(crcWords(-1, words, 0, words.length)).toBe(crcBytes(-1, whole));
        expect(crcWord(-1, words[0]!)).toBe(crcBytes(-1, whole, 0, 4));
      }),
    );
  });
});

describe('frames', () => {
  test('what goes in comes out, whatever it is', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 40 });
    fc.assert(
      fc.property(
        fc.record({
          messages: fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 6 }),
          closes: fc.boolean(),
          producer: fc.option(fc.record({ id: text, epoch: fc.maxSafeNat(), seq: fc.maxSafeNat() }), {
            nil: undefined,
          }),
          writerSeq: fc.option(text, { nil: undefined }),
          note: fc.option(text, { nil: undefined }),
          streamNo: fc.maxSafeNat(),
          firstSeq: fc.maxSafeNat(),
        }),
        (given) => {
          const input = frame(given);
          const bytes = frameBytes(input);
          const memory = memoryOf(bytes + 64);
          memory.bytes.fill(0xaa);
          const end = encodeFrame(memory, 16, bytes, input, seed);
          expect(end).toBe(16 + padded(bytes));
          expect(memory.bytes[end]).toBe(0xaa);
          const view = new FrameView(memory);
          expect(view.verify(16, memory.bytes.length, seed)).toBe(true);
          expect(view.foreign()).toBeUndefined();
          expect({
            streamNo: view.streamNo,
            firstSeq: view.firstSeq,
            ms: view.ms,
            era: view.era,
            count: view.count,
          }).toEqual({
            streamNo: input.streamNo,
            firstSeq: input.firstSeq,
            ms: input.ms,
            era: input.era,
            count: input.messages.length,
          });
          expect(view.closes).toBe(input.closes);
          expect(view.producer()).toEqual(input.producer);
          expect(view.writerSeq()).toBe(input.writerSeq);
          expect(view.note()).toBe(input.note);
          const cut = cutPayload(view.payload(), view.count, view.lengths());
          expect(cut.map((part) => Buffer.from(part).toString('hex'))).toEqual(
            input.messages.map((part) => Buffer.from(part).toString('hex')),
          );
        },
      ),
    );
  });

  test('one changed bit anywhere, another salt or another batch is seen', () => {
    const input = frame({
      producer: { id: 'p', epoch: 1, seq: 2 },
      writerSeq: 'w',
      messages: [Buffer.from('ab'), Buffer.from('cde')],
    });
    const bytes = frameBytes(input);
    const memory = memoryOf(bytes);
    encodeFrame(memory, 0, bytes, input, seed);
    const view = new FrameView(memory);
    expect(view.verify(0, memory.bytes.length, batchSeed(Buffer.from('saltsalT'), 42))).toBe(false);
    expect(view.verify(0, memory.bytes.length, batchSeed(Buffer.from('saltsalt'), 43))).toBe(false);
    const unseen: number[] = [];
    for (let bit = 0; bit < memory.bytes.length * 8; bit++) {
      memory.bytes[bit >> 3]! ^= 1 << (bit & 7);
      if (view.verify(0, memory.bytes.length, seed)) unseen.push(bit);
      memory.bytes[bit >> 3]! ^= 1 << (bit & 7);
    }
    expect(unseen).toEqual([]);
    expect(view.verify(0, memory.bytes.length, seed)).toBe(true);
  });

  test('types and versions of a newer server are named, not guessed', () => {
    const input = frame({});
    const bytes = frameBytes(input);
    const memory = memoryOf(bytes);
    for (const [at, value, says] of [
      [8, 2, 'frame version 2'],
      [9, 99, 'frame type 99'],
      [9, 14, 'frame type 14'],
    ] as const) {
      encodeFrame(memory, 0, bytes, input, seed);
      memory.bytes[at] = value;
      expect(new FrameView(memory).look(0).foreign()).toContain(says);
    }
  });
});

describe('offsets', () => {
  test('16 digits each, sortable as text; everything else is malformed', () => {
    expect(offsetOf(1_763_568_000_000, 2)).toBe('0001763568000000_0000000000000002');
    expect(parseOffset(offsetOf(5, 9))).toEqual({ era: 5, seq: 9 });
    expect(parseOffset('-1')).toEqual({ era: 0, seq: 0 });
    for (const text of [
      '',
      '1_2',
      '0000000000000001-0000000000000002',
      `${'9'.repeat(16)}_${'9'.repeat(16)}`,
      ' 0000000000000001_0000000000000002',
    ]) {
      expect(parseOffset(text)).toBeUndefined();
    }
    fc.assert(
      fc.property(fc.nat(2 ** 31 - 1), fc.nat(2 ** 31 - 1), fc.nat(2 ** 31 - 1), fc.nat(2 ** 31 - 1), (a, b, c, d) => {
        expect(offsetOf(a, b) < offsetOf(c, d)).toBe(a < c || (a === c && b < d));
      }),
    );
  });
});

describe('shards', () => {
  test('all streams of one object live together; the number never changes', () => {
    const homes = { rooms: 2, 'rooms/bots': 3 };
    expect(homeOf('rooms/7/log', homes)).toBe('rooms/7');
    expect(homeOf('rooms', homes)).toBe('rooms');
    expect(homeOf('free/path/here', homes)).toBe('free/path/here');
    expect(shardOf('prj', 'rooms/7/log', 64, homes)).toBe(shardOf('prj', 'rooms/7/events', 64, homes));
    // A stored stream keeps its shard for ever: these values must not move.
    expect([shardOf('prj_a', 'a', 64), shardOf('prj_a', 'b', 64), shardOf('prj_b', 'a', 64)]).toMatchInlineSnapshot(`
      [
        30,
        24,
        45,
      ]
    `);
  });
});
