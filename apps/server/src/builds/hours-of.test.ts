import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { hoursOf } from './hours-of.ts';

const at = (text: string): number => Date.parse(`2026-03-01T${text}Z`);

test('a run within an hour is one piece', () => {
  expect(hoursOf(at('10:05:00'), at('10:25:00'))).toEqual([{ at: new Date(at('10:05:00')), ms: 1_200_000 }]);
  expect(hoursOf(at('10:00:00'), at('11:00:00'))).toEqual([{ at: new Date(at('10:00:00')), ms: 3_600_000 }]);
});

test('a run over midnight lies on both days', () => {
  expect(
    hoursOf(at('22:30:00'), Date.parse('2026-03-02T00:15:00Z')).map(({ at: begin, ms }) => [begin.toISOString(), ms]),
  ).toEqual([
    ['2026-03-01T22:30:00.000Z', 1_800_000],
    ['2026-03-01T23:00:00.000Z', 3_600_000],
    ['2026-03-02T00:00:00.000Z', 900_000],
  ]);
});

test('whatever the run, its pieces are the whole, each in its own hour', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4e9 }), fc.integer({ min: 0, max: 4e8 }), (from, length) => {
      const pieces = hoursOf(from, from + length);
      expect(pieces.reduce((sum, { ms }) => sum + ms, 0)).toBe(length);
      expect(new Set(pieces.map(({ at: begin }) => Math.floor(begin.getTime() / 3_600_000))).size).toBe(pieces.length);
    }),
  );
});
