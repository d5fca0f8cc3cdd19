import { afterAll, expect, test } from 'vitest';
import { testDatabase } from '#test/database';
import { openGate } from '#test/gate';
import { startServer } from '#test/server';
import { until } from '#test/until';

const server = await startServer();
afterAll(() => server[Symbol.asyncDispose]());

test('/health tells its parts from memory, and the old path the same', async () => {
  for (const path of ['/health', '/api/health']) {
    const { status, body } = await server.ask(path, { key: null });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: 'ok',
      version: expect.any(String),
      node: expect.stringMatching(/^test-/),
      uptimeMs: expect.any(Number),
      database: 'healthy',
      storage: { path: 'disk', exists: true },
    });
    expect(Date.parse(String(body['timestamp']))).not.toBeNaN();
    expect(JSON.stringify(body)).not.toContain(server.dataDir);
  }
});

test('/ready is 200 until it drains, then says so, while /health goes on', async () => {
  await using leaving = await startServer();
  expect(await leaving.ask('/ready', { key: null })).toEqual({ status: 200, body: { ready: true, reasons: [] } });
  leaving.app.http.drain();
  expect(await leaving.ask('/ready', { key: null })).toEqual({
    status: 503,
    body: { ready: false, reasons: ['draining'] },
  });
  expect((await leaving.call('/health', { key: null })).status).toBe(200);
});

test('the database going away shows in /health and /ready and in answers, and its coming back too', async () => {
  await using database = await testDatabase();
  await using gate = await openGate(database.options);
  await using lone = await startServer({
    database,
    options: { database: { ...database.options, ...gate.connection } },
  });
  gate.shut();
  await until(async () => (await lone.ask('/ready', { key: null })).status === 503);
  expect((await lone.ask('/ready', { key: null })).body).toMatchObject({ reasons: ['database_unavailable'] });
  const health = await lone.ask('/health', { key: null });
  expect(health).toMatchObject({ status: 200, body: { status: 'degraded', database: 'unavailable' } });
  const refused = await lone.call('/v1/keys');
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '2']);
  gate.open();
  await until(async () => (await lone.ask('/ready', { key: null })).status === 200);
  expect((await lone.call('/v1/keys')).status).toBe(200);
});

test('/metrics is open here and asks strangers for the token', async () => {
  const open = await (await server.call('/metrics', { key: null })).text();
  for (const name of [
    'muster_http_request_seconds',
    'muster_db_query_seconds',
    'muster_db_pool',
    'muster_disk_free_bytes',
    'muster_event_loop_lag_seconds',
    'muster_auth_failures_total',
  ]) {
    expect(open).toContain(`# TYPE ${name} `);
  }
  expect(open).not.toMatch(/(key|bld|wrk|prj)_[0-9a-z]{26}/);

  const token = 't'.repeat(20);
  await using closed = await startServer({ env: { MUSTER_METRICS: 'token', MUSTER_METRICS_TOKEN: token } });
  expect((await closed.call('/metrics', { key: null })).status).toBe(401);
  expect((await closed.call('/metrics', { key: closed.key })).status).toBe(401);
  expect((await closed.call('/metrics', { key: token })).status).toBe(200);
  // Behind a proxy on this machine the client counts, not the proxy.
  expect((await server.call('/metrics', { key: null, headers: { 'x-forwarded-for': '203.0.113.9' } })).status).toBe(
    401,
  );
});

test('extra ports answer the same, the metrics port only probes', async () => {
  await using server = await startServer({ env: { MUSTER_EXTRA_PORTS: '0', MUSTER_METRICS_PORT: '0' } });
  const [, extra, metrics] = server.app.http.ports;
  const at = (port: number | undefined, path: string) =>
    fetch(`http://127.0.0.1:${port}${path}`, { headers: { authorization: `Bearer ${server.key}` } });
  expect((await at(extra, '/v1/me')).status).toBe(200);
  expect((await at(metrics, '/metrics')).status).toBe(200);
  expect((await at(metrics, '/v1/me')).status).toBe(404);
});

test('a secret that is not the one the database knows shows as degraded', async () => {
  await using first = await startServer({ env: { MUSTER_SECRET: 'a'.repeat(20).concat('bcdefghijklmnop') } });
  await using other = await startServer({
    database: first.database,
    env: { MUSTER_SECRET: 'z'.repeat(20).concat('bcdefghijklmnop') },
  });
  expect((await first.ask('/health', { key: null })).body).toMatchObject({ status: 'ok' });
  expect((await other.ask('/health', { key: null })).body).toMatchObject({ status: 'degraded', secrets: 'unreadable' });
  await using rotated = await startServer({
    database: first.database,
    env: {
      MUSTER_SECRET: 'z'.repeat(20).concat('bcdefghijklmnop'),
      MUSTER_SECRET_PREVIOUS: 'a'.repeat(20).concat('bcdefghijklmnop'),
    },
  });
  expect((await rotated.ask('/health', { key: null })).body).toMatchObject({ status: 'ok' });
});

test('the reference is served offline and complete', async () => {
  const { body } = await server.ask<{ openapi: string; paths: object }>('/openapi.json', { key: null });
  expect(body.openapi).toBe('3.1.0');
  expect(Object.keys(body.paths)).toEqual(
    expect.arrayContaining([
      '/health',
      '/ready',
      '/metrics',
      '/v1/me',
      '/v1/keys',
      '/v1/keys/{id}/rotate',
      '/v1/limits',
      '/v1/audit',
    ]),
  );
  const page = await (await server.call('/docs', { key: null })).text();
  const files = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map((found) => found[1] ?? '');
  expect(files).toEqual(
    expect.arrayContaining(['docs/swagger-ui.css', 'docs/guides/builds', 'docs/operate/troubleshooting']),
  );
  for (const file of files) expect((await server.call(`/${file}`, { key: null })).status, file).toBe(200);
  expect(page).not.toMatch(/<script>|https?:/);
});

test('every limit is listed with its present use', async () => {
  const { body } = await server.ask<{
    items: { name: string; value: number; setting?: string; present: number | null }[];
  }>('/v1/limits');
  const names = body.items.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(body.items.find(({ name }) => name === 'http.requestsInFlight')).toMatchObject({ value: 2000, present: 1 });
});
