import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { sql } from '#kernel/db';
import { type BuildsRoom, buildsRoom, operator } from '#test/builds-room';
import { seedBuilds, seedWorker } from '#test/builds-seed';
import { testDatabase } from '#test/database';
import { waitingOf } from './estimate-wait.ts';
import { listQueues } from './list-queues.ts';
import { readBuildRows } from './queries/build-row.ts';
import type { Estimate } from './waiting-reason.ts';

const database = await testDatabase();
let room: BuildsRoom;
beforeEach(async () => {
  await database.wipe();
  room = await buildsRoom(database.db);
});
afterEach(() => room[Symbol.asyncDispose]());
afterAll(() => database[Symbol.asyncDispose]());

const { db } = database;
const waiting = async (ids: string[]): Promise<Map<string, Estimate>> =>
  waitingOf(room.room, db, await readBuildRows(db, ids));
const listed = () => listQueues(room.room, operator, { limit: 50 });

/** So many runs of each length that ended well. */
async function pastRuns(runMs: number[], platform: 'linux' | 'macos' = 'linux', queue = 'default'): Promise<void> {
  const ids = await seedBuilds(room.room, runMs.length, { platform, queue });
  for (const [i, id] of ids.entries()) {
    await db.query(sql`update builds set state = 'succeeded', assigned_at = now() - ${runMs[i]}::float8 * interval '1 ms',
      finished_at = now() where id = ${id}`);
  }
}

async function hold(workerId: string, id: string, sinceMs: number, key = false): Promise<void> {
  await db.query(sql`update builds set state = 'running', worker_id = ${workerId}, worker_seat = 0, lease_until = now() + interval '1 h',
    key_seat = case when ${key} then 0 end, assigned_at = now() - ${sinceMs}::float8 * interval '1 ms' where id = ${id}`);
}

test('position counts the demand’s builds before it: higher priority first, then the older', async () => {
  const [first, second] = await seedBuilds(room.room, 2);
  const [urgent] = await seedBuilds(room.room, 1, { priority: 5 });
  const [other] = await seedBuilds(room.room, 1, { platform: 'macos' });
  const found = await waiting([first!, second!, urgent!, other!]);
  expect([urgent, first, second, other].map((id) => found.get(id!)?.position)).toEqual([0, 1, 2, 0]);
});

test('what is not queued has no reason to wait', async () => {
  const [id] = await seedBuilds(room.room, 1);
  const { workerId } = await seedWorker(room.room);
  await hold(workerId, id!, 0);
  expect((await waiting([id!, 'bld_none'])).size).toBe(0);
});

test('estimates from the last runs of the demand, or of its platform while there are too few', async () => {
  await pastRuns([9_000, 10_000, 11_000, 10_000, 10_000], 'linux', 'other');
  const { workerId } = await seedWorker(room.room);
  const [running, next, after] = await seedBuilds(room.room, 3);
  await hold(workerId, running!, 4_000);
  const found = await waiting([next!, after!]);
  const near = (ms: number | null | undefined, wanted: number) =>
    expect(Math.abs((ms ?? 0) - wanted)).toBeLessThan(500);
  near(found.get(next!)?.etaMs, 6_000);
  near(found.get(after!)?.etaMs, 16_000);
  expect(found.get(next!)?.waiting.reason).toBe('workers_busy');
  expect(found.get(after!)?.waiting.reason).toBe('in_line');
  await pastRuns([1_000, 1_000, 1_000, 1_000, 1_000]);
  near((await waiting([after!])).get(after!)?.etaMs, 1_100);
});

test('too few runs anywhere: no estimate, but a reason', async () => {
  await pastRuns([10_000, 10_000, 10_000, 10_000]);
  await seedWorker(room.room);
  const [id] = await seedBuilds(room.room, 1);
  expect((await waiting([id!])).get(id!)).toMatchObject({ etaMs: null, waiting: { reason: 'in_line' } });
});

test('names the build that holds the key', async () => {
  const { workerId } = await seedWorker(room.room, { seats: 2 });
  const [holder, id] = await seedBuilds(room.room, 2, { key: 'main' });
  await hold(workerId, holder!, 0, true);
  const found = (await waiting([id!])).get(id!);
  expect(found?.waiting).toMatchObject({ reason: 'key_busy', detail: expect.stringContaining(holder!) });
});

test('a pause whose time is over holds nothing back', async () => {
  const [id] = await seedBuilds(room.room, 1);
  await db.query(
    sql`update queues set paused_at = now(), paused_by = 'x', pause_reason = 'y', resumes_at = now() + interval '1 h'`,
  );
  expect((await waiting([id!])).get(id!)?.waiting.reason).toBe('queue_paused');
  await db.query(sql`update queues set resumes_at = now() - interval '1 s'`);
  expect((await waiting([id!])).get(id!)?.waiting.reason).toBe('no_matching_worker');
});

test('queues show depth, waits, runs and workers per demand', async () => {
  await pastRuns([10_000, 10_000, 10_000, 10_000, 20_000]);
  const { workerId } = await seedWorker(room.room, { seats: 2 });
  await seedWorker(room.room, { platforms: ['macos'] });
  const [running] = await seedBuilds(room.room, 3);
  await hold(workerId, running!, 0);
  await seedBuilds(room.room, 1, { platform: 'ios', queue: 'slow', requires: { gpu: 'a100' } });
  const { items, nextCursor } = await listed();
  expect(nextCursor).toBeNull();
  expect(items.map(({ name, depth, running, paused }) => ({ name, depth, running, paused }))).toEqual([
    { name: 'default', depth: 2, running: 1, paused: null },
    { name: 'slow', depth: 1, running: 0, paused: null },
  ]);
  expect(items[0]?.demands[0]).toMatchObject({
    platform: 'linux',
    requires: {},
    depth: 2,
    running: 1,
    workersOnline: 1,
    seatsFree: 1,
    runMsP50: 10_000,
  });
  expect(items[1]?.demands[0]).toMatchObject({
    platform: 'ios',
    requires: { gpu: 'a100' },
    workersOnline: 0,
    seatsFree: 0,
    etaMs: null,
  });
  expect(items[1]?.oldestWaitMs).toBeGreaterThanOrEqual(0);
});

test('queues of another project are not shown, and pages go by name', async () => {
  for (const queue of ['a', 'b', 'c']) await seedBuilds(room.room, 1, { queue });
  const first = await listQueues(room.room, operator, { limit: 2 });
  expect([first.items.map((queue) => queue.name), first.nextCursor]).toEqual([['a', 'b'], 'b']);
  const second = await listQueues(room.room, operator, { limit: 2, cursor: 'b' });
  expect([second.items.map((queue) => queue.name), second.nextCursor]).toEqual([['c'], null]);
  const stranger = { ...operator, projectId: 'prj_elsewhere' };
  expect((await listQueues(room.room, stranger, { limit: 50 })).items).toEqual([]);
});
