import type { GalleryBot } from '@muster/protocol';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { sql } from '#kernel/db';
import { testDatabase } from '#test/database';
import { galleryServer } from '#test/gallery-server';
import { seededId } from '../../src/gallery/seeded-id.ts';

const database = await testDatabase();
const gallery = await galleryServer(database);
const { call, must, db } = gallery;
beforeEach(() => gallery.empty());
afterAll(async () => {
  await gallery[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const seed = (body: object): ReturnType<typeof must> => must('POST', 'seed', { body });
const drawn = async (): Promise<unknown[]> =>
  db.query(
    sql`select name, username, persona_id, traits, seed, seed_index from gallery_bots order by seed_key, seed_index`,
  );

test('seed-stable: the same again, 2N keeps the first N, a rerun creates nothing', async () => {
  expect(await seed({ count: 30, seed: 7 })).toMatchObject({ state: 'done', total: 30, done: 30, changed: 30 });
  const first = await drawn();
  expect(await seed({ count: 30, seed: 7 })).toMatchObject({ changed: 0 });
  expect(await seed({ count: 60, seed: 7 })).toMatchObject({ changed: 30 });
  expect((await drawn()).slice(0, 30)).toEqual(first);
  await db.query(sql`delete from gallery_bots`);
  await seed({ count: 60, seed: 7 });
  expect((await drawn()).slice(0, 30)).toEqual(first);
});

test('a bot that is missing comes back as it was; another seed draws others', async () => {
  await seed({ count: 20, seed: 3 });
  const before = await drawn();
  await db.query(sql`delete from gallery_bots where seed_index in (4, 11)`);
  expect(await seed({ count: 20, seed: 3 })).toMatchObject({ changed: 2 });
  expect(await drawn()).toEqual(before);
  expect(await seed({ count: 20, seed: 4 })).toMatchObject({ changed: 20 });
});

test('a place has the same id anywhere; a bot drawn again after a purge has none of the acts of the one before', async () => {
  const idOf = async (): Promise<string> => {
    await seed({ count: 1, seed: 21 });
    const [row] = await db.query<{ id: string }>(sql`select id from gallery_bots where seed_key = 21`);
    return row?.id ?? '';
  };
  const drawing = { projectId: gallery.projectId, targetId: 'sandbox', seed: 21 };
  const first = await idOf();
  expect(first).toBe(seededId(drawing, 0));
  await db.query(sql`delete from gallery_bots`);
  expect(await idOf()).toBe(first);
  await db.query(sql`delete from gallery_bots`);
  await db.query(sql`
    insert into gallery_decisions (thought_id, project_id, bot_id, at, kind, why, mind, result, body)
    values ('act_of_old', ${gallery.projectId}, ${first}, now(), 'browse', 'because', 'odds', 'acted', '{}')`);
  expect(await idOf()).toBe(seededId(drawing, 0, 1));
});

test('a taken username takes the next candidate of the same draw', async () => {
  await seed({ count: 5, seed: 9 });
  const [one] = (await must('GET', 'bots?limit=200'))['items'] as GalleryBot[];
  await gallery.empty();
  await gallery.bot({ name: 'Squatter', username: one?.username });
  await seed({ count: 5, seed: 9 });
  const [again] = await db.query<{ username: string }>(
    sql`select username from gallery_bots where seed_index = ${one?.seedIndex}`,
  );
  expect(again?.username).toBeDefined();
  expect(again?.username).not.toBe(one?.username);
});

test('only the personas asked for; a dry run makes nothing and shows the first', async () => {
  const personas = ['harbor_log', 'kind_pencil'];
  const dry = await seed({ count: 40, personas, dryRun: true });
  expect(dry).toMatchObject({ id: null, state: 'preview', dryRun: true, total: 40, changed: 40 });
  expect(dry['result'].first).toHaveLength(10);
  expect(await drawn()).toEqual([]);
  await seed({ count: 40, personas });
  const counts = await db.query<{ id: string; n: number }>(sql`
    select persona_id as id, count(*)::int as n from gallery_bots group by 1 order by 1`);
  expect(counts.map(({ id }) => id)).toEqual(personas);
  expect(Object.fromEntries(counts.map(({ id, n }) => [id, n]))).toEqual(dry['result'].personas);
  expect(await call('POST', 'seed', { body: { count: 1, personas: ['nobody'] } })).toMatchObject({
    status: 400,
    body: { reason: 'no_such_persona', errors: [{ pointer: '/personas/0' }] },
  });
});

test('more than 500 are a job with progress; usernames are all different', async () => {
  const task = await seed({ count: 2_500, seed: 1 });
  expect(task).toMatchObject({ state: 'running', total: 2_500 });
  expect(await gallery.finished(task)).toMatchObject({ state: 'done', done: 2_500, changed: 2_500 });
  const [counts] = await db.query<{ n: number; names: number; personas: number }>(sql`
    select count(*)::int as n, count(distinct username)::int as names, count(distinct persona_id)::int as personas from gallery_bots`);
  expect(counts).toEqual({ n: 2_500, names: 2_500, personas: 12 });
  expect(await gallery.finished(await seed({ count: 2_500, seed: 1 }))).toMatchObject({ changed: 0 });
  expect((await must('GET', 'tasks'))['items'][0]).toMatchObject({ kind: 'seed', state: 'done' });
});

test('start: seeded bots run as soon as they have accounts', async () => {
  await seed({ count: 3, seed: 5, start: true });
  const fleet = await must('GET', 'fleet');
  expect(fleet['desired'].running).toBe(3);
});

test('a target nobody answers for: seeding waits there, starting is refused', async () => {
  await must('POST', 'targets', { body: { id: 'far', title: 'Far', baseUrl: 'https://gallery.example.com' } });
  expect(await seed({ count: 2, targetId: 'far' })).toMatchObject({ changed: 2 });
  expect(await db.query(sql`select distinct provision from gallery_bots`)).toEqual([{ provision: 'none' }]);
  expect(await call('POST', 'seed', { body: { count: 4, targetId: 'far', start: true } })).toMatchObject({
    status: 409,
    body: { reason: 'target_not_acknowledged' },
  });
  const [one] = (await must('GET', 'bots'))['items'];
  expect(await call('POST', `bots/${one.id}/start`, { body: {} })).toMatchObject({
    body: { reason: 'target_not_acknowledged' },
  });
  expect(await must('POST', 'bots/bulk', { body: { action: 'start', all: true } })).toMatchObject({
    changed: 0,
    refused: [{ reason: 'target_not_acknowledged', count: 2 }],
  });
});
