import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { alignedMemory, isAligned } from './aligned-memory.ts';
import { realDisk } from './disk.ts';
import { memoryFrom } from './frame.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'muster-disk-'));
});
afterAll(() => rm(dir, { recursive: true }));

const size = 64 * 1024;

test('aligned memory starts on a boundary, ordinary memory is never taken for it', () => {
  const { bytes, words } = alignedMemory(100_000);
  expect([bytes.length, words.length]).toEqual([100_000, 25_000]);
  words[128] = 0x0403_0201;
  expect([...bytes.subarray(512, 516)]).toEqual([1, 2, 3, 4]);
  expect(isAligned(bytes, 512, 2048, 512)).toBe(true);
  expect(isAligned(bytes, 512, 2000, 512)).toBe(false);
  expect(isAligned(bytes, 500, 1012, 512)).toBe(false);
  expect(isAligned(bytes.subarray(8), 504, 1016, 512)).toBe(true);
  expect(isAligned(memoryFrom(Buffer.alloc(1024)).bytes, 0, 512, 512)).toBe(false);
});

test('direct and ordinary synced writes to one file, in any order, are all there', async () => {
  const write = fc.record({ at: fc.nat(size - 1), length: fc.integer({ min: 1, max: 9000 }), sectors: fc.boolean() });
  const memory = alignedMemory(size);
  await fc.assert(
    fc.asyncProperty(fc.array(write, { maxLength: 20 }), async (writes) => {
      const path = join(dir, 'mixed');
      const model = Buffer.alloc(size);
      await writeFile(path, model);
      const file = await realDisk().open(path, 'write', { synced: true });
      for (const [i, { at, length, sectors }] of writes.entries()) {
        const from = sectors ? at - (at % 512) : at;
        const to = Math.min(size, sectors ? from + Math.ceil(length / 512) * 512 : from + length);
        memory.bytes.fill(i + 1, from, to);
        model.fill(i + 1, from, to);
        await file.write(sectors ? memory.bytes : Buffer.from(memory.bytes), from, to, from);
        const read = Buffer.alloc(to - from);
        await file.read(read, from);
        expect(read.equals(model.subarray(from, to))).toBe(true);
      }
      await file.close();
      expect((await readFile(path)).equals(model)).toBe(true);
    }),
    { numRuns: 30 },
  );
});

test('a file that is made anew grows with what is written', async () => {
  const path = join(dir, 'new');
  const file = await realDisk().open(path, 'create', { synced: true });
  const { bytes } = alignedMemory(1024);
  bytes.fill(7);
  await file.write(bytes, 0, 1024, 0);
  await file.write(bytes, 0, 3, 1024);
  expect(await file.size()).toBe(1027);
  await file.close();
  await expect(realDisk().open(path, 'create', { synced: true })).rejects.toMatchObject({ code: 'EEXIST' });
});
