import { afterAll, beforeEach, expect, test } from 'vitest';
import { type BuildsServer, buildsServer } from '#test/builds-server';
import { testDatabase } from '#test/database';
import { ipa, LegacyClient, send } from '#test/legacy-client';

const database = await testDatabase();
afterAll(() => database[Symbol.asyncDispose]());
let server: BuildsServer;
let mac: LegacyClient;
beforeEach(async () => {
  await server?.[Symbol.asyncDispose](); // oxlint-disable-line typescript/no-unnecessary-condition -- not there before the first test
  await database.wipe();
  server = await buildsServer(database);
  mac = new LegacyClient(server, await server.keyWith(['builds:operate']));
});
afterAll(() => server[Symbol.asyncDispose]());

const zeros = {
  nodesOnline: 0,
  buildsQueued: 0,
  activeBuilds: 0,
  buildsToday: 0,
  totalBuilds: 0,
  totalBuildTimeMs: 0,
  totalCpuCycles: 0,
};

test('stats-are-measured: zeros when empty, then what happened; public, cached, without credentials', async () => {
  const empty = await send(server.url, 'GET', '/public/stats', { headers: { Origin: 'https://example.com' } });
  expect(empty.body).toEqual(zeros);
  expect(Object.fromEntries(empty.headers)).toMatchObject({
    'access-control-allow-origin': '*',
    'cache-control': 'public, max-age=10',
  });
  expect(empty.headers.get('access-control-allow-credentials')).toBeNull();

  const { id } = await mac.submit();
  await mac.submit();
  const worker = await mac.register();
  await mac.pollByKey(worker.id);
  await mac.post(
    `/api/builds/${id}/telemetry`,
    { type: 'cpu_snapshot', data: { cpu_percent: 100, memory_mb: 10 } },
    mac.k({ 'X-Worker-Id': worker.id, 'X-Build-Id': id }),
  );
  await mac.result([
    { name: 'result', fileName: 'a', value: ipa() },
    { name: 'build_id', value: id },
    { name: 'worker_id', value: worker.id },
  ]);
  // The first answer stands for ten seconds; a server that starts now measures anew.
  expect((await send(server.url, 'GET', '/api/stats')).body).toEqual(zeros);
  await using fresh = await buildsServer(database);
  const { body } = await send(fresh.url, 'GET', '/api/stats');
  expect(body).toMatchObject({ nodesOnline: 1, buildsQueued: 1, activeBuilds: 0, buildsToday: 1, totalBuilds: 2 });
  expect(body.totalBuildTimeMs).toBeGreaterThan(0);
  expect(body.totalCpuCycles).toBe(body.totalBuildTimeMs);
});

test('diagnostics: stored, listed newest first, the latest', async () => {
  const worker = await mac.register({ id: 'mac-1' });
  const check = {
    name: 'disk',
    status: 'warn',
    message: '9 GB left',
    duration_ms: 12,
    auto_fixed: false,
    details: { free: 9 },
  };
  const report = (more: object) =>
    mac.post('/api/diagnostics/report', {
      worker_id: worker.id,
      status: 'warning',
      duration_ms: 50,
      checks: [check],
      ...more,
    });
  expect(await report({ run_at: 1_760_000_000_000, auto_fixed: true })).toMatchObject({
    status: 200,
    body: { id: expect.stringMatching(/^dgr_/), status: 'stored' },
  });
  await report({ status: 'healthy', checks: [] });
  const list = await mac.get('/api/diagnostics/mac-1');
  expect(list.body).toMatchObject({
    worker_id: 'mac-1',
    reports: [
      { status: 'healthy' },
      { status: 'warning', run_at: 1_760_000_000_000, duration_ms: 50, auto_fixed: true, checks: [check] },
    ],
  });
  expect((await mac.get('/api/diagnostics/mac-1?limit=1')).body.reports).toHaveLength(1);
  expect((await mac.get('/api/diagnostics/mac-1/latest')).body).toEqual(list.body.reports[0]);
  expect((await report({ status: 'great' })).status).toBe(400);
  expect((await report({ status: undefined })).status).toBe(400);
  expect((await report({ worker_id: 'nobody' })).status).toBe(404);
  expect((await mac.get('/api/diagnostics/nobody')).status).toBe(404);
  const silent = await mac.register({ name: 'silent' });
  expect((await mac.get(`/api/diagnostics/${silent.id}/latest`)).status).toBe(404);
});

test.each(['/health', '/api/health'])(
  '%s has the fields installers look for, fresh at once after a write',
  async (path) => {
    expect((await send(server.url, 'GET', path)).body).toMatchObject({
      status: 'ok',
      queue: { pending: 0, active: 0, total: 0 },
      storage: { path: 'disk', exists: true },
      database: 'healthy',
      queue_manager: 'healthy',
      heartbeat_monitor: 'healthy',
      timestamp: expect.any(String),
    });
    await mac.submit();
    expect((await send(server.url, 'GET', path)).body.queue).toEqual({ pending: 1, active: 0, total: 1 });
    await mac.pollByKey((await mac.register()).id);
    expect((await send(server.url, 'GET', path)).body.queue).toEqual({ pending: 0, active: 1, total: 1 });
  },
);
