import { expect, test } from 'vitest';
import { formatOf, MagicReader } from './source-format.ts';

const bytes = (hex: string): Uint8Array => Buffer.from(hex, 'hex');

test.each([
  ['504b0304', 'zip'],
  ['504b0506', 'zip'],
  ['1f8b0800', 'tar.gz'],
  ['28b52ffd', 'tar.zst'],
  ['504b0102', undefined],
  ['1f8b', undefined],
  ['', undefined],
  ['377abcaf', undefined],
])('%s is %s', (hex, format) => {
  expect(formatOf(bytes(hex))).toBe(format);
});

async function* chunks(...parts: string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield bytes(part);
}

test('the format is seen across single-byte chunks, and every byte passes', async () => {
  const magic = new MagicReader();
  const out: number[] = [];
  for await (const chunk of magic.through(chunks('50', '4b', '03', '04', 'aabb'))) out.push(...chunk);
  expect(magic.format()).toBe('zip');
  expect(Buffer.from(out).toString('hex')).toBe('504b0304aabb');
});

test('a wrong archive is refused at its fourth byte, before the rest is read', async () => {
  let read = 0;
  async function* source(): AsyncGenerator<Uint8Array> {
    for (;;) {
      read += 1;
      yield bytes('00000000');
    }
  }
  await expect(
    (async () => {
      for await (const chunk of new MagicReader().through(source())) void chunk;
    })(),
  ).rejects.toMatchObject({ code: 'invalid', reason: 'source_format' });
  expect(read).toBe(1);
});

test('a file shorter than its magic is refused when asked', () => {
  expect(() => new MagicReader().format()).toThrowError(/none of zip/);
});
