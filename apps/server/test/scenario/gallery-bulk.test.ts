import { afterAll, beforeEach, expect, test } from 'vitest';
import { sql } from '#kernel/db';
import { testDatabase } from '#test/database';
import { galleryServer } from '#test/gallery-server';

const database = await testDatabase();
const gallery = await galleryServer(database);
const { call, must, db } = gallery;
beforeEach(() => gallery.empty());
afterAll(async () => {
  await gallery[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const bulk = (body: object): ReturnType<typeof must> => must('POST', 'bots/bulk', { body });
/** Rows as a seeding and its accounts leave them, without waiting for either. */
async function rows(count: number, state: string, more: { persona?: string; desired?: string } = {}): Promise<void> {
  const { persona = null, desired = 'running' } = more;
  await must('GET', 'fleet');
  await db.query(sql`
    insert into gallery_bots (id, project_id, shard, name, username, target_id, persona_id, seed, desired, state, provision, traits)
    select 'gbt_' || lpad(n::text, 20, '0') || substr(md5(n::text || ${state}), 1, 6), ${gallery.projectId}, n % 64,
      'Bot ' || n, ${state} || '_' || n, 'sandbox', ${persona}::text, n, ${desired}, ${state}, 'done',
      '{"minIntervalMs": 86000000, "maxIntervalMs": 86400000}'
    from generate_series(1, ${count}) n`);
}
const states = async (): Promise<Record<string, number>> =>
  Object.fromEntries(
    (
      await db.query<{ state: string; n: number }>(sql`select state, count(*)::int as n from gallery_bots group by 1`)
    ).map(({ state, n }) => [state, n]),
  );

test('bulk-10k: one statement for ten thousand, and the counts are right', async () => {
  await rows(10_000, 'running');
  await must('GET', 'bots?limit=1');
  for (const action of ['pause', 'resume', 'stop']) {
    const task = await bulk({ action, all: true });
    expect(task).toMatchObject({ state: 'running', total: 10_000 });
    expect(await gallery.finished(task)).toMatchObject({
      state: 'done',
      done: 10_000,
      changed: 10_000,
      refused: [],
      confirmed: true,
    });
  }
  expect(await states()).toEqual({ idle: 10_000 });
  expect((await must('GET', 'activity?type=paused&limit=1'))['items']).toHaveLength(1);
  const told = await db.query<{ type: string; n: number; statements: number }>(sql`
    select type, count(*)::int as n, count(distinct at)::int as statements from gallery_activity
     where type in ('paused', 'resumed', 'stopped') group by 1 order by 1`);
  expect(told).toEqual(['paused', 'resumed', 'stopped'].map((type) => ({ type, n: 10_000, statements: 1 })));
});

test('each does what its label says: by ids, by persona, by filter, all', async () => {
  await rows(4, 'running', { persona: 'gig_poster' });
  await rows(3, 'paused', { persona: 'tram_tally', desired: 'paused' });
  await rows(2, 'idle', { desired: 'stopped' });
  expect(await bulk({ action: 'pause', filter: { persona: 'gig_poster' } })).toMatchObject({
    total: 4,
    changed: 4,
    confirmed: true,
  });
  expect(await states()).toEqual({ paused: 7, idle: 2 });
  expect(await bulk({ action: 'resume', filter: { persona: 'tram_tally' } })).toMatchObject({ changed: 3 });
  expect(await bulk({ action: 'stop', filter: { state: 'paused' } })).toMatchObject({ total: 4, changed: 4 });
  expect(await states()).toEqual({ running: 3, idle: 6 });
  const ids = (await must('GET', 'bots?state=idle'))['items'].map((one: { id: string }) => one.id).slice(0, 2);
  expect(await bulk({ action: 'start', ids })).toMatchObject({ total: 2, changed: 2 });
  expect(await bulk({ action: 'stop', all: true })).toMatchObject({ total: 9, changed: 5 });
  expect(await states()).toEqual({ idle: 9 });
});

test('a dry run counts and changes nothing', async () => {
  await rows(5, 'running');
  await rows(2, 'idle', { desired: 'stopped' });
  const before = await db.query(sql`select id, state, generation from gallery_bots order by id`);
  expect(await bulk({ action: 'pause', all: true, dryRun: true })).toMatchObject({
    id: null,
    state: 'preview',
    dryRun: true,
    total: 7,
    changed: 5,
    refused: [{ reason: 'not_running', count: 2 }],
  });
  expect(await db.query(sql`select id, state, generation from gallery_bots order by id`)).toEqual(before);
  expect((await must('GET', 'activity'))['items']).toEqual([]);
});

test('what may not be is refused by reason, the rest is done; unknown ids are counted', async () => {
  await rows(3, 'running');
  await rows(2, 'idle', { desired: 'stopped' });
  const ids = (await must('GET', 'bots'))['items'].map((one: { id: string }) => one.id);
  expect(await bulk({ action: 'pause', ids: [...ids, 'gbt_00000000000000000000000000'] })).toMatchObject({
    total: 6,
    done: 6,
    changed: 3,
    refused: [
      { reason: 'not_running', count: 2 },
      { reason: 'no_such_gallery_bot', count: 1 },
    ],
  });
});

test('delete, restore and purge of many; purging needs admin', async () => {
  await rows(3, 'running');
  await bulk({ action: 'delete', all: true });
  expect(await states()).toEqual({ deleted: 3 });
  expect((await must('GET', 'bots'))['items']).toEqual([]);
  await bulk({ action: 'restore', all: true });
  expect(await states()).toEqual({ idle: 3 });
  await bulk({ action: 'delete', all: true });
  const token = await gallery.keyWith(['gallery:operate']);
  expect(await call('POST', 'bots/bulk', { token, body: { action: 'purge', all: true } })).toMatchObject({
    status: 403,
  });
  expect(await bulk({ action: 'purge', all: true })).toMatchObject({ changed: 3 });
});

test('bots of another project are out of reach', async () => {
  await rows(2, 'running');
  const [one] = (await must('GET', 'bots'))['items'];
  const token = await gallery.keyWith(['gallery:admin'], await gallery.project());
  expect(await must('POST', 'bots/bulk', { token, body: { action: 'stop', ids: [one.id] } })).toMatchObject({
    changed: 0,
    refused: [{ reason: 'no_such_gallery_bot', count: 1 }],
  });
  expect(await must('POST', 'bots/bulk', { token, body: { action: 'stop', all: true } })).toMatchObject({ total: 0 });
  expect(await states()).toEqual({ running: 2 });
});
