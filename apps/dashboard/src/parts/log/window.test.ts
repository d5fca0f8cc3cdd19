import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  clampTop,
  isAtEnd,
  scrollOfTop,
  spaceOf,
  spacePxMax,
  topAfterScroll,
  topOfRow,
  topOfScroll,
  windowOf,
} from './window.ts';

const million = { rows: 1_000_000, rowPx: 18, viewPx: 720 };
const few = { rows: 500, rowPx: 18, viewPx: 720 };

describe('the window into a log', () => {
  it('keeps the scrolled space far below what browsers clamp, and true for short logs', () => {
    expect(spaceOf(million)).toBe(spacePxMax);
    expect(spaceOf(few)).toBe(9_000);
    for (const scroll of [0, 1, 4_000, 8_280]) expect(topOfScroll(scroll, few)).toBe(scroll);
  });

  it('shows the first line at the top and the last at the bottom of a million', () => {
    expect(windowOf(topOfScroll(0, million), million)).toEqual({ from: 0, to: 41, offsetPx: 0 });
    const end = topOfScroll(spaceOf(million) - million.viewPx, million);
    expect(windowOf(end, million)).toMatchObject({ from: 999_960, to: 1_000_000 });
    expect(isAtEnd(end, million)).toBe(true);
  });

  it('reaches every line of a million, and comes back from where it went', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999 }), (row) => {
        const top = topOfRow(row, million);
        const { from, to } = windowOf(top, million);
        expect(from).toBeLessThanOrEqual(row);
        expect(to).toBeGreaterThan(row);
        expect(topOfScroll(scrollOfTop(top, million), million)).toBeCloseTo(top, 3);
      }),
    );
  });

  it('takes small moves one to one, so that a wheel moves lines', () => {
    const top = topOfRow(500_000, million);
    const bar = scrollOfTop(top, million);
    expect(topAfterScroll(top, bar, bar + 54, million) - top).toBeCloseTo(54, 6);
    expect(topAfterScroll(top, bar, bar - 100, million) - top).toBeCloseTo(-100, 6);
    // A drag of the bar goes where it points.
    expect(topAfterScroll(top, bar, bar / 2, million)).toBeCloseTo(top / 2, -3);
  });

  it('always arrives at both ends', () => {
    const top = topOfRow(999_000, million);
    expect(topAfterScroll(top, 3_999_200, spaceOf(million) - million.viewPx, million)).toBe(
      clampTop(Infinity, million),
    );
    expect(topAfterScroll(400, 90, 0, million)).toBe(0);
  });

  it('holds for any size: in bounds, in order, never more rows than fit', () => {
    const geometry = fc.record({
      rows: fc.integer({ min: 0, max: 5_000_000 }),
      rowPx: fc.integer({ min: 12, max: 60 }),
      viewPx: fc.integer({ min: 0, max: 3_000 }),
    });
    fc.assert(
      fc.property(geometry, fc.double({ min: -1e9, max: 1e9, noNaN: true }), (g, scroll) => {
        const top = topOfScroll(scroll, g);
        const { from, to, offsetPx } = windowOf(top, g);
        expect(top).toBe(clampTop(top, g));
        expect(to - from).toBeLessThanOrEqual(g.viewPx / g.rowPx + 3);
        expect(from).toBeGreaterThanOrEqual(0);
        expect(to).toBeLessThanOrEqual(g.rows);
        expect(offsetPx).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
