import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Column, plainLayout, visibleColumns } from './columns.ts';
import { grouped, ticksOf, wholeOf, zoomed } from './gantt-scale.ts';
import { diffLines } from './line-diff.ts';
import { matching } from './matching.ts';
import { layoutOf } from './table-layout.ts';

const column = (key: string, more: Partial<Column<unknown>> = {}): Column<unknown> => ({
  key,
  head: key,
  cell: () => null,
  ...more,
});
const keysOf = (columns: readonly Column<unknown>[]) => columns.map(({ key }) => key).join('');

describe('columns', () => {
  const columns = [column('a'), column('b'), column('c', { hidden: true }), column('d', { fixed: true })];

  it('are shown in the order and number the reader chose', () => {
    expect(keysOf(visibleColumns(columns, plainLayout))).toBe('abd');
    expect(
      keysOf(
        visibleColumns(columns, {
          ...plainLayout,
          order: ['d', 'b', 'a', 'c'],
          shown: { c: true, b: false, d: false },
        }),
      ),
    ).toBe('dac');
  });

  it('put one that is new behind its left neighbour', () => {
    expect(
      keysOf(visibleColumns([column('a'), column('new'), column('b')], { ...plainLayout, order: ['b', 'a'] })),
    ).toBe('banew');
  });

  it('take a stored layout for what it is, whatever it holds', () => {
    expect(layoutOf({ order: ['a', 1], shown: { a: true, b: 'x' }, density: 'tiny' })).toEqual({
      order: ['a'],
      shown: { a: true },
      density: 'comfortable',
    });
    fc.assert(
      fc.property(fc.anything(), (stored) => {
        expect(layoutOf(stored).density).toMatch(/^comfortable$|^compact$/);
      }),
    );
  });
});

describe('suggestions', () => {
  const options = ['state', 'platform', 'last state'].map((value) => ({ value, label: value }));
  it('hold every word typed; those that begin with it come first', () => {
    expect(matching(options, 'STA').map(({ value }) => value)).toEqual(['state', 'last state']);
    expect(matching(options, 'state last').map(({ value }) => value)).toEqual(['last state']);
    expect(matching(options, ' ')).toBe(options);
  });
});

describe('a timeline', () => {
  it('zooms around a moment and stays inside', () => {
    const whole = wholeOf([0, 100_000]);
    const near = zoomed(whole, whole, 0.1, 50_000);
    expect(near.to - near.from).toBeCloseTo(10_200);
    expect(near.from).toBeLessThan(50_000);
    expect(zoomed(near, whole, 1_000, 50_000)).toEqual(whole);
    expect(zoomed(whole, whole, 1e-9, 0).from).toBe(0);
  });

  it('has ticks far enough apart', () => {
    fc.assert(
      fc.property(fc.integer({ min: 50, max: 1e10 }), fc.integer({ min: 100, max: 2_000 }), (length, width) => {
        const ticks = ticksOf({ from: 0, to: length }, 0, width);
        expect(ticks.length).toBeLessThanOrEqual(width / 90 + 1);
      }),
    );
  });

  it('groups what stands too close, and loses nothing in sight', () => {
    const marks = Array.from({ length: 5_000 }, (_, at) => ({ at }));
    const groups = grouped(marks, { from: 0, to: 5_000 }, 800, 16);
    expect(groups.length).toBeLessThanOrEqual(51);
    expect(groups.reduce((sum, { items }) => sum + items.length, 0)).toBe(5_000);
  });
});

describe('a diff', () => {
  it('tells what went and what came, with line numbers of both sides', () => {
    expect(diffLines('a\nb\nc', 'a\nx\nc\nd')).toEqual([
      { kind: 'same', text: 'a', before: 1, after: 1 },
      { kind: 'gone', text: 'b', before: 2 },
      { kind: 'new', text: 'x', after: 2 },
      { kind: 'same', text: 'c', before: 3, after: 3 },
      { kind: 'new', text: 'd', after: 4 },
    ]);
    expect(diffLines('', '')).toEqual([]);
  });

  it('makes either side from its lines, and is as short as can be', () => {
    const lines = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 12 });
    fc.assert(
      fc.property(lines, lines, (a, b) => {
        const diff = diffLines(a.join('\n'), b.join('\n'));
        expect(diff.filter(({ kind }) => kind !== 'new').map(({ text }) => text)).toEqual(a);
        expect(diff.filter(({ kind }) => kind !== 'gone').map(({ text }) => text)).toEqual(b);
        expect(diff.filter(({ kind }) => kind === 'same')).toHaveLength(common(a, b));
      }),
    );
  });
});

/** Length of the longest common subsequence, the plain way. */
function common(a: readonly string[], b: readonly string[]): number {
  let before = b.map(() => 0);
  for (const one of a) {
    const row: number[] = [];
    for (const [j, other] of b.entries())
      row.push(one === other ? (before[j - 1] ?? 0) + 1 : Math.max(before[j] ?? 0, row[j - 1] ?? 0));
    before = row;
  }
  return before.at(-1) ?? 0;
}
