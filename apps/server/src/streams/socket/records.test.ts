import fc from 'fast-check';
import { expect, test } from 'vitest';
import { elementsOf } from './records.ts';

const cut = (frame: string): string[] =>
  elementsOf(Buffer.from(frame), 'records', 10_000).map((element) => Buffer.from(element).toString());

test('elements come as they were sent, wherever the field stands', () => {
  expect(cut('{"records":[1.0,1e3,12345678901234567890]}')).toEqual(['1.0', '1e3', '12345678901234567890']);
  expect(cut(' { "a" : "]}," , "records" : [ { "b" : 1, "b":2 } ,\n[ ] , "x" ] , "z":{"records":[9]} } ')).toEqual([
    '{ "b" : 1, "b":2 }',
    '[ ]',
    '"x"',
  ]);
  expect(cut('{"a":{"records":[1]},"b":[{"records":[2]}],"c":"\\"records\\":[3]","records":[4],"d":-1.5e-3}')).toEqual([
    '4',
  ]);
  expect(cut('{"a":true,"b":null,"c":12,"records":["\\\\","\\"]"]}')).toEqual(['"\\\\"', '"\\"]"']);
});

test('of several fields of the name the last one counts, however it is spelt', () => {
  expect(cut('{"records":[1],"r\\u0065cords":[2]}')).toEqual(['2']);
  expect(cut('{"records":[1],"records":[]}')).toEqual([]);
});

test('a list nested beyond the limit is refused, not a stack overflow', () => {
  expect(() => cut(`{"records":[${'['.repeat(100_000)}${']'.repeat(100_000)}]}`)).toThrow('nested deeper');
});

test('whatever JSON says, the elements are those that JSON.parse sees', () => {
  const frame = fc
    .tuple(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.array(fc.jsonValue()),
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.nat(3),
    )
    .map(([before, records, behind, indent]) => JSON.stringify({ ...before, records, ...behind }, null, indent));
  fc.assert(
    fc.property(frame, (text) => {
      const { records } = JSON.parse(text) as { records: unknown[] };
      fc.pre(Array.isArray(records));
      expect(cut(text).map((element) => JSON.parse(element) as unknown)).toEqual(records);
    }),
  );
});
