import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodePath, parseFrom, parsePath, parseQuery } from './address.ts';

const reasonOf = (act: () => unknown): string | undefined => {
  try {
    act();
    return undefined;
  } catch (error) {
    return (error as { reason: string }).reason;
  }
};

test('a path is decoded once', () => {
  expect(parsePath('a/b-c_d.e~f')).toBe('a/b-c_d.e~f');
  expect(parsePath('a%20b/%C3%A9')).toBe('a b/é');
  expect(parsePath('a%2525')).toBe('a%25');
  expect(parsePath('.a/..b/c.')).toBe('.a/..b/c.');
  expect(parsePath('a'.repeat(512))).toHaveLength(512);
  expect(parsePath(Array.from({ length: 16 }, () => 'a').join('/')).split('/')).toHaveLength(16);
});

test('what is no path', () => {
  const bad = [
    '',
    '/',
    'a/',
    '/a',
    'a//b',
    '.',
    '..',
    'a/./b',
    'a/../b',
    '%2e%2e/a',
    'a/%2E',
    '%',
    '%zz',
    '%ff',
    'a%00b',
  ];
  bad.push('a%1Fb', 'a%7Fb', 'a%C2%80b', 'a%0Ab', 'a%2F%2Fb', 'a'.repeat(513), 'é'.repeat(257), `${'a/'.repeat(16)}a`);
  for (const path of bad) expect([path, reasonOf(() => parsePath(path))]).toEqual([path, 'path_malformed']);
});

test('encoding and parsing are each other’s opposite', () => {
  const segment = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
    .filter((text) => !/[\p{Cc}\u2028\u2029/]/u.test(text) && text !== '.' && text !== '..' && text.isWellFormed());
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 6 }), (segments) => {
      const path = segments.join('/');
      fc.pre(Buffer.byteLength(path) <= 512);
      expect(parsePath(encodePath(path))).toBe(path);
    }),
  );
});

test('the query: what is known, once; the rest is not looked at', () => {
  expect(parseQuery('')).toMatchObject({ offset: undefined, live: undefined });
  expect(parseQuery('x=1&offset=-1&live=sse&cursor=9&x=2')).toMatchObject({ offset: '-1', live: 'sse', cursor: '9' });
  expect(parseQuery('offset=')).toMatchObject({ offset: '' });
  expect(reasonOf(() => parseQuery('offset=1&offset=2'))).toBe('offset_malformed');
});

test('where a read begins', () => {
  const zeros = '0'.repeat(16);
  expect([parseFrom('-1'), parseFrom(`${zeros}_${zeros}`), parseFrom('now')]).toEqual(['start', 'start', 'now']);
  expect(parseFrom(`${zeros}_0000000000000001`)).toBe(`${zeros}_0000000000000001`);
  for (const bad of ['', '0', '-2', 'NOW', zeros, `${zeros}_1`, `${zeros}-${zeros}`, ` ${zeros}_${zeros}`])
    expect([bad, reasonOf(() => parseFrom(bad))]).toEqual([bad, 'offset_malformed']);
});
