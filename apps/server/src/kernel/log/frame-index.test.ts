import { expect, test } from 'vitest';
import { FrameIndex, SegmentIndex } from './frame-index.ts';
import { type Birth, StreamHead } from './head.ts';
import { lsnOf } from './segment.ts';

const salt = new Uint8Array(8);
const birth = (streamNo: number): Birth => ({
  streamNo,
  key: { projectId: 'p', path: `s/${streamNo}` },
  shard: 0,
  contentType: 'text/plain',
  eras: [{ era: 1, first: 1 }],
  createdAt: 1,
  configuration: {},
});

test('an index that left lets go of everything, and the next one takes its columns', () => {
  const first = new SegmentIndex(1, 1, salt);
  const list = first.add(5, 1, lsnOf(1, 512), 60, 1);
  for (let seq = 2; seq <= 3000; seq++) first.add(5, seq, lsnOf(1, 512 + seq * 64), 60, seq, list);
  const next = new SegmentIndex(2, 4000, salt, first.leave());
  expect([list.owner, list.ordinals.length, first.find(5, 1, 1)]).toEqual([undefined, 0, undefined]);
  expect(next.find(5, 1, 1)).toBeUndefined();
  const again = next.add(5, 3001, lsnOf(2, 512), 61, 4001, list);
  expect(again).not.toBe(list);
  expect(next.find(5, 3001, 9)).toEqual([{ firstSeq: 3001, lsn: lsnOf(2, 512), bytes: 61, batchNo: 4001 }]);
});

test('a stream that rests does not keep a segment in memory; what its side file says is found', async () => {
  const full: SegmentIndex[] = [];
  const index = new FrameIndex(
    (one) => full.push(one),
    (error) => {
      throw error;
    },
  );
  const resting = new StreamHead(birth(1));
  const busy = new StreamHead(birth(2));
  for (const no of [1, 2, 3]) index.plan(no, no * 100, salt);
  index.add(resting, 1, lsnOf(1, 512), 60, 100);
  for (let no = 1; no <= 3; no++) index.add(busy, no, lsnOf(no, 1024), 60, no * 100);
  expect(full.map(({ no }) => no)).toEqual([1, 2]);
  expect(await index.find(1, 1, 1)).toMatchObject([{ lsn: lsnOf(1, 512) }]);
  const place = { firstSeq: 1, lsn: lsnOf(1, 512), bytes: 60, batchNo: 100 };
  index.replace(1, { find: (no) => Promise.resolve(no === 1 ? [place] : undefined) });
  expect(resting.frames?.owner).toBeUndefined();
  expect(await index.find(1, 1, 1)).toEqual([place]);
  expect(await index.find(2, 2, 5)).toMatchObject([{ firstSeq: 2 }]);
  expect(index.find(2, 3, 5)).toMatchObject([{ firstSeq: 3 }]);
});
