import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '#kernel/base';
import { Batch } from './commit.ts';
import { realDisk } from './disk.ts';
import { DiskJournal, type ResumeAt } from './disk-journal.ts';
import { silentEvents } from './events.ts';
import { FrameIndex } from './frame-index.ts';
import { shapeLimits } from './limits.ts';
import { lsnOf, segmentHeaderBytes, segmentName, segmentOf } from './segment.ts';
import { Spares } from './spares.ts';
import { Tape } from './tape.ts';

const limits = shapeLimits({ segmentBytes: 256 * 1024, commitBytesMax: 16 * 1024, tapeChunkBytes: 64 * 1024 });
const disk = realDisk();
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'muster-journal-'));
});
afterEach(() => rm(dir, { recursive: true }));

async function journalOver(ready: number): Promise<{ journal: DiskJournal; spares: Spares; unprepared: number[] }> {
  for (let i = 0; i < ready; i++) await writeFile(join(dir, `${i}.spare`), Buffer.alloc(limits.segmentBytes));
  const unprepared: number[] = [];
  const events: typeof silentEvents = {
    ...silentEvents,
    segment: (what, { no }) => void (what === 'unprepared' && unprepared.push(no as number)),
  };
  const parts = { disk, dir, clock: systemClock, limits, events };
  const spares = new Spares(parts);
  await spares.find();
  const index = new FrameIndex(
    () => undefined,
    (error) => {
      throw error;
    },
  );
  const journal = new DiskJournal({ ...parts, spares, index: () => index });
  const plan = { no: 1, previous: 0, previousEnd: 0, firstBatchNo: 1, salt: Buffer.from('saltsalt') };
  const at: ResumeAt = {
    walId: '00000000-0000-4000-8000-000000000000',
    term: 1,
    file: undefined,
    plan,
    position: segmentHeaderBytes,
    nextBatchNo: 1,
    segments: [],
  };
  await journal.resume(at);
  return { journal, spares, unprepared };
}

/** One batch of that many bytes; where it went. */
async function put(journal: DiskJournal, tape: Tape, bytes: number): Promise<number> {
  const place = journal.place(bytes);
  const batch = new Batch(place, tape.chunkAt(place.lsn, bytes), bytes, 0);
  batch.cursor = batch.start + bytes;
  batch.chunk.used = batch.start + bytes;
  journal.placed(batch);
  await journal.commit(batch);
  return place.lsn;
}

test('a file that grows is left for a prepared one, and only then', async () => {
  const { journal, spares, unprepared } = await journalOver(0);
  const tape = new Tape(limits.tapeChunkBytes, limits.tapeBytes);
  const first = await put(journal, tape, 2048);
  const second = await put(journal, tape, 2048);
  expect([segmentOf(first), segmentOf(second)]).toEqual([1, 1]);
  while (spares.ready < 2) await new Promise((resolve) => setImmediate(resolve));
  const third = await put(journal, tape, 2048);
  const fourth = await put(journal, tape, 2048);
  expect([third, fourth]).toEqual([lsnOf(2, segmentHeaderBytes), lsnOf(2, segmentHeaderBytes + 2048)]);
  expect(unprepared).toEqual([1, 1]);
  expect((await stat(join(dir, segmentName(2)))).size).toBe(limits.segmentBytes);
  expect(journal.between(first, fourth)).toBe(segmentHeaderBytes + 2 * 2048 - segmentHeaderBytes + 512 + 512 + 2048);
  expect(journal.between(third, fourth)).toBe(2048);
  await spares.stop();
  await journal.close();
});

test('with prepared files there is no other', async () => {
  const { journal, spares, unprepared } = await journalOver(2);
  const tape = new Tape(limits.tapeChunkBytes, limits.tapeBytes);
  for (let i = 0; i < 5; i++) expect(segmentOf(await put(journal, tape, 4096))).toBe(1);
  expect(unprepared).toEqual([]);
  await spares.stop();
  await journal.close();
});
