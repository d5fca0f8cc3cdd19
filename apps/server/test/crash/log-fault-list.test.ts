/**
 * Every fault the log's design names (section 14), and the tests that stand for it. A test that is renamed or goes must be
 * replaced here: a fault without a test fails.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const folders = ['test/crash', 'test/conformance', 'src/kernel/log', 'test/scenario'];

/** Beginnings of test names. Random lives (`log-lives`, `content-lives`, `log-kill`) stand behind all of them. */
const faults: Record<string, readonly string[]> = {
  'ack before sync; sync only when the next append comes; last append before silence': [
    'held back: not read, not tailed, not in the head',
    'a quiet log syncs by itself',
    'the end of the process right after the sync, before the answer',
  ],
  'next seq from rows while frames are unflushed; a second message with the same seq hidden': [
    'positions go on behind frames that never reached the rows',
    'a row that holds something else stops the flush',
  ],
  'first segment prepared again at start hides later segments': ['a start reads every segment before it makes'],
  'torn, unacknowledged tail readable, then gone': ['a torn tail becomes readable only after'],
  'acknowledged removal or close undone': ['an acknowledged removal and close are not undone'],
  'fsync fails once, then succeeds; short write; EIO, ENOSPC at each call': ['on a write: everyone waiting is told'],
  'zero-filled file or middle': ['a zero-filled stretch in the middle', 'a missing segment, a segment without a seal'],
  'damage in the middle: valid frames kept, nothing deleted': [
    'a bad frame before good ones is acknowledged damage',
    'acceptance that was cut short is finished',
    'damage that the rows already have',
    'single frames are saved from a batch with bad frames',
    'what is lost in a source is lost in its forks',
  ],
  'recycled segment shows frames of its earlier life': [
    'a clean end: zeros, older content under another salt',
    'an older life under the same salt would still be refused',
  ],
  'rename or create without directory sync': ['power goes at ${point}: the disk forgets names'],
  'lost or corrupt cursor, cursor ahead of log, restored database, swapped volume, two processes on one directory': [
    'a lost cursor is not taken for zero',
    'moved forward over what rows do not hold',
    'moved back behind what rows hold',
    'a cursor ahead of the log: the rows are the truth',
    'a restored older database: refused by name',
    'an empty folder on a used database, a foreign folder',
    'a disk that lies about syncs',
    'two logs on one folder',
    'a folder has one owner, who is named to the next',
    'a second server on the same database is refused by name',
  ],
  'a row that poisons the flush': ['nothing can poison the flush'],
  'frames of a stream nobody touched since the restart': ['frames of a stream nobody touched since the restart'],
  'message between history and subscription; more history than a page; live frame overtaking replay; stale cursor': [
    'replay and live are the same bytes',
    'a follower that cuts over between two commits',
    'history of many pages, then live',
    'random appends, tails and cuts agree with a reference',
  ],
  'drop of a segment under a reader; drop before flush commit': [
    'a segment is not given back before Postgres holds it',
  ],
  'stop with failing flush, old owner waking up, clock jumps, partition from Postgres': [
    'a stop whose flush fails leaves everything to the log',
    'an old owner that wakes up is fenced',
    'the clock jumps an hour forward and back',
    'a commit whose answer is lost',
    'an end at every step of a flush',
  ],
  'erased body still in a cache, segment, row or live frame': [
    'other bytes in the same place, at once, for every kind of reader',
    'in the turn of its message, a live follower gets',
    'in the segment that is being written, on a quiet log',
    'in finished segments, in spares that were segments',
    'in a file that recovery put aside',
    'the process ends at any step: the next one takes it up',
    'a consumer that is behind gets what was put in its place',
    'on a real disk, found by a search through the folder',
  ],
  'Postgres away, slow, deadlock, failover to a replica behind the cursor': [
    'the database is away: appends go on within the budget',
    'so slow that the backlog is full',
    'a deadlock ends a flush',
    'a failover to a replica behind the cursor',
    'a full disk refuses appends',
  ],
  '10 000 followers, one never reads; follower cut mid-frame': [
    '10 000 of one stream, one never reads',
    'cut in the middle of a frame',
    'a follower that does not read is left alone',
    'a follower that is slow again with every page',
  ],
};

/*
 * Not here: faults of the broker (no such driver in this release); and whether cold readers slow appends down, which is a
 * question of time and answered by a benchmark.
 */

test('every fault has its tests, and they exist', async () => {
  const names = new Set<string>();
  for (const folder of folders) {
    for (const file of await readdir(join(root, folder))) {
      if (!file.endsWith('.ts')) continue;
      const text = await readFile(join(root, folder, file), 'utf8');
      for (const [, name] of text.matchAll(/\b(?:test|it)(?:\.\w+)?\(\s*[`'"]([^\n]*?)[`'"],/g))
        if (name) names.add(name);
    }
  }
  expect(names.size).toBeGreaterThan(200);
  const missing = Object.entries(faults).flatMap(([fault, tests]) =>
    tests
      .filter((begin) => ![...names].some((name) => name.replace(/^\$\{what\} /, '').startsWith(begin)))
      .map((begin) => `${fault}: ${begin}`),
  );
  expect(missing).toEqual([]);
});
