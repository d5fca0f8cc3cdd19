import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matchBuilds } from './match-builds.ts';
import type { Seen, Sight } from './queries/claim.ts';

const sight = (
  kinds: Record<string, number>,
  line: (Partial<Seen> & { kind: number; seq: number })[],
  rows = 9,
): Sight => ({
  workers: Object.entries(kinds).map(([id, kind]) => ({ id, kind })),
  line: line.map((seen) => ({ sig: 1, priority: 0, avoid: null, ...seen })),
  most: [...new Set(Object.values(kinds))].map((kind) => ({ kind, rows })),
});
const served = (of: Sight): string[] => matchBuilds(of).slots.map(({ workerId }) => workerId);

describe('dealing builds to workers', () => {
  test('the longest waiting gets the best one', () => {
    const of = sight({ old: 1, young: 1 }, [
      { kind: 1, seq: 7, priority: 5, sig: 2 },
      { kind: 1, seq: 3 },
    ]);
    expect(matchBuilds(of)).toEqual({
      slots: [
        { workerId: 'old', sig: 2 },
        { workerId: 'young', sig: 1 },
      ],
      dry: [],
    });
  });

  test('several kinds see one line: each build is dealt once, and whoever comes too late knows that nothing is left', () => {
    const line = [1, 2, 3].flatMap((kind) => [
      { kind, seq: 1 },
      { kind, seq: 2 },
    ]);
    expect(matchBuilds(sight({ a: 1, b: 2, c: 3 }, line))).toEqual({
      slots: [
        { workerId: 'a', sig: 1 },
        { workerId: 'b', sig: 1 },
      ],
      dry: ['c'],
    });
  });

  test('a list that was cut off proves nothing', () => {
    const line = [1, 2].map((kind) => ({ kind, seq: 1 }));
    expect(matchBuilds(sight({ a: 1, b: 2 }, line, 1)).dry).toEqual([]);
    expect(matchBuilds(sight({ a: 1, b: 2 }, line, 2)).dry).toEqual(['b']);
  });

  test('a build never goes to the worker it avoids; the other one changes', () => {
    const of = sight({ a: 1, b: 1 }, [
      { kind: 1, seq: 1 },
      { kind: 1, seq: 2, avoid: 'b' },
    ]);
    expect(served(of)).toEqual(['b', 'a']);
    expect(served(sight({ a: 1 }, [{ kind: 1, seq: 1, avoid: 'a' }]))).toEqual([]);
  });

  test('who can do more leaves the common work to who cannot', () => {
    const of = sight({ able: 1, narrow: 2 }, [
      { kind: 1, seq: 1 },
      { kind: 1, seq: 2, sig: 2 },
      { kind: 2, seq: 1 },
    ]);
    expect(matchBuilds(of).slots).toEqual([
      { workerId: 'narrow', sig: 1 },
      { workerId: 'able', sig: 2 },
    ]);
  });

  test('any line: nobody twice, nothing twice, only what may be, and no pair is left over', () => {
    const kindsMax = 3;
    const seen = fc.record({
      seq: fc.integer({ min: 1, max: 12 }),
      kinds: fc.uniqueArray(fc.integer({ min: 1, max: kindsMax }), { minLength: 1 }),
      avoid: fc.option(fc.constantFrom('w0', 'w1', 'w2', 'w3')),
    });
    const arbitrary = fc.record({
      kinds: fc.array(fc.integer({ min: 1, max: kindsMax }), { maxLength: 6 }),
      builds: fc.uniqueArray(seen, { selector: ({ seq }) => seq, maxLength: 8 }),
    });
    fc.assert(
      fc.property(arbitrary, ({ kinds, builds }) => {
        const sorted = builds.toSorted((a, b) => a.seq - b.seq);
        const workers = Object.fromEntries(kinds.map((kind, n) => [`w${n}`, kind]));
        // The demand tells the build, so that the answer says who got which.
        const line = sorted.flatMap(({ seq, kinds, avoid }) => kinds.map((kind) => ({ kind, seq, sig: seq, avoid })));
        const { slots, dry } = matchBuilds(sight(workers, line, 99));
        expect(new Set(slots.map(({ workerId }) => workerId)).size).toBe(slots.length);
        expect(new Set(slots.map(({ sig }) => sig)).size).toBe(slots.length);
        const may = (id: string, { seq }: { seq: number }): boolean =>
          line.some((each) => each.seq === seq && each.kind === workers[id] && each.avoid !== id);
        for (const { workerId, sig } of slots) expect(may(workerId, { seq: sig })).toBe(true);
        const left = sorted.filter(({ seq }) => slots.every(({ sig }) => sig !== seq));
        for (const id of dry) expect(left.filter((build) => may(id, build))).toEqual([]);
        expect(slots.length + dry.length).toBe(kinds.length);
      }),
    );
  });
});
