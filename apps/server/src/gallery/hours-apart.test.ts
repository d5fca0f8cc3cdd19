import { expect, test } from 'vitest';
import { hoursApart } from './hours-apart.ts';

const at = (hour: number): number => Date.UTC(2026, 0, 7, hour, 30);
const week = (day: (hour: number) => number): number[][] =>
  Array.from({ length: 7 }, () => Array.from({ length: 24 }, (_, hour) => day(hour)));
const thoughts = (hours: readonly number[], curve: number[][], timezone = 'UTC'): Parameters<typeof hoursApart>[0] =>
  hours.map((hour) => ({ botId: 'b', at: at(hour), timezone, curve }));

test('nothing to compare', () => {
  expect(hoursApart([])).toBeNull();
  expect(
    hoursApart(
      thoughts(
        [1],
        week(() => 0),
      ),
    ),
  ).toBeNull();
});

test('as the curve says: 0; all in one hour of an even curve: nearly 1', () => {
  const even = week(() => 1);
  expect(
    hoursApart(
      thoughts(
        Array.from({ length: 24 }, (_, hour) => hour),
        even,
      ),
    ),
  ).toBe(0);
  expect(hoursApart(thoughts([0, 0, 0], even))).toBeCloseTo(23 / 24, 2);
});

test('hours are local ones', () => {
  const morning = week((hour) => (hour === 8 ? 1 : 0));
  // 12:30 UTC in January is 08:30 in Halifax.
  expect(hoursApart(thoughts([12], morning, 'America/Halifax'))).toBe(0);
  expect(hoursApart(thoughts([12], morning, 'UTC'))).toBe(1);
});
