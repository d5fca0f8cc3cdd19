import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from '#kernel/db';
import { type BuildsServer, buildsServer } from '#test/builds-server';
import { testDatabase } from '#test/database';
import { good, seenBy, WorkerClient } from '#test/worker-client';

const database = await testDatabase();
let server: BuildsServer;
beforeAll(async () => {
  server = await buildsServer(database);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

test('register, list, show, change, count', async () => {
  const worker = await WorkerClient.register(server, {
    name: 'mac-7',
    platforms: ['macos', 'ios', 'ios'],
    labels: { arch: 'arm64' },
    seats: 2,
    version: '1.2.3',
    host: { os: 'darwin', arch: 'arm64', cpus: 8, memoryBytes: 2 ** 34 },
  });
  expect(worker.token).toMatch(/^wkt_/);
  const shown = await seenBy(server, worker);
  expect(shown).toMatchObject({
    name: 'mac-7',
    kind: 'v1',
    platforms: ['ios', 'macos'],
    seats: 2,
    seatsFree: 2,
    state: 'online',
    held: [],
    counters: { succeeded: 0, failed: 0, lost: 0 },
    diagnostics: null,
  });
  const build = await server.submitted({ build: { platform: 'ios', expects: 'nothing' } });
  const attempt = await worker.take();
  expect(await seenBy(server, worker)).toMatchObject({
    state: 'online',
    seatsFree: 1,
    held: [{ buildId: build.id, term: 1, state: 'assigned' }],
  });
  expect(good(await worker.me('PATCH', '', { labels: { arch: 'arm64', xcode: '26' }, seats: 1 }))).toMatchObject({
    state: 'busy',
    seatsFree: 0,
    labels: { xcode: '26' },
  });
  good(await worker.about(attempt, 'result'));
  expect(await seenBy(server, worker)).toMatchObject({ state: 'online', counters: { succeeded: 1 } });
  const more = await Promise.all([1, 2, 3].map((n) => WorkerClient.register(server, { name: `more-${n}` })));
  const first = good(await server.call('GET', '/v1/workers?limit=2')) as {
    items: { id: string }[];
    nextCursor: string;
  };
  expect(first.items).toHaveLength(2);
  const second = good(await server.call('GET', `/v1/workers?limit=2&cursor=${first.nextCursor}`)) as typeof first;
  const ids = [...first.items, ...second.items].map(({ id }) => id);
  expect(new Set(ids)).toEqual(new Set([worker.id, ...more.map(({ id }) => id)]));
});

test('a new token: the old one lives 60 s longer', async () => {
  const worker = await WorkerClient.register(server);
  const { token } = good(await worker.me('POST', '/token')) as { token: string };
  expect(token).not.toBe(worker.token);
  const renewed = new WorkerClient(server, { token, worker: { id: worker.id } } as never);
  await renewed.heartbeat([]);
  await worker.heartbeat([]);
  const [old] = await database.db.query<{ ms: number }>(
    sql`select extract(epoch from expires_at - now())::float8 * 1000 as ms from run_tokens where worker_id = ${worker.id} and expires_at is not null`,
  );
  expect(old?.ms).toBeGreaterThan(50_000);
  expect(old?.ms).toBeLessThanOrEqual(60_000);
});

test('bad bodies name the field', async () => {
  for (const body of [
    {},
    { name: 'x', platforms: [] },
    { name: 'x', platforms: ['beos'] },
    { name: 'x', platforms: ['linux'], seats: 65 },
    { name: 'x', platforms: ['linux'], label: {} },
  ]) {
    expect(await server.call('POST', '/v1/workers', { body })).toMatchObject({
      status: 400,
      body: { code: 'invalid' },
    });
  }
  const worker = await WorkerClient.register(server);
  expect(await worker.me('POST', '/heartbeat', { leases: [{ buildId: 'x', term: 0 }] })).toMatchObject({
    status: 400,
    body: { errors: [{ pointer: '/leases/0/term' }] },
  });
  expect(await worker.about({ buildId: 'bld_nothing', term: 1 }, 'start')).toMatchObject({ status: 404 });
});

test('who may: no credential, another project’s, another worker’s, too small a scope', async () => {
  const worker = await WorkerClient.register(server, { labels: { own: 'yes' } });
  const build = await server.submitted({ build: { platform: 'linux', requires: { own: 'yes' }, expects: 'nothing' } });
  const attempt = await worker.take();
  const stands = async (): Promise<object> => {
    const { state, term, version, leaseUntil } = good(await server.call('GET', `/v1/builds/${build.id}`)) as Record<
      string,
      unknown
    >;
    return { state, term, version, leaseUntil };
  };
  const before = await stands();
  expect(await server.call('POST', '/v1/workers/me/claim', { token: null, body: {} })).toMatchObject({ status: 401 });
  expect(await server.call('POST', '/v1/workers/me/claim', { body: {} })).toMatchObject({ status: 403 });
  const stranger = await WorkerClient.register(server, { labels: { own: 'no' } });
  for (const verb of ['start', 'result', 'stopped'] as const) {
    expect(await stranger.about(attempt, verb)).toMatchObject({ status: 403, body: { reason: 'not_holder' } });
  }
  const project = await server.project();
  const foreign = await server.keyWith(['builds:admin'], project);
  const away = await server.call('POST', '/v1/workers', {
    body: { name: 'far', platforms: ['linux'] },
    token: foreign,
  });
  const far = new WorkerClient(server, away.body as never);
  expect(await far.about(attempt, 'result')).toMatchObject({ status: 404 });
  expect((await far.heartbeat([attempt].map(({ buildId, term }) => ({ buildId, term })))).leases).toMatchObject([
    { lost: 'no_such_build' },
  ]);
  expect(await server.call('GET', `/v1/workers/${worker.id}`, { token: foreign })).toMatchObject({ status: 404 });
  expect(await server.call('POST', `/v1/workers/${worker.id}/drain`, { token: foreign, body: {} })).toMatchObject({
    status: 404,
  });
  const operator = await server.keyWith(['builds:operate']);
  for (const [method, path] of [
    ['POST', 'drain'],
    ['POST', 'resume'],
    ['POST', 'evict'],
    ['DELETE', ''],
  ] as const) {
    const answered = await server.call(method, `/v1/workers/${worker.id}${path && `/${path}`}`, {
      token: operator,
      body: path === 'evict' ? { buildId: build.id } : {},
    });
    expect(answered).toMatchObject({ status: 403, body: { reason: 'missing_scope' } });
  }
  const reader = await server.keyWith(['builds:read']);
  expect(
    await server.call('POST', '/v1/workers', { token: reader, body: { name: 'x', platforms: ['linux'] } }),
  ).toMatchObject({ status: 403 });
  expect(await stands()).toEqual(before);
});

test('registering once with an idempotency key', async () => {
  const register = (name: string): ReturnType<BuildsServer['call']> =>
    server.call('POST', '/v1/workers', {
      body: { name, platforms: ['linux'] },
      headers: { 'idempotency-key': 'register-1' },
    });
  const [first, again, other] = [await register('a'), await register('a'), await register('b')];
  expect(again.body).toEqual(first.body);
  expect(other).toMatchObject({ status: 409, body: { reason: 'idempotency_mismatch' } });
});
