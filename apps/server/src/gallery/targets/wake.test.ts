import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { retryAfterOf, skewOf, wakeAt } from './wake.ts';

const now = Date.parse('2026-03-01T12:00:00.000Z');
const hour = 3_600_000;

describe('wake-rule: until when', () => {
  test.each([
    ['2026-03-01T12:30:00Z', hour / 2],
    ['2026-03-01T13:00:00.000+01:00', 1_000],
    ['2026-03-01T14:00:00', 2 * hour],
    ['2026-03-01T12:00:00.100Z', 1_000],
    ['2026-02-01T00:00:00Z', 1_000],
    ['9999-12-31T23:59:59Z', 24 * hour],
    ['+020000-01-01T00:00:00Z', 24 * hour],
    ['soon', hour],
    ['2026-13-41T99:00:00Z', hour],
    ['12', hour],
    ['Sun, 01 Mar 2026 12:30:00 GMT', hour],
    ['', hour],
    [undefined, hour],
    [null, hour],
    [1_772_000_000_000, hour],
    [{ at: 'now' }, hour],
  ])('%j wakes after %i ms', (resetAt, afterMs) => {
    expect(wakeAt(resetAt, now, 0)).toBe(now + afterMs);
  });

  test('whatever the target says, between 1 s and 24 h', () => {
    const anything = fc.oneof(
      fc.string(),
      fc.anything(),
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
    );
    fc.assert(
      fc.property(anything, fc.integer({ min: -(10 ** 9), max: 10 ** 9 }), (resetAt, skewMs) => {
        const aheadMs = wakeAt(resetAt, now, skewMs) - now;
        expect(aheadMs).toBeGreaterThanOrEqual(1_000);
        expect(aheadMs).toBeLessThanOrEqual(24 * hour);
      }),
    );
  });

  test('a clock that is ten minutes ahead, or behind, moves nothing', () => {
    for (const skewMs of [600_000, -600_000]) {
      const theirs = now + skewMs;
      const resetAt = new Date(theirs + 300_000).toISOString();
      expect(wakeAt(resetAt, now, skewOf(new Date(theirs).toUTCString(), now))).toBe(now + 300_000);
    }
  });

  test('a header that is coarse, missing or nonsense is no skew', () => {
    expect(skewOf(new Date(now - 1_500).toUTCString(), now)).toBe(0);
    expect(skewOf(undefined, now)).toBe(0);
    expect(skewOf('yesterday', now)).toBe(0);
  });
});

describe('Retry-After', () => {
  test.each([
    ['5', 5_000],
    ['60', 60_000],
    ['3600', 60_000],
    ['0', undefined],
    ['-1', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
    [new Date(now + 10_000).toUTCString(), 10_000],
    [new Date(now - 10_000).toUTCString(), undefined],
  ])('%j → %j', (header, ms) => {
    expect(retryAfterOf(header, now, 0)).toBe(ms);
  });
});
