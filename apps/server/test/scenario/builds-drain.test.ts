import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from '#kernel/db';
import { type BuildsServer, buildsServer } from '#test/builds-server';
import { testDatabase } from '#test/database';
import { until } from '#test/until';
import { good, seenBy, WorkerClient } from '#test/worker-client';

const database = await testDatabase();
let server: BuildsServer;
beforeAll(async () => {
  server = await buildsServer(database, { rescueEveryMs: 200 });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

let fresh = 0;
const own = (): Record<string, string> => ({ test: `t${fresh++}` });
const submit = (build: object): ReturnType<BuildsServer['submitted']> =>
  server.submitted({ build: { platform: 'linux', expects: 'nothing', ...build } });
const order = (worker: WorkerClient, verb: string, body: object = {}): ReturnType<BuildsServer['call']> =>
  server.call('POST', `/v1/workers/${worker.id}/${verb}`, { body });

test('drain-then-exit (row 32)', async () => {
  const labels = own();
  const worker = await WorkerClient.register(server, { labels });
  const build = await submit({ requires: labels });
  const attempt = await worker.take();
  good(await worker.about(attempt, 'start'));
  const beat = worker.heartbeat([{ buildId: build.id, term: 1 }], '10s');
  await until(() => server.room.live.presence.reaches(worker.id));
  expect(good(await order(worker, 'drain', { reason: 'disk swap' }))).toMatchObject({
    state: 'draining',
    admission: 'draining',
    drainReason: 'disk swap',
  });
  expect((await beat).instructions).toEqual([{ kind: 'drain', exit: false }]);

  const second = await submit({ requires: labels });
  const claimed = await worker.claim({ held: [{ buildId: build.id, term: 1 }] });
  expect(claimed).toMatchObject({ job: null, instructions: [{ kind: 'drain', exit: false }] });
  expect(claimed.nextPollMs).toBeGreaterThan(1_000);
  expect(good(await server.call('GET', `/v1/builds/${second.id}`))).toMatchObject({
    state: 'queued',
    waiting: { reason: 'workers_draining' },
  });

  const last = worker.heartbeat([{ buildId: build.id, term: 1 }], '10s');
  await until(() => server.room.live.presence.reaches(worker.id));
  good(await worker.about(attempt, 'result'));
  expect((await last).instructions).toEqual([{ kind: 'drain', exit: true }]);

  good(await order(worker, 'resume', {}));
  expect((await worker.heartbeat([], '10s')).instructions).toEqual([{ kind: 'resume' }]);
  expect((await worker.take()).buildId).toBe(second.id);
});

test('a worker drains itself', async () => {
  const worker = await WorkerClient.register(server, { labels: own() });
  expect(good(await worker.me('POST', '/drain', { reason: 'SIGTERM' }))).toMatchObject({
    state: 'draining',
    drainReason: 'SIGTERM',
  });
  expect((await worker.claim()).instructions).toEqual([{ kind: 'drain', exit: true }]);
  expect(good(await worker.me('POST', '/resume'))).toMatchObject({ state: 'online', drainReason: null });
});

test('evict: queued at once, the worker is told, another one takes it', async () => {
  const labels = own();
  const [worker, other] = [
    await WorkerClient.register(server, { labels }),
    await WorkerClient.register(server, { labels, name: 'mac-2' }),
  ];
  const build = await submit({ requires: labels });
  const attempt = await worker.take();
  good(await worker.about(attempt, 'start'));
  const beat = worker.heartbeat([{ buildId: build.id, term: 1, progress: 1 }], '10s');
  await until(
    async () => (good(await server.call('GET', `/v1/builds/${build.id}`)) as { progress: number }).progress === 1,
  );
  expect(good(await order(worker, 'evict', { buildId: build.id }))).toEqual({ state: 'queued' });
  expect((await beat).instructions).toEqual([
    { kind: 'cancel', buildId: build.id, term: 1, reason: 'stale_term', graceMs: 0 },
  ]);
  expect((await worker.claim({}, '100ms')).job).toBeNull();
  expect(await other.take()).toMatchObject({ buildId: build.id, term: 2 });
  expect(await order(worker, 'evict', { buildId: build.id })).toMatchObject({
    status: 409,
    body: { reason: 'not_held' },
  });
});

test('abandon and unregister give builds back at their old place', async () => {
  const labels = own();
  const worker = await WorkerClient.register(server, { labels, seats: 2 });
  const [first, second] = [await submit({ requires: labels }), await submit({ requires: labels })];
  const attempt = await worker.take();
  expect(good(await worker.about(attempt, 'abandon', { reason: 'no Xcode' }))).toEqual({ state: 'queued' });
  const other = await WorkerClient.register(server, { labels, name: 'mac-2', seats: 2 });
  const got = await other.take();
  expect(got).toMatchObject({
    buildId: first.id,
    term: 2,
    job: { previous: [{ failure: { code: 'worker_abandoned' } }] },
  });
  expect((await other.take([got])).buildId).toBe(second.id);
  expect(good(await other.me('POST', '/unregister'))).toEqual({ released: 2 });
  expect(await seenBy(server, other)).toMatchObject({ state: 'offline', held: [] });
  expect((await other.take()).buildId).toBe(first.id);
  expect(await seenBy(server, other)).toMatchObject({ state: 'online' });
});

test('remove: refused while it holds builds; then its token is dead and its history stays', async () => {
  const labels = own();
  const worker = await WorkerClient.register(server, { labels });
  const build = await submit({ requires: labels });
  const attempt = await worker.take();
  const remove = (): ReturnType<BuildsServer['call']> => server.call('DELETE', `/v1/workers/${worker.id}`);
  expect(await remove()).toMatchObject({
    status: 409,
    body: { reason: 'in_use', held: [{ buildId: build.id, term: 1 }] },
  });
  good(await worker.about(attempt, 'result'));
  expect((await remove()).status).toBe(204);
  expect((await worker.me('POST', '/claim')).status).toBe(401);
  expect((await server.call('GET', `/v1/workers/${worker.id}`)).status).toBe(404);
  expect(good(await server.call('GET', `/v1/builds/${build.id}`))).toMatchObject({
    state: 'succeeded',
    workerId: worker.id,
  });
});

test('silent workers go offline, and come back by any call', async () => {
  const worker = await WorkerClient.register(server, { labels: own() });
  await database.db.query(sql`update workers set last_seen_at = now() - interval '61 s' where id = ${worker.id}`);
  await until(async () => (await seenBy(server, worker)).state === 'offline');
  await worker.heartbeat([]);
  expect(await seenBy(server, worker)).toMatchObject({ state: 'online' });
});
