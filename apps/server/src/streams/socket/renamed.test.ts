import fc from 'fast-check';
import { expect, test } from 'vitest';
import { frameHead } from '#kernel/http';
import { renamer } from './renamed.ts';

const framed = (text: string): Buffer => Buffer.concat([frameHead(Buffer.byteLength(text)), Buffer.from(text)]);

test('whatever the lengths, the frames are those one would have written with that name', () => {
  const name = fc.oneof(
    fc.string({ maxLength: 200 }),
    fc.nat(70_000).map((length) => 'n'.repeat(length)),
  );
  const frames = fc.array(
    fc.record({
      t: fc.constantFrom('batch', 'live', 'closed'),
      text: fc.oneof(
        fc.string(),
        fc.nat(70_000).map((length) => 'x'.repeat(length)),
      ),
    }),
    { maxLength: 4 },
  );
  fc.assert(
    fc.property(name, name, frames, fc.boolean(), (path, own, sent, apart) => {
      const said = (sub: string): Buffer[] => sent.map(({ t, text }) => framed(JSON.stringify({ t, sub, text })));
      const shared = apart ? said(path) : [Buffer.concat(said(path))];
      expect(Buffer.concat(renamer(path, own)(shared)).equals(Buffer.concat(said(own)))).toBe(true);
    }),
    { numRuns: 200 },
  );
});

test('bytes that are not frames of that stream are a broken invariant', () => {
  expect(() => renamer('a', 'b')([framed('{"t":"batch","sub":"c"}')])).toThrow('invariant');
});
