import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { realDisk } from './disk.ts';
import { SegmentIndex } from './frame-index.ts';
import { lsnOf, sideFileName } from './segment.ts';
import { SideFile, writeSideFile } from './side-file.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'muster-side-'));
});
afterAll(() => rm(dir, { recursive: true }));

const salt = Buffer.from('12345678');
const disk = realDisk();

/** Streams 1…`streams`, frames of 1 to 3 messages in turn, so that one stream's frames are spread over the segment. */
function filled(no: number, frames: number, streams: number): { index: SegmentIndex; tails: number[] } {
  const index = new SegmentIndex(no, 100, salt);
  const tails = Array.from({ length: streams + 1 }, () => 1);
  for (let i = 0; i < frames; i++) {
    const streamNo = 1 + ((i * 7) % streams);
    index.add(streamNo, tails[streamNo]!, lsnOf(no, 512 + i * 64), 60 + (i % 5), 100 + (i >> 2));
    tails[streamNo]! += 1 + (i % 3);
  }
  return { index, tails };
}

test('answers like the index in memory, also across pages and for what it does not hold', async () => {
  const { index, tails } = filled(1, 3000, 11);
  const side = await writeSideFile(disk, dir, index);
  for (const streamNo of [0, 1, 2, 6, 11, 12]) {
    for (const seq of [0, 1, 2, 3, 250, 254, 255, 300, (tails[streamNo] ?? 1) - 1]) {
      for (const limit of [1, 3, 200])
        expect(await side.find(streamNo, seq, limit), `${streamNo} ${seq} ${limit}`).toEqual(
          index.find(streamNo, seq, limit),
        );
    }
  }
  await side.close();
  const opened = await SideFile.open(disk, dir, 1, salt);
  expect(await opened?.find(3, 100, 5)).toEqual(index.find(3, 100, 5));
  await opened?.close();
});

test('missing, damaged, of another life or another segment: it is not trusted', async () => {
  expect(await SideFile.open(disk, dir, 77, salt)).toBeUndefined();
  const { index } = filled(2, 500, 3);
  await (await writeSideFile(disk, dir, index)).close();
  const path = join(dir, sideFileName(2));
  const good = await readFile(path);
  expect(await SideFile.open(disk, dir, 2, Buffer.from('87654321'))).toBeUndefined();
  await writeFile(join(dir, sideFileName(3)), good);
  expect(await SideFile.open(disk, dir, 3, salt)).toBeUndefined();
  for (const at of [0, 20, 510, 600, 4590, 4606, good.length - 1]) {
    const bad = Buffer.from(good);
    bad[at]! ^= 0x10;
    await writeFile(path, bad);
    expect(await SideFile.open(disk, dir, 2, salt), `byte ${at}`).toBeUndefined();
  }
  await writeFile(path, good.subarray(0, good.length - 4096));
  expect(await SideFile.open(disk, dir, 2, salt)).toBeUndefined();
  await writeFile(path, good);
  const side = await SideFile.open(disk, dir, 2, salt);
  await writeFile(path, Buffer.concat([good.subarray(0, 512), Buffer.alloc(good.length - 512)]));
  await expect(side?.find(1, 1, 1)).rejects.toThrow('damaged');
  await side?.close();
});
