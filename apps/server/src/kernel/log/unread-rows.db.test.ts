import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { FakeClock } from '#kernel/base';
import { sql } from '#kernel/db';
import { testDatabase } from '#test/database';
import { until } from '#test/until';
import { createLog } from './create-log.ts';
import type { Log, StreamKey } from './log.ts';

const database = await testDatabase();
const folder = await mkdtemp(join(tmpdir(), 'muster-rows-'));
const key = (path: string): StreamKey => ({ projectId: 'prj_a', path });
let log: Log;
let clock: FakeClock;
let made = 0;

beforeEach(async () => {
  await database.wipe();
  clock = new FakeClock();
  log = createLog({
    driver: 'disk',
    dir: join(folder, String(made++)),
    db: database.db,
    clock,
    limits: { segmentBytes: 1024 * 1024, diskFreeBytesMin: 1, janitorRows: 3 },
    fatal: (error) => {
      throw error;
    },
  });
  await log.start();
  return () => log[Symbol.asyncDispose]();
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const append = (path: string, ...messages: string[]) =>
  log.append({ key: key(path), messages: messages.map((text) => Buffer.from(text)) });

async function read(path: string): Promise<string[]> {
  const page = await log.read(key(path), 'start', { bytes: 1e6, messages: 1000 });
  return page.messages.map(({ bytes }) => Buffer.from(bytes).toString());
}

async function flushed(): Promise<void> {
  await until(async () => {
    await clock.advance(400);
    const { flushedTo, tip } = await log.barrier();
    return flushedTo === tip;
  });
}

/** First positions of the rows a path's newest stream has, when the janitor has nothing left to do. */
async function rowsOf(path: string): Promise<number[]> {
  await flushed();
  await until(async () => {
    await clock.advance(61_000);
    await flushed();
    return (await database.db.query(sql`select 1 from streams where rows_due`)).length === 0;
  });
  const rows = await database.db.query<{ seq: number }>(sql`
    select m.seq from stream_messages m where m.stream_no = (select max(stream_no) from streams where path = ${path}) order by m.seq`);
  return rows.map(({ seq }) => seq);
}

const upTo = (n: number, from = 1): number[] => Array.from({ length: n - from + 1 }, (_, i) => from + i);

test('a trim takes the rows that no fork reads, and the others when the fork trims or goes', async () => {
  await log.create({ key: key('s'), contentType: 'text/plain' });
  for (let i = 1; i <= 4; i++) await append('s', String(i));
  const { next } = await append('s', '5', '6', '7');
  await log.create({ key: key('f'), fork: { from: key('s'), at: next } });
  for (let i = 8; i <= 20; i++) await append('s', String(i));
  await log.configure(key('s'), { retention: { maxMessages: 3 } });
  await until(async () => (await log.head(key('s')))?.messages === 3);
  expect(await rowsOf('s')).toEqual([1, 2, 3, 4, 5, 18, 19, 20]);
  expect(await read('f')).toEqual(upTo(7).map(String));
  await append('f', 'own');
  await log.configure(key('f'), { retention: { maxMessages: 5 } });
  await until(async () => (await log.head(key('f')))?.messages === 5);
  expect(await rowsOf('f')).toEqual([8]);
  expect(await rowsOf('s')).toEqual([4, 5, 18, 19, 20]);
  expect(await read('f')).toEqual(['4', '5', '6', '7', 'own']);
  await log.remove(key('f'), 'deleted');
  expect(await rowsOf('f')).toEqual([]);
  expect(await rowsOf('s')).toEqual([18, 19, 20]);
});

test('of a kept source only what forks read stays, through kept forks in between, until all of it goes', async () => {
  await log.create({ key: key('a'), contentType: 'text/plain' });
  const offsets: string[] = [];
  for (let i = 1; i <= 10; i++) offsets.push((await append('a', String(i))).next);
  await log.create({ key: key('b'), fork: { from: key('a'), at: offsets[5]! } });
  for (let i = 7; i <= 9; i++) await append('b', `b${i}`);
  const middle = (await log.read(key('b'), offsets[5]!, { bytes: 100, messages: 1 })).next;
  await log.create({ key: key('c'), fork: { from: key('b'), at: middle } });
  await append('c', 'c8');
  await log.create({ key: key('d'), fork: { from: key('c'), at: offsets[1]! } });
  expect(await log.remove(key('a'), 'deleted')).toBe('kept-for-forks');
  expect(await rowsOf('a')).toEqual(upTo(6));
  expect(await log.remove(key('b'), 'deleted')).toBe('kept-for-forks');
  expect(await rowsOf('b')).toEqual([7]);
  expect(await rowsOf('a')).toEqual(upTo(6));
  expect(await read('c')).toEqual(['1', '2', '3', '4', '5', '6', 'b7', 'c8']);
  expect(await log.remove(key('c'), 'deleted')).toBe('kept-for-forks');
  expect(await rowsOf('c')).toEqual([]);
  expect(await rowsOf('b')).toEqual([]);
  expect(await rowsOf('a')).toEqual([1, 2]);
  expect(await read('d')).toEqual(['1', '2']);
  expect(await log.remove(key('d'), 'deleted')).toBe('gone');
  expect(await rowsOf('a')).toEqual([]);
  const left = await database.db.query(sql`select path from streams where removed_at is null`);
  expect(left).toEqual([]);
});
