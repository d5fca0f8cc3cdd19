import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { situation } from '#test/mind-situations';
import { findObjects } from './find-json.ts';
import { readAnswer } from './shape.ts';

it('finds whole objects, wherever they stand', () => {
  expect(findObjects('a {"x": "}{"} b ```json\n{"y": {"z": [1]}}\n``` {half')).toEqual([
    { x: '}{' },
    { y: { z: [1] } },
  ]);
  expect(findObjects('{not json} {"a":"\\"}"}')).toEqual([{ a: '"}' }]);
  expect(findObjects('<think>{"a": 1}</think>{"b": 2}')).toEqual([{ b: 2 }]);
  expect(findObjects('<think>never closed {"a": 1}')).toEqual([]);
});

it('finds what it is given back, in any text without braces', () => {
  const plain = fc.string().filter((text) => !/[{}"<\\]/.test(text));
  const object = fc.dictionary(
    fc.string({ minLength: 1 }).filter((key) => key !== '__proto__'),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(plain, object, plain, (before, value, after) => {
      const text = JSON.stringify(value);
      fc.pre(!text.includes('<'));
      expect(findObjects(`${before}${text}${after}`)).toEqual([JSON.parse(text)]);
    }),
  );
});

it('is total: random bytes and random objects are read or refused, never thrown on', () => {
  const seen = situation();
  const read = (text: string): void => {
    const answer = readAnswer(text, seen);
    if (!answer.ok) return;
    const { on, text: said, tags } = answer.decision;
    expect(on).toBeGreaterThanOrEqual(-1);
    expect(on).toBeLessThan(seen.candidates.length);
    expect(Array.from(said).length).toBeLessThanOrEqual(300);
    expect(tags.length).toBeLessThanOrEqual(4);
  };
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => read(Buffer.from(bytes).toString('latin1'))),
    { numRuns: 1_000 },
  );
  const fields = ['do', 'on', 'why', 'text', 'prompt', 'caption', 'alt', 'tags'] as const;
  const any = fc.oneof(fc.jsonValue(), fc.constantFrom('post', 'comment', 'like', 1, 3, 'words'), fc.string());
  fc.assert(
    fc.property(fc.record(Object.fromEntries(fields.map((field) => [field, any])), { requiredKeys: ['do'] }), (value) =>
      read(JSON.stringify(value)),
    ),
    { numRuns: 1_000 },
  );
});

it('is quick on what is made to be slow', () => {
  const began = performance.now();
  for (const bad of ['{', '{"a":', '<think>', '{"']) findObjects(bad.repeat(100_000));
  expect(performance.now() - began).toBeLessThan(500);
});
