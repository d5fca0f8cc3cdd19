import { randomBytes } from 'node:crypto';
import { array, assert, asyncProperty, nat, uint8Array } from 'fast-check';
import { expect, test } from 'vitest';
import { crypted, newUploadKey, readUploadKey } from './upload-cipher.ts';

async function* of(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}
async function all(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test('what was written in any pieces at any offsets reads back whole', async () => {
  await assert(
    asyncProperty(
      uint8Array({ minLength: 1, maxLength: 200 }),
      array(nat(200), { maxLength: 6 }),
      async (bytes, cuts) => {
        const key = readUploadKey(newUploadKey());
        const plain = Buffer.from(bytes);
        const ends = [...new Set([...cuts.filter((cut) => cut < plain.length), plain.length])].toSorted(
          (a, b) => a - b,
        );
        const stored: Buffer[] = [];
        let at = 0;
        for (const end of ends) {
          stored.push(await all(crypted(key, at, of(plain.subarray(at, end)))));
          at = end;
        }
        const disk = Buffer.concat(stored);
        expect(await all(crypted(key, 0, of(disk.subarray(0, 7), disk.subarray(7))))).toEqual(plain);
      },
    ),
    { numRuns: 60 },
  );
});

test('the counter carries over its last byte', async () => {
  const key = { key: randomBytes(32), counter: Buffer.alloc(16, 0xff) };
  const plain = randomBytes(100);
  const whole = await all(crypted(key, 0, of(plain)));
  const tail = await all(crypted(key, 40, of(plain.subarray(40))));
  expect(whole.subarray(40)).toEqual(tail);
  expect(whole).not.toEqual(plain);
});
