import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '#kernel/base';
import { sql } from '#kernel/db';
import { type BuildsServer, buildsServer } from '#test/builds-server';
import { testDatabase } from '#test/database';
import { until } from '#test/until';
import { good, WorkerClient } from '#test/worker-client';

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
const show = async (id: string): Promise<Record<string, unknown>> =>
  good(await server.call('GET', `/v1/builds/${id}`)) as Record<string, unknown>;
const cancel = (id: string, token?: string): ReturnType<BuildsServer['call']> =>
  server.call('POST', `/v1/builds/${id}/cancel`, { body: { reason: 'wrong branch' }, ...(token ? { token } : {}) });

test('cancel-in-every-state', async () => {
  const labels = own();
  const worker = await WorkerClient.register(server, { labels, seats: 3 });
  const queued = await submit({ requires: own() });
  expect(await cancel(queued.id)).toMatchObject({ status: 200, body: { state: 'cancelled' } });
  expect(await cancel(queued.id)).toMatchObject({ status: 200, body: { state: 'cancelled' } });

  await submit({ requires: labels });
  await submit({ requires: labels });
  await submit({ requires: labels });
  const assigned = await worker.take();
  const running = await worker.take([assigned]);
  const done = await worker.take([assigned, running]);
  good(await worker.about(running, 'start'));
  good(await worker.about(done, 'result'));
  for (const attempt of [assigned, running]) {
    expect(await cancel(attempt.buildId)).toMatchObject({ status: 202, body: { state: 'cancelling' } });
    expect(await cancel(attempt.buildId)).toMatchObject({ status: 202, body: { state: 'cancelling' } });
    expect(await worker.about(attempt, 'stopped')).toMatchObject({ status: 200, body: { state: 'cancelled' } });
    expect(await worker.about(attempt, 'stopped')).toMatchObject({ status: 200, body: { state: 'cancelled' } });
    expect(await show(attempt.buildId)).toMatchObject({
      state: 'cancelled',
      stopReason: 'user',
      attempts: [{ outcome: 'cancelled' }],
    });
  }
  expect(await cancel(done.buildId)).toMatchObject({ status: 409, body: { reason: 'finished', state: 'succeeded' } });
});

test('by the build’s own token', async () => {
  const build = await submit({ requires: own() });
  expect(await cancel(build.id, build.accessToken)).toMatchObject({ status: 200, body: { state: 'cancelled' } });
});

test('a parked heartbeat hears it within a second', async () => {
  const labels = own();
  const worker = await WorkerClient.register(server, { labels });
  const build = await submit({ requires: labels });
  const attempt = await worker.take();
  good(await worker.about(attempt, 'start'));
  const beat = worker.heartbeat([{ buildId: build.id, term: 1, progress: 1 }], '10s');
  await until(async () => (await show(build.id))['progress'] === 1);
  const began = systemClock.monotonic();
  await cancel(build.id);
  const { instructions } = await beat;
  expect(systemClock.monotonic() - began).toBeLessThan(5_000); // a second on a quiet machine, ten when nobody told it
  expect(instructions).toEqual([{ kind: 'cancel', buildId: build.id, term: 1, reason: 'user', graceMs: 30_000 }]);
  await until(async () => {
    const [row] = await database.db.query<{ known: boolean }>(
      sql`select stop_known_at is not null as known from builds where id = ${build.id}`,
    );
    return row?.known === true;
  });
  const [row] = await database.db.query<{ graceMs: number }>(
    sql`select extract(epoch from grace_until - stop_known_at)::float8 * 1000 as "graceMs" from builds where id = ${build.id}`,
  );
  expect(row?.graceMs).toBeCloseTo(30_000, -1);
  // What it was told a moment ago does not cut the next wait, and still stands in its answer.
  const again = systemClock.monotonic();
  expect((await worker.heartbeat([{ buildId: build.id, term: 1 }], '400ms')).instructions).toMatchObject([
    { kind: 'cancel', buildId: build.id },
  ]);
  expect(systemClock.monotonic() - again).toBeGreaterThan(350);
});

test('a worker with nothing but a parked claim hears it there', async () => {
  const labels = own();
  const worker = await WorkerClient.register(server, { labels, seats: 2 });
  const build = await submit({ requires: labels });
  const attempt = await worker.take();
  good(await worker.about(attempt, 'start'));
  const claim = worker.claim({ held: [{ buildId: build.id, term: 1 }] });
  await until(() => server.room.live.presence.reaches(worker.id));
  await cancel(build.id);
  expect(await claim).toMatchObject({
    job: null,
    nextPollMs: 0,
    instructions: [{ kind: 'cancel', buildId: build.id }],
  });
});

test('cancel-reaches-offline-worker-later', async () => {
  const labels = own();
  const worker = await WorkerClient.register(server, { labels });
  const build = await submit({ requires: labels });
  const attempt = await worker.take();
  good(await worker.about(attempt, 'start'));
  expect(await cancel(build.id)).toMatchObject({ status: 202 });
  expect(await show(build.id)).toMatchObject({ state: 'cancelling' });
  // Its next contact, whatever it is.
  expect((await worker.about(attempt, 'start')).body).toMatchObject({ state: 'cancelling', stopReason: 'user' });
  const { instructions, leases } = await worker.heartbeat([{ buildId: build.id, term: 1 }], '10s');
  expect(leases).toMatchObject([{ until: expect.any(String) }]);
  expect(instructions).toMatchObject([{ kind: 'cancel', buildId: build.id, term: 1 }]);
});

test('a result after a cancel (row 38): refused, cancelled, its artifacts listed and not primary', async () => {
  const labels = own();
  const worker = await WorkerClient.register(server, { labels });
  const build = await submit({ requires: labels, expects: 'artifact' });
  const attempt = await worker.take();
  good(await worker.about(attempt, 'start'));
  await server.call('PUT', `/v1/builds/${build.id}/artifacts/app.tgz?term=1`, {
    body: Buffer.from('bytes'),
    token: attempt.job.token,
  });
  await cancel(build.id);
  expect(await worker.about(attempt, 'result')).toMatchObject({
    status: 409,
    body: { reason: 'build_cancelled', stopReason: 'user' },
  });
  expect(await show(build.id)).toMatchObject({ state: 'cancelled', artifacts: [{ name: 'app.tgz', primary: false }] });
});

test('nobody confirms: the server ends it when the grace is over, and the seat is free', async () => {
  const labels = own();
  const worker = await WorkerClient.register(server, { labels });
  const build = await submit({ requires: labels });
  good(await worker.about(await worker.take(), 'start'));
  await cancel(build.id);
  await database.db.query(sql`update builds set grace_until = now() + interval '200 ms' where id = ${build.id}`);
  await until(async () => (await show(build.id))['state'] === 'cancelled');
  await submit({ requires: labels });
  expect((await worker.claim()).job).not.toBeNull();
});

test('a key is free again when its holder was cancelled', async () => {
  const labels = own();
  const worker = await WorkerClient.register(server, { labels, seats: 2 });
  const concurrency = { key: `deploy-${fresh}` };
  await submit({ requires: labels, concurrency });
  const second = await submit({ requires: labels, concurrency });
  const attempt = await worker.take();
  const waits = worker.claim({ held: [{ buildId: attempt.buildId, term: attempt.term }] });
  await until(() => server.room.live.dispatch.parked === 1);
  expect(await show(second.id)).toMatchObject({ waiting: { reason: 'key_busy' } });
  await cancel(attempt.buildId);
  good(await worker.about(attempt, 'stopped'));
  let job = (await waits).job;
  job ??= (await worker.claim()).job;
  expect(job?.build.id).toBe(second.id);
});
