import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anchorOf, rangeOf } from './anchor.ts';
import { RowMap, sectionOf, titleOf } from './folds.ts';

const line = (n: number, text: string, more = {}) => ({ n, text, ...more });

describe('folds', () => {
  it('map rows to lines and back', () => {
    const map = new RowMap(100, [{ from: 10, to: 20 }], [{ from: 50, to: 60, reason: 'trimmed' }]);
    expect(map.rows).toBe(82);
    expect([9, 10, 11, 40, 41, 42].map((row) => map.lineOf(row))).toEqual([9, 10, 20, 49, 50, 60]);
    expect([9, 10, 15, 20, 55, 60].map((n) => map.rowOf(n))).toEqual([9, 10, 10, 11, 41, 42]);
  });

  it('agree with a plain list, whatever is folded', () => {
    const fold = fc
      .tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 30 }))
      .map(([from, size]) => ({ from, to: from + size }));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 80 }), fc.array(fold, { maxLength: 6 }), (total, folds) => {
        const map = new RowMap(total, folds, []);
        const shown: number[] = [];
        const merged = folds
          .filter(({ from, to }) => Math.min(to, total) - from > 1)
          .toSorted((a, b) => a.from - b.from);
        let until = -1;
        for (let n = 0; n < total; n += 1) {
          for (const each of merged)
            if (each.from <= n && (each.from < until || each.from === n))
              until = Math.max(until, n >= each.from && each.from < until ? Math.max(until, each.to) : each.to);
          const inside = merged.some((each) => each.from < n && n < each.to);
          if (!inside) shown.push(n);
        }
        expect(map.rows).toBe(shown.length);
        expect(shown.map((_, row) => map.lineOf(row))).toEqual(shown);
        expect(shown.map((n) => map.rowOf(n))).toEqual(shown.map((_, row) => row));
      }),
    );
  });

  it('know sections by both marks, their end, time and failure', () => {
    expect(titleOf('--- pod install')).toBe('pod install');
    expect(titleOf('::group::Pods')).toBe('Pods');
    expect(titleOf('---- ruler')).toBeUndefined();
    const head = line(0, '::group::Pods', { at: '2026-11-20T12:00:00.000Z' });
    const found = sectionOf(head, [
      line(1, 'a', { at: '2026-11-20T12:00:01.000Z' }),
      line(2, 'b', { level: 'error', at: '2026-11-20T12:00:41.000Z' }),
      line(3, '::endgroup::'),
      line(4, 'c'),
    ]);
    expect(found).toEqual({ section: { title: 'Pods', from: 0, to: 4, failed: true, ms: 41_000 }, closed: true });
    expect(sectionOf(line(0, '--- a'), [line(1, 'x'), line(2, '--- b')])).toMatchObject({
      section: { to: 2 },
      closed: true,
    });
    expect(sectionOf(line(0, '--- a'), [line(1, 'x')])?.closed).toBe(false);
  });

  it('read links to lines', () => {
    expect(rangeOf('#L9987')).toEqual({ from: 9_986, to: 9_986 });
    expect(rangeOf('L20-L10')).toEqual({ from: 9, to: 19 });
    expect([rangeOf('L0'), rangeOf('L'), rangeOf(undefined), rangeOf('L1-')]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(anchorOf({ from: 9, to: 19 })).toBe('L10-L20');
  });
});
