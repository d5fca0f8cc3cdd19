import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from '#kernel/db';
import { type Answered, type BuildsServer, buildsServer } from '#test/builds-server';
import { testDatabase } from '#test/database';
import { until } from '#test/until';

const database = await testDatabase();
let server: BuildsServer;
beforeAll(async () => {
  server = await buildsServer(database);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const many = async (count: number, build: object = {}): Promise<string[]> => {
  const ids: string[] = [];
  for (let n = 0; n < count; n++) ids.push((await server.submitted({ build })).id);
  return ids;
};
const bulk = (body: object): Promise<Answered> => server.call('POST', '/v1/builds/bulk', { body });
async function done(body: object): Promise<Answered['body']> {
  const asked = await bulk(body);
  expect(asked).toMatchObject({ status: 202, body: { dryRun: false } });
  const read = async (): Promise<Answered['body']> =>
    (await server.call('GET', `/v1/builds/bulk/${asked.body['jobId']}`)).body;
  await until(async () => (await read())['state'] === 'done');
  return await read();
}
const states = async (ids: readonly string[]): Promise<string[]> =>
  (
    await server.db.query<{ state: string }>(sql`select state from builds where id = any(${ids}::text[]) order by id`)
  ).map((row) => row.state);

test('bulk-cancel-dry-run: the count first, nothing moved; then all of them, and the finished one said so', async () => {
  const ids = await many(5, { queue: 'sweep' });
  await server.call('POST', `/v1/builds/${ids[0]}/cancel`, { body: {} });
  const filter = { queue: 'sweep', state: 'queued,assigned,running' };
  expect(await bulk({ action: 'cancel', filter, dryRun: true })).toMatchObject({
    status: 202,
    body: { jobId: null, matched: 4, dryRun: true, state: 'preview', done: 0 },
  });
  expect(await states(ids)).toEqual(['cancelled', 'queued', 'queued', 'queued', 'queued']);
  expect(await done({ action: 'cancel', filter, reason: 'spring cleaning' })).toMatchObject({
    matched: 4,
    done: 4,
    refused: [],
  });
  expect(new Set(await states(ids))).toEqual(new Set(['cancelled']));
  expect(
    await server.db.query(
      sql`select distinct stop_reason, stop_detail from builds where queue = 'sweep' and stop_reason = 'bulk'`,
    ),
  ).toEqual([{ stop_reason: 'bulk', stop_detail: 'spring cleaning' }]);
});

test('a dry run says what would be left out and why; a stopped action leaves the rest as it is', async () => {
  const ids = await many(3, { queue: 'halt' });
  await server.call('POST', `/v1/builds/${ids[0]}/cancel`, { body: {} });
  const unknown = 'bld_00000000000000000000000000';
  expect((await bulk({ action: 'retry', ids: [...ids, unknown], dryRun: true })).body).toMatchObject({
    matched: 3,
    excluded: { not_finished: 2, no_such_build: 1 },
  });
  expect((await bulk({ action: 'cancel', filter: { queue: 'halt', q: 'bld_' }, dryRun: true })).body).toMatchObject({
    matched: 3,
    excluded: {},
  });
  const { jobId } = await done({ action: 'addTags', ids, tags: { a: '1' } });
  expect((await server.call('POST', `/v1/builds/bulk/${jobId}/stop`, { body: {} })).body).toMatchObject({
    state: 'done',
    done: 3,
  });
  await server.db.query(
    sql`update build_bulks set state = 'running', done = 1, finished_at = null where id = ${jobId}`,
  );
  expect((await server.call('POST', `/v1/builds/bulk/${jobId}/stop`, { body: {} })).body).toMatchObject({
    state: 'done',
    done: 1,
    stopped: true,
  });
});

test('priorities of what is queued; what is not is refused with its reason', async () => {
  const ids = await many(3, { queue: 'prio' });
  await server.call('POST', `/v1/builds/${ids[1]}/cancel`, { body: {} });
  const unknown = 'bld_00000000000000000000000000';
  expect(await done({ action: 'setPriority', ids: [...ids, unknown], priority: 42 })).toMatchObject({
    matched: 4,
    done: 4,
    refused: [
      { id: ids[1], reason: 'finished' },
      { id: unknown, reason: 'no_such_build' },
    ],
  });
  expect(await server.db.query(sql`select priority from builds where id = any(${ids}::text[]) order by id`)).toEqual([
    { priority: 42 },
    { priority: 0 },
    { priority: 42 },
  ]);
});

test('tags are added to what is there', async () => {
  const [id = ''] = await many(1, { tags: { a: '1' } });
  await done({ action: 'addTags', ids: [id], tags: { b: '2', a: '3' } });
  expect((await server.call('GET', `/v1/builds/${id}`)).body).toMatchObject({ tags: { a: '3', b: '2' }, version: 2 });
});

test('retries: one new build each, with the reason where there is none', async () => {
  const ids = await many(3, { queue: 'again' });
  await done({ action: 'cancel', ids: ids.slice(0, 2) });
  expect(await done({ action: 'retry', ids })).toMatchObject({
    done: 3,
    refused: [{ id: ids[2], reason: 'not_finished' }],
  });
  expect(
    await server.db.query(sql`select count(*)::int as n from build_specs where retry_of = any(${ids}::text[])`),
  ).toEqual([{ n: 2 }]);
});

test('more than one batch, over several needs', async () => {
  const ids = await many(230, { queue: 'lots' });
  expect(await done({ action: 'cancel', filter: { queue: 'lots' } })).toMatchObject({
    matched: 230,
    done: 230,
    refused: [],
  });
  expect(new Set(await states(ids))).toEqual(new Set(['cancelled']));
});

test('other projects are out of reach, and nothing matching is done at once', async () => {
  const [id = ''] = await many(1);
  const token = await server.keyWith(['builds:operate'], await server.project());
  const asked = await server.call('POST', '/v1/builds/bulk', {
    token,
    body: { action: 'cancel', ids: [id], dryRun: true },
  });
  expect(asked.body).toMatchObject({ matched: 0 });
  expect(
    (await server.call('POST', '/v1/builds/bulk', { token, body: { action: 'cancel', filter: {} } })).body,
  ).toMatchObject({ matched: 0, state: 'done' });
  const mine = await bulk({ action: 'addTags', ids: [id], tags: { x: 'y' } });
  expect((await server.call('GET', `/v1/builds/bulk/${mine.body['jobId']}`, { token })).status).toBe(404);
});

test.each([
  [{ action: 'cancel' }],
  [{ action: 'cancel', ids: [], filter: {} }],
  [{ action: 'setPriority', filter: {} }],
  [{ action: 'addTags', filter: {} }],
  [{ action: 'explode', filter: {} }],
  [{ action: 'cancel', filter: { state: 'gone' } }],
  [{ action: 'cancel', filter: { colour: 'red' } }],
])('%j is refused', async (body) => {
  expect((await bulk(body)).status).toBe(400);
});

test('needs the scope', async () => {
  const token = await server.keyWith(['builds:read']);
  expect((await server.call('POST', '/v1/builds/bulk', { token, body: { action: 'cancel', filter: {} } })).status).toBe(
    403,
  );
});
