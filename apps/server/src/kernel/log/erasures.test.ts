import { expect, test } from 'vitest';
import { Erasures } from './erasures.ts';

const bytes = (...texts: string[]): Uint8Array[] => texts.map((text) => Buffer.from(text));

test('what was erased is shown otherwise, everything else is the very same array', () => {
  const erasures = new Erasures();
  const stored = bytes('a', 'b', 'c');
  expect(erasures.masked(1, 10, stored)).toBe(stored);
  erasures.add(1, [11], bytes('-'), 100);
  expect(erasures.masked(1, 10, stored)).toEqual(bytes('a', '-', 'c'));
  expect(stored).toEqual(bytes('a', 'b', 'c'));
  expect(erasures.masked(1, 12, stored)).toBe(stored);
  expect(erasures.masked(2, 10, stored)).toBe(stored);
  expect([erasures.has(1), erasures.has(2)]).toEqual([true, false]);
});

test('a later erasure of the same message counts once, and an earlier round does not forget it', () => {
  const erasures = new Erasures();
  erasures.add(1, [5, 6], bytes('x', 'yy'), 100);
  erasures.add(1, [5], bytes('zzz'), 200);
  expect([erasures.count, erasures.bytes]).toEqual([2, 5]);
  expect([erasures.anyWithin(0, 100), erasures.anyWithin(100, 101), erasures.anyWithin(101, 200)]).toEqual([
    false,
    true,
    false,
  ]);
  erasures.forgetBelow(150);
  expect(erasures.masked(1, 5, bytes('a', 'b'))).toEqual(bytes('zzz', 'b'));
  expect([erasures.count, erasures.bytes]).toEqual([1, 3]);
  erasures.forgetBelow(201);
  expect([erasures.count, erasures.bytes, erasures.has(1)]).toEqual([0, 0, false]);
});

test('what is on its way to the disk counts already', () => {
  const erasures = new Erasures();
  const bodies = bytes('abc');
  erasures.reserve(bodies);
  expect([erasures.count, erasures.bytes]).toEqual([1, 3]);
  erasures.add(1, [1], bodies, 5);
  erasures.release(bodies);
  expect([erasures.count, erasures.bytes]).toEqual([1, 3]);
});
