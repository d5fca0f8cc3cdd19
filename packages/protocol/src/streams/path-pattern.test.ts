import { array, assert, constantFrom, property, tuple } from 'fast-check';
import { expect, test } from 'vitest';
import { faultOfPattern, pathMatcher, patternCovers } from './path-pattern.ts';

const segment = constantFrom('a', 'b', 'c');
const path = array(segment, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('/'));
const pattern = array(constantFrom('a', 'b', '*', '**'), { minLength: 1, maxLength: 6 }).map((parts) =>
  parts.join('/'),
);

/** The definition, as slow as it is plain. */
function reference(wanted: readonly string[], given: readonly string[]): boolean {
  const [first, ...rest] = wanted;
  if (first === undefined) return given.length === 0;
  if (first === '**') return reference(rest, given) || (given.length > 0 && reference(wanted, given.slice(1)));
  return given.length > 0 && (first === '*' || first === given[0]) && reference(rest, given.slice(1));
}

test('a star is one segment, two are any number, everything else is itself', () => {
  const match = pathMatcher(['events/*', 'support/42/**', 'one/exact']);
  expect(['events/a', 'support/42', 'support/42/a/b', 'one/exact'].map(match)).toEqual([true, true, true, true]);
  expect(['events', 'events/a/b', 'support/43/a', 'one', 'one/exact/more'].map(match)).toEqual([
    false,
    false,
    false,
    false,
    false,
  ]);
  expect(pathMatcher([])('a')).toBe(false);
});

test('any pattern, any path: as the definition says', () => {
  assert(
    property(pattern, path, (wanted, given) => {
      expect(pathMatcher([wanted])(given)).toBe(reference(wanted.split('/'), given.split('/')));
    }),
    { numRuns: 3000 },
  );
});

test('what one pattern covers of another is never too much', () => {
  assert(
    property(tuple(pattern, pattern), path, ([outer, inner], given) => {
      if (patternCovers(outer, inner) && pathMatcher([inner])(given)) expect(pathMatcher([outer])(given)).toBe(true);
    }),
    { numRuns: 3000 },
  );
  expect(patternCovers('support/**', 'support/42/**')).toBe(true);
  expect(patternCovers('support/*', 'support/**')).toBe(false);
  expect(patternCovers('support/42/**', 'support/**')).toBe(false);
  expect(patternCovers('**', 'a/*/b')).toBe(true);
  expect(patternCovers('a/*', 'a/*')).toBe(true);
});

test('sixteen double stars against sixteen segments end at once', () => {
  const match = pathMatcher([Array.from({ length: 15 }, () => '**').join('/') + '/z']);
  expect(match(Array.from({ length: 16 }, () => 'a').join('/'))).toBe(false);
});

test('patterns that are none say why', () => {
  expect(faultOfPattern('support/42/**')).toBeUndefined();
  for (const wrong of [
    '',
    '/a',
    'a/',
    'a//b',
    'a/../b',
    'a/b*',
    'a\u0000',
    'a/\ud800',
    'x'.repeat(513),
    'a/'.repeat(16) + 'a',
  ])
    expect(faultOfPattern(wrong), wrong).toBeTypeOf('string');
});
