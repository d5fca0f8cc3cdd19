import { afterAll, beforeEach, expect, test } from 'vitest';
import { sql } from '#kernel/db';
import { type Answered, buildsServer } from '#test/builds-server';
import { testDatabase } from '#test/database';
import { until } from '#test/until';

const database = await testDatabase();
const server = await buildsServer(database);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

// Every test has a queue and a label of its own, so that one server serves all of them.
let queue: string;
let labels: Record<string, string>;
let n = 0;
beforeEach(() => {
  queue = `q${++n}`;
  labels = { test: queue };
});

const submit = async (build: object = {}): Promise<string> =>
  (await server.submitted({ build: { queue, platform: 'linux', requires: labels, expects: 'nothing', ...build } })).id;
const worker = (more: object = {}) => server.worker({ labels, ...more });
const build = async (id: string): Promise<Answered['body']> => (await server.call('GET', `/v1/builds/${id}`)).body;
const pause = (body: object, name = queue) => server.call('POST', `/v1/queues/${name}/pause`, { body });
const resume = () => server.call('POST', `/v1/queues/${queue}/resume`, { body: {} });
const shown = async (): Promise<Answered['body']> =>
  (await server.call('GET', '/v1/queues?limit=200')).body['items'].find(
    (item: { name: string }) => item.name === queue,
  );

test('pause-says-why: nothing new starts, what runs goes on, each waiting build names who paused it and why', async () => {
  const running = await submit();
  const mac = await worker();
  const held = await mac.claim();
  expect(held.buildId).toBe(running);
  const paused = await pause({ reason: 'new Xcode' });
  expect(paused).toMatchObject({
    status: 200,
    body: {
      name: queue,
      running: 1,
      paused: { reason: 'new Xcode', by: expect.stringMatching(/^key:/), resumesAt: null },
    },
  });
  const waiting = await submit();
  expect(await build(waiting)).toMatchObject({
    state: 'queued',
    etaMs: null,
    waiting: { reason: 'queue_paused', detail: expect.stringContaining('new Xcode'), since: expect.any(String) },
  });
  expect((await mac.finish(held)).status).toBe(200);
  expect((await server.call('POST', '/v1/workers/me/claim', { body: {}, token: mac.token })).body['job']).toBeNull();
  const claim = mac.claim();
  expect(await resume()).toMatchObject({ status: 200, body: { paused: null } });
  expect((await claim).buildId).toBe(waiting);
});

test('a pause with an end resumes by itself and wakes who waits', async () => {
  const id = await submit();
  const resumesAt = new Date(Date.now() + 1_500).toISOString();
  expect((await pause({ reason: 'a moment', resumesAt })).body['paused']).toMatchObject({ resumesAt });
  expect((await build(id))['waiting']).toMatchObject({ reason: 'queue_paused', resumesAt });
  const mac = await worker();
  expect((await mac.claim()).buildId).toBe(id);
  await until(async () => (await shown())['paused'] === null);
});

test('pausing again changes reason and end; an earlier end does not resume a later pause', async () => {
  await submit();
  await pause({ reason: 'short', resumesAt: new Date(Date.now() + 700).toISOString() });
  await pause({ reason: 'until further notice' });
  await until(
    async () => (await server.db.query(sql`select 1 from jobs where kind = 'builds.resume-queue'`)).length === 0,
  );
  expect((await shown())['paused']).toMatchObject({ reason: 'until further notice', resumesAt: null });
});

test('pause: bad input, scopes, and a queue nobody has used yet', async () => {
  expect((await pause({ reason: '' })).status).toBe(400);
  expect(await pause({ reason: 'x', resumesAt: '2020-01-01T00:00:00Z' })).toMatchObject({
    status: 400,
    body: { reason: 'resumes_in_past' },
  });
  expect(await pause({ reason: 'x', resumeAt: '2020-01-01T00:00:00Z' })).toMatchObject({
    status: 400,
    body: { errors: [{ detail: expect.stringContaining('resumesAt') }] },
  });
  expect((await pause({ reason: 'x' }, 'no%20such')).status).toBe(400);
  expect((await server.call('POST', '/v1/queues/never-used/resume', { body: {} })).status).toBe(404);
  const operator = await server.keyWith(['builds:operate']);
  expect(
    await server.call('POST', `/v1/queues/${queue}/pause`, { body: { reason: 'x' }, token: operator }),
  ).toMatchObject({ status: 403, body: { scope: 'builds:admin' } });
  expect((await pause({ reason: 'early' })).status).toBe(200);
  const id = await submit();
  expect((await build(id))['waiting'].reason).toBe('queue_paused');
});

test('position-and-eta: measured runs, seats that will be free, and nothing guessed', async () => {
  const mac = await worker();
  const first = await submit();
  const held = await mac.claim();
  expect(held.buildId).toBe(first);
  const [second, third] = [await submit(), await submit()];
  expect(await build(second)).toMatchObject({
    position: 0,
    etaMs: null,
    waiting: { reason: 'workers_busy', position: 0, etaMs: null },
  });
  expect(await build(third)).toMatchObject({ position: 1, etaMs: null, waiting: { reason: 'in_line', position: 1 } });
  await server.db.query(sql`
    insert into builds (id, project_id, sig, queue, platform, state, term, max_run_ms, assigned_at, finished_at)
    select 'bld_sample' || i, b.project_id, b.sig, b.queue, b.platform, 'succeeded', 1, 1000, now() - interval '100 s', now()
    from builds b, generate_series(1, 5) i where b.id = ${first}`);
  const near = (ms: number, wanted: number) => expect(Math.abs(ms - wanted)).toBeLessThan(5_000);
  near((await build(second))['etaMs'], 100_000);
  near((await build(third))['etaMs'], 200_000);
  near((await shown())['demands'][0].etaMs, 300_000);
  expect((await shown())['demands'][0]).toMatchObject({
    depth: 2,
    running: 1,
    workersOnline: 1,
    seatsFree: 0,
    requires: labels,
  });
});

test('priority-then-fifo', async () => {
  const low = await submit({ priority: -5 });
  const [a, b] = [await submit(), await submit()];
  const high = await submit({ priority: 50 });
  const line = async (query: string): Promise<Answered['body']> =>
    (await server.call('GET', `/v1/queues/${queue}/line${query}`)).body;
  const first = await line('?limit=2');
  expect(first['items'].map(({ id }: { id: string }) => id)).toEqual([high, a]);
  const rest = await line(`?limit=2&cursor=${first['nextCursor']}`);
  expect(rest['items'].map(({ id }: { id: string }) => id)).toEqual([b, low]);
  expect(rest['nextCursor']).toBeNull();
  expect((await line('?cursor=nowhere'))['reason']).toBe('bad_cursor');
  const mac = await worker();
  const order: string[] = [];
  for (let i = 0; i < 4; i++) {
    const held = await mac.claim();
    order.push(held.buildId);
    await mac.finish(held);
  }
  expect(order).toEqual([high, a, b, low]);
});

test('hard-label-match: no worker gets what it cannot do, and the build names what is missing', async () => {
  const id = await submit({ requires: { ...labels, gpu: 'a100' } });
  const plain = await worker();
  expect((await server.call('POST', '/v1/workers/me/claim', { body: {}, token: plain.token })).body['job']).toBeNull();
  expect((await build(id))['waiting']).toMatchObject({
    reason: 'no_matching_worker',
    detail: expect.stringContaining('gpu=a100'),
  });
  const ios = await submit({ platform: 'macos' });
  expect((await build(ios))['waiting'].detail).toContain('platform macos');
  const fit = await server.worker({ labels: { ...labels, gpu: 'a100', more: 'x' } });
  expect((await fit.claim()).buildId).toBe(id);
});

test('workers that are draining or gone are said so', async () => {
  const id = await submit();
  const mac = await worker();
  await server.call('POST', `/v1/workers/${mac.id}/drain`, { body: { reason: 'update' } });
  expect((await build(id))['waiting'].reason).toBe('workers_draining');
  await server.db.query(sql`update workers set state = 'offline' where id = ${mac.id}`);
  expect((await build(id))['waiting'].reason).toBe('workers_offline');
});

test('the numbers an autoscaler needs are metrics, per queue, platform and labels', async () => {
  await submit();
  await submit();
  const depth = () =>
    server.metric(`muster_builds_queue_depth{queue="${queue}",platform="linux",labels="test=${queue}"}`);
  expect(await depth()).toBe(2);
  expect(await server.metric(`muster_builds_oldest_wait_seconds{queue="${queue}"`)).toBeGreaterThan(0);
  expect(await server.metric(`muster_builds_workers_matching{queue="${queue}"`)).toBe(0);
  const mac = await worker({ seats: 2 });
  expect(await server.metric(`muster_builds_workers_matching{queue="${queue}"`)).toBe(1);
  await mac.finish(await mac.claim());
  await mac.finish(await mac.claim());
  // A demand without builds leaves the list instead of standing at its last number.
  expect(await depth()).toBe(0);
});
