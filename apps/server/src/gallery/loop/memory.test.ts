import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { affinityAt, closer, recollect, reflectionOf, tooMany, tooManyRelations, wordsOf } from './memory.ts';
import type { Memory } from './queries/memory.ts';

const hour = 3_600_000;
const at = 1_800_000_000_000;
const memory = (more: Partial<Memory>): Memory => ({
  id: 'm',
  kind: 'saw',
  text: 'Saw a lamp',
  itemId: null,
  person: null,
  importance: 1,
  at,
  ...more,
});

test('what is looked up: fresh, important, or about the matter at hand', () => {
  const old = memory({ id: 'old', at: at - 900 * hour, text: 'rope' });
  const weighty = memory({ id: 'weighty', at: at - 900 * hour, importance: 10, text: 'rope' });
  const fitting = memory({ id: 'fitting', at: at - 900 * hour, text: 'harbor lamp' });
  const fresh = memory({ id: 'fresh', text: 'rope' });
  const found = recollect([old, weighty, fitting, fresh], wordsOf('the harbor lamp'), at);
  expect(found.map(({ id }) => id)).toEqual(['fitting', 'fresh', 'weighty']);
});

test('three at most, and no more than fit', () => {
  const many = Array.from({ length: 9 }, (_, n) => memory({ id: `m${n}`, text: 'x'.repeat(280) }));
  expect(recollect(many, new Set(), at)).toHaveLength(1);
  expect(
    recollect(
      many.map((one) => ({ ...one, text: 'lamp' })),
      new Set(),
      at,
    ),
  ).toHaveLength(3);
});

test('the least goes first when there is no room', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ importance: fc.integer({ min: 1, max: 10 }), hours: fc.integer({ min: 0, max: 2_000 }) }), {
        maxLength: 40,
      }),
      fc.integer({ min: 0, max: 20 }),
      (rows, max) => {
        const all = rows.map(({ importance, hours }, n) => memory({ id: `m${n}`, importance, at: at - hours * hour }));
        const gone = new Set(tooMany(all, at, max).map(({ id }) => id));
        expect(all.length - gone.size).toBe(Math.min(all.length, max));
        const score = ({ importance, at: then }: Memory): number => 0.995 ** ((at - then) / hour) + importance / 10;
        const kept = all.filter(({ id }) => !gone.has(id)).map(score);
        const lost = all.filter(({ id }) => gone.has(id)).map(score);
        if (kept.length > 0 && lost.length > 0) expect(Math.max(...lost)).toBeLessThanOrEqual(Math.min(...kept) + 1e-9);
      },
    ),
  );
});

test('a bot looks back once enough has happened, and not twice over the same', () => {
  const heard = Array.from({ length: 31 }, (_, n) =>
    memory({
      id: `h${n}`,
      kind: 'heard',
      importance: 5,
      at: at + n,
      person: 'ann',
      text: 'ann said: the harbor shines',
    }),
  );
  expect(reflectionOf(heard.slice(0, 30))).toBeNull();
  const line = reflectionOf(heard);
  expect(line).toContain('harbor');
  expect(line).toContain('ann');
  expect(
    reflectionOf([...heard, memory({ id: 'r', kind: 'reflected', importance: 8, at: at + 99, text: line ?? '' })]),
  ).toBeNull();
});

test('affinity halves in fourteen days and stays within bounds', () => {
  const met = { person: 'ann', isBot: false, at, step: 0.5, seen: 1, exchanged: 1 };
  const one = closer(undefined, met);
  expect(affinityAt(one, at + 14 * 24 * hour)).toBeCloseTo(0.25);
  const two = closer(one, { ...met, at: at + 14 * 24 * hour, step: 0.02 });
  expect(two).toMatchObject({ seen: 2, exchanged: 2 });
  expect(two.affinity).toBeCloseTo(0.27);
  expect(closer({ ...one, affinity: 0.99 }, { ...met, step: 0.1 }).affinity).toBe(1);
});

test('of too many relations those go that mean least', () => {
  const relations = Array.from({ length: 5 }, (_, n) => ({
    person: `p${n}`,
    isBot: false,
    affinity: (n - 2) / 10,
    seen: 1,
    exchanged: 0,
    lastAt: at,
  }));
  expect(tooManyRelations(relations, at, 3).map(({ person }) => person)).toEqual(['p2', 'p1']);
});
