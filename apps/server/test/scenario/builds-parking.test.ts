import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { sql } from '#kernel/db';
import { type BuildsServer, buildsServer } from '#test/builds-server';
import { testDatabase } from '#test/database';
import { until } from '#test/until';
import { WorkerClient } from '#test/worker-client';

const database = await testDatabase();
let server: BuildsServer;
beforeAll(async () => {
  server = await buildsServer(database, { parkedMax: 60 });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await database.db.query(sql`update builds set queue_deadline_at = now() where state = 'queued'`);
  await database.db.query(sql`update builds set priority = -100 where state = 'queued'`);
});

const parked = (count: number): Promise<void> => until(() => server.room.live.dispatch.parked === count);
const submit = (build: object = {}): ReturnType<BuildsServer['submitted']> =>
  server.submitted({ build: { platform: 'linux', expects: 'nothing', ...build } });
const state = async (id: string): Promise<string> =>
  (await server.call('GET', `/v1/builds/${id}`)).body['state'] as string;
/** Labels of its own, so that tests do not take each other's builds. */
let fresh = 0;
const own = (): { labels: Record<string, string>; requires: Record<string, string> } => {
  const label = { test: `t${fresh++}` };
  return { labels: label, requires: label };
};

test('parked-worker-gets-job', async () => {
  const { labels, requires } = own();
  const worker = await WorkerClient.register(server, { labels });
  const answer = worker.claim();
  await parked(1);
  const build = await submit({ requires, env: { A: '1' }, secretEnv: { B: 'hush' }, task: 'build' });
  const { job } = await answer;
  expect(job).toMatchObject({
    build: { id: build.id, term: 1, platform: 'linux', requires, task: 'build', command: null, expects: 'nothing' },
    source: { sha256: build.source.sha256, sizeBytes: build.source.sizeBytes, format: 'zip' },
    certs: null,
    env: { A: '1' },
    secretEnv: { B: 'hush' },
    lease: { ttlMs: 30_000, heartbeatEveryMs: 10_000 },
    previous: [],
  });
  const source = await fetch(`${server.url}${job!.source.url}`, { headers: { authorization: `Bearer ${job!.token}` } });
  expect(source.status).toBe(200);
  expect((await source.arrayBuffer()).byteLength).toBe(build.source.sizeBytes);
});

test('a claim without wait answers at once', async () => {
  const worker = await WorkerClient.register(server, { labels: own().labels });
  expect(await worker.claim({}, '0s')).toEqual({ job: null, nextPollMs: 0 });
  expect(await worker.claim({}, '50ms')).toEqual({ job: null, nextPollMs: 0 });
  const { status, body } = await worker.me('POST', '/claim?wait=56s');
  expect(status).toBe(400);
  expect(body).toMatchObject({ code: 'invalid' });
});

test('same-job-after-lost-answer', async () => {
  const { labels, requires } = own();
  const worker = await WorkerClient.register(server, { labels });
  const build = await submit({ requires });
  const first = await worker.claim();
  const again = await worker.claim();
  expect(again.job?.build).toMatchObject({ id: build.id, term: 1 });
  expect(again.job?.token).not.toBe(first.job?.token);
  expect(await state(build.id)).toBe('assigned');
});

test('a socket that is gone when the job is to be written: released at once, the attempt does not count', async () => {
  const { labels, requires } = own();
  const worker = await WorkerClient.register(server, { labels });
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.write(
    `POST /v1/workers/me/claim?wait=20s HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${worker.token}\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}`,
  );
  await parked(1);
  // Gone without a word the server has read when the job is given out.
  socket.resetAndDestroy();
  const build = await submit({ requires, attemptsMax: 1 });
  await until(async () => {
    const { attempts, state } = (await server.call('GET', `/v1/builds/${build.id}`)).body;
    return state === 'queued' && (attempts as unknown[]).length <= 1;
  });
  const other = await WorkerClient.register(server, { labels, name: 'mac-2' });
  expect((await other.take()).buildId).toBe(build.id);
});

test('parallel-claims-one-seat (row 31)', async () => {
  const { labels, requires } = own();
  const worker = await WorkerClient.register(server, { labels });
  const calls = [1, 2, 3, 4].map(() => worker.claim({}, '1500ms'));
  await parked(4);
  await submit({ requires });
  await submit({ requires });
  const jobs = (await Promise.all(calls)).flatMap(({ job }) => (job ? [job.build.id] : []));
  expect(jobs).toHaveLength(1);
  expect((await server.call('GET', `/v1/builds?state=assigned&worker=${worker.id}`)).body['items']).toHaveLength(1);
});

test('too many parked (row 33): 429 with when to come back', async () => {
  const worker = await WorkerClient.register(server, { labels: own().labels, seats: 64 });
  const calls = Array.from({ length: 60 }, () => worker.claim({}, '2s'));
  await parked(60);
  const { status, headers, body } = await worker.me('POST', '/claim?wait=1s');
  expect(status).toBe(429);
  expect(body).toMatchObject({ code: 'exhausted', reason: 'too_many_parked' });
  expect(body['retryAfterMs']).toBeGreaterThanOrEqual(1_000);
  expect(body['retryAfterMs']).toBeLessThanOrEqual(5_000);
  expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  await Promise.all(calls);
});

test('hard-label-match', async () => {
  const { labels, requires } = own();
  const worker = await WorkerClient.register(server, { labels: { ...labels, xcode: '26' } });
  await submit({ requires: { ...requires, xcode: '25' } });
  await submit({ requires, platform: 'ios' });
  expect((await worker.claim({}, '100ms')).job).toBeNull();
  const build = await submit({ requires: { ...requires, xcode: '26' } });
  expect((await worker.take()).buildId).toBe(build.id);
});

test('priority-then-fifo', async () => {
  const { labels, requires } = own();
  const worker = await WorkerClient.register(server, { labels, seats: 4 });
  const [a, b, urgent] = [
    await submit({ requires }),
    await submit({ requires }),
    await submit({ requires, priority: 5 }),
  ];
  const first = await worker.take();
  const second = await worker.take([first]);
  const third = await worker.take([first, second]);
  expect([first, second, third].map(({ buildId }) => buildId)).toEqual([urgent.id, a.id, b.id]);
});

test('no worker can ever match (row 59): accepted, and it says so', async () => {
  const { requires } = own();
  const build = await submit({ requires });
  expect((await server.call('GET', `/v1/builds/${build.id}`)).body).toMatchObject({
    state: 'queued',
    waiting: { reason: 'no_matching_worker' },
  });
  expect((await server.submit({ build: { platform: 'linux', requires, failIfNoWorker: true } })).body).toMatchObject({
    code: 'conflict',
    reason: 'no_matching_worker',
  });
});

test('the server drains (row 34): parked calls come back, leases stay', async () => {
  const away = await testDatabase();
  const draining = await buildsServer(away);
  try {
    const [busy, idle] = [
      await WorkerClient.register(draining),
      await WorkerClient.register(draining, { platforms: ['ios'] }),
    ];
    const build = await draining.submitted({ build: { platform: 'linux', expects: 'nothing' } });
    await busy.take();
    const answer = idle.claim();
    await until(() => draining.room.live.dispatch.parked === 1);
    draining.room.live.dispatch.stop();
    const { job, nextPollMs } = await answer;
    expect(job).toBeNull();
    expect(nextPollMs).toBeGreaterThanOrEqual(1_000);
    expect(nextPollMs).toBeLessThanOrEqual(5_000);
    expect((await draining.call('GET', `/v1/builds/${build.id}`)).body).toMatchObject({ state: 'assigned' });
  } finally {
    await draining[Symbol.asyncDispose]();
    await away[Symbol.asyncDispose]();
  }
});
