import { pathMatcher } from '@muster/protocol';
import { array, assert, constantFrom, integer, property, record, uniqueArray } from 'fast-check';
import { expect, test } from 'vitest';
import { SubscriptionIndex } from './subscription-index.ts';

const projects = ['p1', 'p2'];
const segment = constantFrom('a', 'b', 'room', 'w');
const path = array(segment, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
const pattern = array(constantFrom('a', 'b', 'room', '*', '**'), { minLength: 1, maxLength: 3 }).map((parts) =>
  parts.join('/'),
);
const subscription = record({
  no: integer({ min: 1, max: 6 }),
  projectId: constantFrom(...projects),
  pattern,
  globs: constantFrom(true, false),
  wakeStream: constantFrom(null, 'w', 'a/w'),
  linked: uniqueArray(path, { maxLength: 3 }),
});
const isManaged = (first: string): boolean => first === 'room';

test('as a plain list says: patterns, links, rooms only where named, never the own wake stream', () => {
  assert(
    property(
      array(subscription, { maxLength: 12 }),
      array(integer({ min: 1, max: 6 }), { maxLength: 3 }),
      array(path, { minLength: 1, maxLength: 8 }),
      (made, gone, paths) => {
        const index = new SubscriptionIndex(isManaged);
        const list = new Map<number, (typeof made)[number]>();
        for (const each of made) {
          index.put(each.no, { ...each, pattern: each.globs ? each.pattern : null });
          list.set(each.no, each);
          // Asked in between, so that what is remembered has to be forgotten.
          for (const asked of paths) index.wants({ projectId: each.projectId, path: asked });
        }
        for (const no of gone) {
          index.remove(no);
          list.delete(no);
        }
        expect(index.size).toBe(list.size);
        for (const projectId of projects) {
          for (const asked of paths) {
            const globs = [...list.values()].filter(
              (each) =>
                each.globs &&
                each.projectId === projectId &&
                each.wakeStream !== asked &&
                pathMatcher([each.pattern])(asked) &&
                (!isManaged(asked.split('/')[0] ?? '') || !each.pattern.startsWith('*')),
            );
            const byName = [...list.values()].some(
              (each) => each.projectId === projectId && each.linked.includes(asked),
            );
            expect(index.patternsOf({ projectId, path: asked }).toSorted((a, b) => a - b)).toEqual(
              globs.map(({ no }) => no).toSorted((a, b) => a - b),
            );
            expect(index.wants({ projectId, path: asked })).toBe(globs.length > 0 || byName);
          }
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('links come and go one by one; two subscriptions may have the same', () => {
  const index = new SubscriptionIndex(isManaged);
  const wants = (asked: string): boolean => index.wants({ projectId: 'p1', path: asked });
  for (const no of [1, 2]) index.put(no, { projectId: 'p1', pattern: null, wakeStream: null, linked: ['a'] });
  index.link(1, ['b', 'b']);
  index.unlink(1, ['a']);
  expect([wants('a'), wants('b')]).toEqual([true, true]);
  index.unlink(2, ['a']);
  index.unlink(1, ['b']);
  expect([wants('a'), wants('b')]).toEqual([false, false]);
  index.link(9, ['c']);
  expect(wants('c')).toBe(false);
  index.put(3, { projectId: 'p1', pattern: 'c', wakeStream: null, linked: [] });
  index.keepOnly(new Set([1]));
  expect([index.size, wants('c')]).toEqual([1, false]);
});
