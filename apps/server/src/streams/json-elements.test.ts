import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonElements } from './json-elements.ts';

const cut = (text: string | Uint8Array, most = 10_000): string[] =>
  jsonElements(Buffer.from(text as string), most).map((bytes) => Buffer.from(bytes).toString());
const reasonOf = (text: string | Uint8Array, most?: number): string | undefined => {
  try {
    cut(text, most);
    return undefined;
  } catch (error) {
    return (error as { reason: string }).reason;
  }
};

test('elements come out as they went in: numbers, key order, duplicates, inner white space, escapes', () => {
  const elements = ['1.0', '-0', '1E400', '{"b":1, "a" : 2,"a":3}', '"\\u00e9\\/é\\ud800"', '[ 1,[2] ]', 'null', '{}'];
  expect(cut(` [${elements.join(' ,\r\n\t')} ]\n`)).toEqual(elements);
  for (const element of elements) if (!element.startsWith('[')) expect(cut(`\n ${element} `)).toEqual([element]);
});

test('arrays are flattened by exactly one level', () => {
  expect(cut('[[1,2],[3,4]]')).toEqual(['[1,2]', '[3,4]']);
  expect(cut('[[[1,2]]]')).toEqual(['[[1,2]]']);
  expect(cut('[]')).toEqual([]);
  expect(cut(' [ ] ')).toEqual([]);
  expect(cut('[[]]')).toEqual(['[]']);
});

test('what JSON.parse refuses is refused', () => {
  const bad = [
    '',
    ' ',
    '[',
    ']',
    '[1',
    '[1,',
    '[1,]',
    '[,1]',
    '[1 2]',
    '{',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{a:1}',
    '{"a":1}}',
  ];
  bad.push(
    '"',
    '"\\',
    '"\\x"',
    '"\\u12g4"',
    '"a\nb"',
    '"\t"',
    'tru',
    'truee',
    'nul',
    '01',
    '-',
    '1.',
    '.5',
    '1e',
    '1e+',
    '+1',
    'NaN',
  );
  bad.push('1 1', '[1]x', '\ufeff1', '{"a":1 "b":2}', "'a'", '[1}', '{"a":[1}]', '/**/1', '\u00a01');
  for (const text of bad) expect([text, reasonOf(text)]).toEqual([text, 'json_invalid']);
});

test('bytes that are not UTF-8 are refused, wherever they stand', () => {
  for (const byte of [0xff, 0xc3, 0xed]) expect(reasonOf(Buffer.from([0x22, byte, 0x22]))).toBe('json_invalid');
  expect(reasonOf(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]))).toBe('json_invalid');
});

test('depth and count are bounded', () => {
  const deep = (levels: number): string => `${'[['.slice(0, 1).repeat(levels)}${']'.repeat(levels)}`;
  // The outermost array is taken apart, and an empty array costs no level.
  expect(cut(deep(1002))).toHaveLength(1);
  expect(reasonOf(deep(1003))).toBe('json_invalid');
  expect(reasonOf(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`)).toBe('json_invalid');
  expect(cut('[1,2,3]', 3)).toHaveLength(3);
  expect(reasonOf('[1,2,3,4]', 3)).toBe('body_too_large');
});

test('agrees with JSON.parse on any JSON, however it is spaced', () => {
  fc.assert(
    fc.property(
      fc.array(fc.json({ maxDepth: 4 }), { minLength: 1 }),
      fc.constantFrom('', ' ', '\n\t', '\r\n'),
      (values, gap) => {
        const elements = cut(`${gap}[${values.map((value) => `${gap}${value}${gap}`).join(',')}]${gap}`);
        expect(elements).toEqual(values);
      },
    ),
    { numRuns: 300 },
  );
});

test('agrees with JSON.parse on text that is nearly JSON', () => {
  const parts = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '"a"',
    '1',
    '-',
    '.',
    'e',
    '0',
    'true',
    'null',
    ' ',
    '\\',
    '\n',
    'é',
  );
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 12 }), (pieces) => {
      const text = pieces.join('');
      let wanted: string[] | undefined;
      try {
        const value: unknown = JSON.parse(text);
        wanted = (Array.isArray(value) ? value : [value]).map((each) => JSON.stringify(each));
      } catch {
        wanted = undefined;
      }
      let found: string[] | undefined;
      try {
        found = cut(text).map((each) => JSON.stringify(JSON.parse(each)));
      } catch {
        found = undefined;
      }
      expect(found).toEqual(wanted);
    }),
    { numRuns: 20_000 },
  );
});
