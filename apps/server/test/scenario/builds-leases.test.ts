import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from '#kernel/db';
import { type BuildsServer, buildsServer } from '#test/builds-server';
import { testDatabase } from '#test/database';
import { until } from '#test/until';
import { good, WorkerClient } from '#test/worker-client';

/* The shortest leases a server allows and a sweep ten times a second: one lease is waited out, others are cut short. */

const quick = { leaseTtlMs: 5_000, heartbeatEveryMs: 1_000, rescueEveryMs: 100, sweepEveryMs: 200 };
const database = await testDatabase();
let server: BuildsServer;
beforeAll(async () => {
  server = await buildsServer(database, quick);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

let fresh = 0;
const own = (): Record<string, string> => ({ test: `t${fresh++}` });
const submit = (build: object): ReturnType<BuildsServer['submitted']> =>
  server.submitted({ build: { platform: 'linux', expects: 'nothing', ...build } });
type Shown = {
  state: string;
  term: number;
  version: number;
  leaseUntil: string | null;
  failure?: object;
  waiting?: object;
  attempts: { term: number; outcome: string | null; failure: object | null; workerId: string }[];
};
const show = async (id: string): Promise<Shown> => good(await server.call('GET', `/v1/builds/${id}`)) as Shown;
/** As if nobody had renewed it in time. */
const leaseIsOver = (id: string): Promise<unknown> =>
  database.db.query(sql`update builds set lease_until = now() where id = ${id} and lease_until is not null`);
/** A backoff and the minute in which the worker that lost it is skipped are not waited for. */
const restIsOver = (id: string): Promise<unknown> =>
  database.db.query(sql`update builds set eligible_at = now(), avoid_until = null where id = ${id}`);

test('lease-lost-requeues (row 41): the worker dies, the build is queued again, attempt 2', async () => {
  const labels = own();
  const worker = await WorkerClient.register(server, { labels });
  const build = await submit({ requires: labels });
  const first = await worker.take();
  good(await worker.about(first, 'start'));
  await until(async () => (await show(build.id)).state === 'queued');
  expect(await show(build.id)).toMatchObject({
    term: 1,
    waiting: { reason: 'backoff' },
    attempts: [{ term: 1, outcome: 'lost', failure: { code: 'lease_lost', attribution: 'host' } }],
  });
  await restIsOver(build.id);
  const second = await worker.take();
  expect(second).toMatchObject({
    buildId: build.id,
    term: 2,
    job: { previous: [{ term: 1, failure: { code: 'lease_lost' } }] },
  });
});

test('a heartbeat in time keeps it', async () => {
  const labels = own();
  const worker = await WorkerClient.register(server, { labels });
  const build = await submit({ requires: labels });
  const attempt = await worker.take();
  good(await worker.about(attempt, 'start'));
  for (let beat = 0; beat < 4; beat++) {
    await database.db.query(sql`update builds set lease_until = now() + interval '1200 ms' where id = ${build.id}`);
    const { leases, heartbeatEveryMs } = await worker.heartbeat(
      [{ buildId: attempt.buildId, term: 1, progress: beat * 10 }],
      '500ms',
    );
    expect(leases).toMatchObject([{ buildId: build.id, term: 1, until: expect.any(String) }]);
    expect(heartbeatEveryMs).toBe(1_000);
  }
  expect(await show(build.id)).toMatchObject({ state: 'running', progress: 30 });
  good(await worker.about(attempt, 'result'));
});

test('attempts-used-up (row 42): failed lease_lost with every attempt listed', async () => {
  const labels = own();
  const worker = await WorkerClient.register(server, { labels });
  const build = await submit({ requires: labels, attemptsMax: 2 });
  for (const term of [1, 2]) {
    const attempt = await worker.take();
    expect(attempt.term).toBe(term);
    good(await worker.about(attempt, 'start'));
    await leaseIsOver(build.id);
    await until(async () => (await show(build.id)).state !== 'running');
    await restIsOver(build.id);
  }
  expect(await show(build.id)).toMatchObject({
    state: 'failed',
    failure: { code: 'lease_lost', attribution: 'host', remedy: expect.any(String) },
    attempts: [
      { term: 1, outcome: 'lost', workerId: worker.id },
      { term: 2, outcome: 'lost', workerId: worker.id },
    ],
  });
});

test('old-term-changes-nothing (rows 35, 43): after a split the worker hears it and is told to stop', async () => {
  const labels = own();
  const [split, other] = [
    await WorkerClient.register(server, { labels }),
    await WorkerClient.register(server, { labels, name: 'mac-2' }),
  ];
  const build = await submit({ requires: labels });
  const old = await split.take();
  good(await split.about(old, 'start'));
  await leaseIsOver(build.id);
  await until(async () => (await show(build.id)).state === 'queued');
  await restIsOver(build.id);
  const now = await other.take();
  good(await other.about(now, 'start'));
  const before = await show(build.id);
  for (const verb of ['start', 'result', 'stopped'] as const) {
    expect((await split.about(old, verb)).body).toMatchObject({
      code: 'conflict',
      reason: 'stale_term',
      term: 2,
      state: 'running',
    });
  }
  expect((await split.about(old, 'fail', { failure: { code: 'command_failed', detail: 'x' } })).body).toMatchObject({
    reason: 'stale_term',
  });
  expect((await split.about(old, 'abandon', { reason: '' })).body).toMatchObject({ reason: 'stale_term' });
  const { leases } = await split.heartbeat([{ buildId: build.id, term: 1 }], '10s');
  expect(leases).toEqual([{ buildId: build.id, term: 1, lost: 'stale_term' }]);
  const { instructions } = await split.claim({ held: [{ buildId: build.id, term: 1 }] });
  expect(instructions).toMatchObject([{ kind: 'cancel', buildId: build.id, term: 1, reason: 'stale_term' }]);
  const { state, term, version, leaseUntil } = await show(build.id);
  expect({ state, term, version, leaseUntil }).toEqual({
    state: before.state,
    term: before.term,
    version: before.version,
    leaseUntil: before.leaseUntil,
  });
  good(await other.about(now, 'result'));
  expect(await show(build.id)).toMatchObject({ state: 'succeeded', term: 2 });
});

test('rows 36-40: results once and again', async () => {
  const labels = own();
  const worker = await WorkerClient.register(server, { labels });
  const build = await submit({ requires: labels, expects: 'artifact' });
  const attempt = await worker.take();
  const missing = await worker.about(attempt, 'result');
  expect(missing.status).toBe(400);
  expect(missing.body).toMatchObject({ code: 'invalid', reason: 'artifact_missing' });
  const upload = await server.call('PUT', `/v1/builds/${build.id}/artifacts/app.tgz?term=1`, {
    body: Buffer.from('bytes'),
    token: attempt.job.token,
  });
  expect(upload.status).toBe(201);
  const result = { artifacts: [upload.body['id']], exitCode: 0 };
  expect(await worker.about(attempt, 'result', result)).toMatchObject({ status: 200, body: { state: 'succeeded' } });
  expect(await worker.about(attempt, 'result', result)).toMatchObject({ status: 200, body: { state: 'succeeded' } });
  const failed = await worker.about(attempt, 'fail', { failure: { code: 'command_failed', detail: 'late' } });
  expect(failed).toMatchObject({ status: 409, body: { reason: 'finished', state: 'succeeded' } });
  expect(await show(build.id)).toMatchObject({ state: 'succeeded', artifacts: [{ name: 'app.tgz', primary: true }] });
});

test('blind-sweep-rescues-nothing (row 44): a server that was away raises leases first', async () => {
  const away = await testDatabase();
  try {
    let node = await buildsServer(away, quick);
    const worker = await WorkerClient.register(node);
    const build = await node.submitted({ build: { platform: 'linux', expects: 'nothing' } });
    const attempt = await worker.take();
    good(await worker.about(attempt, 'start'));
    await node[Symbol.asyncDispose]();
    // Away for ten minutes, by the database's clock.
    await away.db.query(sql`update builds set lease_until = lease_until - interval '10 min'`);
    await away.db.query(sql`update build_sweeps set ran_at = ran_at - interval '10 min'`);
    await away.db.query(sql`update workers set last_seen_at = last_seen_at - interval '10 min'`);
    node = await buildsServer(away, quick);
    const back = new WorkerClient(node, { token: worker.token, worker: { id: worker.id } } as never);
    for (let beat = 0; beat < 5; beat++) {
      expect((await back.heartbeat([{ buildId: build.id, term: 1 }], '200ms')).leases).toMatchObject([
        { until: expect.any(String) },
      ]);
    }
    expect(good(await node.call('GET', `/v1/builds/${build.id}`))).toMatchObject({ state: 'running', term: 1 });
    expect(good(await node.call('GET', `/v1/workers/${worker.id}`))).toMatchObject({ state: 'busy' });
    good(await back.about(attempt, 'result'));
    await node[Symbol.asyncDispose]();
  } finally {
    await away[Symbol.asyncDispose]();
  }
});

test('the job nobody fetched (row 60): offered again, else its lease ends and no attempt is counted', async () => {
  const labels = own();
  const worker = await WorkerClient.register(server, { labels });
  const build = await submit({ requires: labels, attemptsMax: 1 });
  expect((await worker.take()).term).toBe(1);
  await leaseIsOver(build.id);
  await until(async () => (await show(build.id)).state === 'queued');
  await restIsOver(build.id);
  expect(await worker.take()).toMatchObject({ buildId: build.id, term: 2 });
});

test('the time limit: told to stop, then failed timed_out', async () => {
  const labels = own();
  const worker = await WorkerClient.register(server, { labels });
  const build = await submit({ requires: labels, maxRunMs: 1_000 });
  const attempt = await worker.take();
  good(await worker.about(attempt, 'start'));
  await database.db.query(sql`update builds set run_until = now() + interval '300 ms' where id = ${build.id}`);
  const { instructions } = await worker.heartbeat([{ buildId: build.id, term: 1 }], '10s');
  expect(instructions).toMatchObject([{ kind: 'cancel', buildId: build.id, reason: 'timed_out' }]);
  expect((await worker.about(attempt, 'stopped')).body).toEqual({ state: 'failed' });
  expect(await show(build.id)).toMatchObject({ state: 'failed', failure: { code: 'timed_out', attribution: 'user' } });
});

test('the queue deadline: failed queue_expired', async () => {
  const build = await submit({ requires: own(), queueDeadlineMs: 1_000 });
  await until(async () => (await show(build.id)).state === 'failed');
  expect(await show(build.id)).toMatchObject({ failure: { code: 'queue_expired' }, attempts: [] });
});
