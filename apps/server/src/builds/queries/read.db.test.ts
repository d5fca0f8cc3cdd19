import { afterAll, beforeEach, expect, test } from 'vitest';
import { sql } from '#kernel/db';
import { projectId, seedBuild, seedProject, seedWorker } from '#test/build-seeds';
import { testDatabase } from '#test/database';
import { readFilter } from '../list-builds.ts';
import { countBuilds, listBuilds, readScanEnd } from './read.ts';
import { readStats, readWorkerMs } from './stats.ts';

const database = await testDatabase();
const { db } = database;
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(() => database.wipe());

const ids = async (
  filter: Parameters<typeof readFilter>[0],
  page: { before?: string; limit?: number; scanMax?: number } = {},
): Promise<string[]> =>
  (await listBuilds(db, projectId, readFilter(filter), { limit: 50, ...page })).map((row) => row.id);

test('every filter narrows, newest first, and another project is never seen', async () => {
  const a = await seedBuild(db, { queue: 'slow', tags: { team: 'web', keep: '' }, name: 'Nightly iOS' });
  const b = await seedBuild(db, { state: 'running', platform: 'ios', ckey: 'main', tags: { team: 'app' } });
  const c = await seedBuild(db, { state: 'failed' });
  const other = await seedBuild(db, { projectId: await seedProject(db), tags: { team: 'web' }, name: 'nightly' });
  expect(await ids({})).toEqual([c, b, a]);
  expect(await ids({ state: 'queued,running' })).toEqual([b, a]);
  expect(await ids({ queue: 'slow' })).toEqual([a]);
  expect(await ids({ platform: 'ios' })).toEqual([b]);
  expect(await ids({ tag: 'team' })).toEqual([b, a]);
  expect(await ids({ tag: 'team=web' })).toEqual([a]);
  expect(await ids({ key: 'main' })).toEqual([b]);
  expect(await ids({ q: 'nightly' })).toEqual([a]);
  expect(await ids({ q: c })).toEqual([c]);
  expect(await ids({ q: other })).toEqual([]);
  expect(await ids({ since: '2020-01-01T00:00:00Z', until: '2099-01-01T00:00:00Z' })).toEqual([c, b, a]);
  expect(await ids({ until: '2020-01-01T00:00:00Z' })).toEqual([]);
  expect(await ids({ since: '2099-01-01T00:00:00Z' })).toEqual([]);
  expect(await ids({}, { before: c, limit: 1 })).toEqual([b]);
});

test('by what failed, by attempts and by the beginning of an id; the count is that of the list', async () => {
  const a = await seedBuild(db, { state: 'failed' });
  const b = await seedBuild(db, { state: 'running' });
  await db.query(
    sql`update builds set failure = '{"code": "timed_out", "attribution": "user", "detail": "x"}'::jsonb where id = ${a}`,
  );
  await db.query(sql`update builds set term = 2 where id = ${b}`);
  expect(await ids({ failure: 'timed_out' })).toEqual([a]);
  expect(await ids({ failure: 'lease_lost' })).toEqual([]);
  expect(await ids({ attribution: 'user' })).toEqual([a]);
  expect(await ids({ attribution: 'host' })).toEqual([]);
  expect(await ids({ retried: true })).toEqual([b]);
  expect(await ids({ q: a.slice(0, -1) })).toContain(a);
  expect(await ids({ q: a.slice(4) })).toEqual([]);
  expect(await ids({ ids: `${a},bld_none` })).toEqual([a]);
  expect(await ids({ ids: `${a},${b}`, state: 'running' })).toEqual([b]);
  expect(await countBuilds(db, projectId, readFilter({}), 10)).toBe(2);
  expect(await countBuilds(db, projectId, readFilter({}), 1)).toBe(1);
  expect(await countBuilds(db, projectId, readFilter({ failure: 'timed_out' }), 10)).toBe(1);
});

test('by worker: also builds that an earlier attempt had there', async () => {
  const build = await seedBuild(db, { state: 'running' });
  const worker = await seedWorker(db);
  await db.query(
    sql`insert into build_attempts (build_id, term, worker_id, state, ended_at, outcome) values (${build}, 7, ${worker}, 'ended', now(), 'lost')`,
  );
  await seedBuild(db);
  expect(await ids({ worker })).toEqual([build]);
});

test('a search reads so many rows and says where it stopped', async () => {
  const all: string[] = [];
  for (let n = 0; n < 10; n++) all.unshift(await seedBuild(db, { name: n === 0 ? 'needle' : 'hay' }));
  const filter = readFilter({ q: 'needle' });
  expect(await ids({ q: 'needle' }, { scanMax: 4 })).toEqual([]);
  const end = await readScanEnd(db, projectId, filter, { scanMax: 4 });
  expect(end).toBe(all[4]);
  expect(await ids({ q: 'needle' }, { scanMax: 4, before: all[4] ?? '' })).toEqual([all[9]]);
  expect(await readScanEnd(db, projectId, filter, { scanMax: 4, before: all[8] ?? '' })).toBeUndefined();
});

test('stats count what was open in the window, and measure what ended or was taken in it', async () => {
  await seedBuild(db, { queue: 'a' });
  await seedBuild(db, { queue: 'a', state: 'running' });
  const won = await seedBuild(db, { queue: 'b', state: 'succeeded' });
  const lost = await seedBuild(db, { queue: 'b', state: 'failed' });
  await seedBuild(db, { queue: 'b', state: 'succeeded', endedDays: 3 });
  await db.query(sql`
    update builds set submitted_at = now() - interval '70 s', assigned_at = now() - interval '60 s', finished_at = now() - interval '30 s' where id = ${won}`);
  await db.query(sql`
    update builds set submitted_at = now() - interval '2 days', assigned_at = now() - interval '2 days', finished_at = now() where id = ${lost}`);
  const worker = await seedWorker(db);
  await db.query(
    sql`insert into build_attempts (build_id, term, worker_id, state, ended_at, outcome, worker_ms) values (${won}, 1, ${worker}, 'ended', now(), 'succeeded', 30000)`,
  );
  const day = 86_400_000;
  const [all] = await readStats(db, projectId, day, undefined);
  expect(all).toMatchObject({
    group: null,
    submitted: 3,
    finished: 2,
    succeeded: 1,
    states: { queued: 1, running: 1, succeeded: 1, failed: 1 },
  });
  expect(Math.round(all?.waitMsP50 ?? 0)).toBe(10_000);
  expect(Math.round(all?.runMsP95 ?? 0)).toBeGreaterThan(day);
  const byQueue = await readStats(db, projectId, day, 'queue');
  expect(byQueue.map(({ group, finished, waitMsP50 }) => [group, finished, waitMsP50 === null])).toEqual([
    ['a', 0, true],
    ['b', 2, false],
  ]);
  expect(await readWorkerMs(db, projectId, day, 'worker')).toEqual([{ group: worker, workerMs: 30_000 }]);
  expect(await readStats(db, projectId, day, 'platform')).toHaveLength(1);
  expect(await readStats(db, await seedProject(db), day, undefined)).toEqual([]);
});
