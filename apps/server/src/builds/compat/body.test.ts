import { expect, test } from 'vitest';
import { cleanText, escapeControls, numberOf, objectOf, textOf } from './body.ts';

test.each([
  ['a raw line break inside a string', '{"message":"a\nb"}', { message: 'a\nb' }],
  ['raw control bytes and a tab', '{"message":"\u001b[31mred\u0007\t"}', { message: '\u001b[31mred\u0007\t' }],
  ['breaks between tokens stay space', '{\n  "a": 1,\r\n\t"b": "x\ry"\n}', { a: 1, b: 'x\ry' }],
  [
    'an escaped quote does not end the string',
    String.raw`{"a":"say \"hi` + '\n' + String.raw`there\""}`,
    { a: 'say "hi\nthere"' },
  ],
  ['an escaped backslash before the end', String.raw`{"a":"c:\\","b":"` + '\u0001"}', { a: 'c:\\', b: '\u0001' }],
])('control bytes inside of strings are escaped: %s', (_, text, value) => {
  expect(JSON.parse(escapeControls(text))).toEqual(value);
});

test('what Postgres cannot hold is taken out', () => {
  expect(cleanText('a\0b\ud800c')).toBe('ab\ufffdc');
});

test('fields of another kind count as absent', () => {
  const body = { text: '', word: 'x', number: 3, inf: Number.NaN, list: [], object: { a: 1 } };
  expect([textOf(body, 'text'), textOf(body, 'word'), textOf(body, 'number')]).toEqual([undefined, 'x', undefined]);
  expect([numberOf(body, 'number'), numberOf(body, 'inf'), numberOf(body, 'word')]).toEqual([3, undefined, undefined]);
  expect([objectOf(body, 'object'), objectOf(body, 'list')]).toEqual([{ a: 1 }, undefined]);
});
