import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseJson } from './json.ts';

const parse = (text: string, depthMax = 64) => parseJson(Buffer.from(text), depthMax);
const problemOf = (text: string) => {
  try {
    parse(text);
  } catch (error) {
    return error as { reason: string; extra: { position: number } };
  }
  throw new Error(`${text} was taken`);
};

test('every JSON value comes back as it is, unless its texts are not texts', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
      const text = JSON.stringify(value);
      const bad = /\\u0000|\\ud[89a-f]../.test(text) || text.includes('\0');
      if (bad) expect(() => parse(text)).toThrow(expect.objectContaining({ reason: 'bad_text' }));
      else expect(parse(text)).toEqual(JSON.parse(text));
    }),
  );
});

test.each([
  ['{', 1],
  ['{"a"}', 4],
  ['{"a":1,}', 7],
  ['[1,2', 4],
  ['[1 2]', 3],
  ['"a\nb"', 2],
  ['"a\\x"', 2],
  ['{"ä":tru}', 6],
  ['nul', 0],
  ['01', 1],
  ['{} {}', 3],
  ['[1,]', 3],
  ["{'a':1}", 1],
])('%s is wrong at byte %i', (text, position) => {
  expect(problemOf(text)).toMatchObject({ reason: 'bad_json', extra: { position } });
});

test('one changed character is always found, somewhere in the text', () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), fc.constantFrom('"', '{', ']', ',', 'x', '\\', '\u0001'), (text, at, char) => {
      const place = at % (text.length + 1);
      const changed = text.slice(0, place) + char + text.slice(place);
      let fine = true;
      try {
        JSON.parse(changed);
      } catch {
        fine = false;
      }
      if (fine) return;
      const { reason, extra } = problemOf(changed);
      expect(reason).toBe('bad_json');
      expect(extra.position).toBeLessThanOrEqual(Buffer.byteLength(changed));
      // What stands before the place can still become JSON, so the first wrong byte is not before the change.
      expect(extra.position).toBeGreaterThanOrEqual(Math.min(place, Buffer.byteLength(changed)) - 12);
    }),
  );
});

test('an empty body reads as {}', () => {
  expect(parse('')).toEqual({});
  expect(parse(' \n')).toEqual({});
});
