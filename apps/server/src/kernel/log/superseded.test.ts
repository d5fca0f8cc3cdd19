import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Superseded } from './superseded.ts';

const highest = 60;
type Plain = { from: number; to: number; by: number; at: number; dropped: boolean };

/** The same, position by position. */
class Reference {
  ranges: Plain[] = [];

  at(seq: number): Plain | undefined {
    return this.ranges.find(({ from, to }) => from <= seq && seq <= to);
  }

  fit(from: number, to: number): string {
    const touched = this.ranges.filter((range) => range.from <= to && range.to >= from);
    if (touched.length === 0) return 'apart';
    return touched.some((range) => range.from <= from && to <= range.to) ? 'known' : 'overlaps';
  }

  droppedIn(first: number, last: number): number {
    let count = 0;
    for (let seq = first; seq <= last; seq++) if (this.at(seq)?.dropped) count += 1;
    return count;
  }
}

const act = fc.oneof(
  fc.record({
    act: fc.constant('say' as const),
    from: fc.integer({ min: 1, max: highest }),
    size: fc.integer({ min: 1, max: 6 }),
  }),
  fc.record({ act: fc.constant('drop' as const), n: fc.nat(20) }),
  fc.record({ act: fc.constant('forget' as const), below: fc.integer({ min: 1, max: highest }) }),
);

test('ranges answer as if every position were looked at by itself', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 40 }), fc.integer({ min: 1, max: highest }), (acts, seq) => {
      const ranges = new Superseded();
      const reference = new Reference();
      for (const [at, step] of acts.entries()) {
        if (step.act === 'say') {
          const [from, to] = [step.from, step.from + step.size - 1];
          expect(ranges.fit(from, to)).toBe(reference.fit(from, to));
          if (reference.fit(from, to) !== 'apart') continue;
          const range = { from, to, by: to + 1, at };
          ranges.assign(range);
          expect(ranges.fit(from, to)).toBe('known');
          expect(ranges.passedTo(from, true)).toBeUndefined();
          ranges.show(range);
          reference.ranges.push({ ...range, dropped: false });
        } else if (step.act === 'drop') {
          const range = reference.ranges[step.n];
          if (!range) continue;
          ranges.dropping(range.from);
          ranges.drop(range.from);
          range.dropped = true;
        } else {
          ranges.forgetBelow(step.below);
          reference.ranges = reference.ranges.filter(({ to }) => to >= step.below);
        }
      }
      expect(ranges.size).toBe(reference.ranges.length);
      for (let n = 0; n <= highest + 10; n++) {
        const range = reference.at(n);
        expect(ranges.passedTo(n, true)).toBe(range?.to);
        expect(ranges.passedTo(n, false)).toBe(range?.dropped ? range.to : undefined);
      }
      expect(ranges.droppedIn(seq, highest + 10)).toBe(reference.droppedIn(seq, highest + 10));
      const due = reference.ranges.filter((range) => !range.dropped && range.at < seq).sort((a, b) => a.from - b.from);
      expect(ranges.saidBefore(seq)).toEqual(due.map(({ from, to, by, at }) => ({ from, to, by, at })));
    }),
    { numRuns: 300 },
  );
});

test('a fork takes over what it can tell again, and what is gone, cut where it begins', () => {
  const ranges = new Superseded();
  for (const from of [1, 11, 21]) ranges.show({ from, to: from + 4, by: from + 6, at: from });
  ranges.dropping(11);
  expect(ranges.upTo(7)).toEqual([[1, 5, 7, 1]]);
  expect(ranges.upTo(6)).toEqual([]);
  expect(ranges.upTo(13)).toEqual([
    [1, 5, 7, 1],
    [11, 13, 17, null],
  ]);
  const fork = Superseded.of(ranges.upTo(13));
  expect([fork?.passedTo(2, true), fork?.passedTo(2, false), fork?.passedTo(12, false)]).toEqual([5, undefined, 13]);
  expect(Superseded.of([])).toBeUndefined();
});
