import { expect, test } from 'vitest';
import { toWire } from './wire-values.ts';

test.each([
  [null, null],
  [undefined, null],
  ['', ''],
  ['text', 'text'],
  [7, '7'],
  [-0.5, '-0.5'],
  [9_007_199_254_740_993n, '9007199254740993'],
  [true, 'true'],
  [new Date('2026-01-02T03:04:05.006Z'), '2026-01-02T03:04:05.006Z'],
  [{ a: [1, null] }, '{"a":[1,null]}'],
  [[], '{}'],
  [[1, null, undefined, 'NULL', 'a"b\\c,d', ''], '{"1",NULL,NULL,"NULL","a\\"b\\\\c,d",""}'],
  [
    [
      [1, 2],
      [3, 4],
    ],
    '{{"1","2"},{"3","4"}}',
  ],
  [[new Date(0), { a: 1 }], '{"1970-01-01T00:00:00.000Z","{\\"a\\":1}"}'],
  [[Buffer.from([0, 255])], '{"\\\\x00ff"}'],
])('value %#', (value, wire) => {
  expect(toWire(value)).toBe(wire);
});

test('bytes stay bytes, also a part of a larger buffer', () => {
  const buffer = Buffer.from([1, 2, 3]);
  expect(toWire(buffer)).toBe(buffer);
  expect(toWire(new Uint8Array([1, 2, 3, 4]).subarray(1, 3))).toEqual(Buffer.from([2, 3]));
});

test('what has no meaning to Postgres is refused', () => {
  expect(() => toWire(Symbol('x'))).toThrow(TypeError);
  expect(() => toWire([() => 1])).toThrow(TypeError);
  expect(() => toWire(new Date(Number.NaN))).toThrow(RangeError);
});
