import { afterAll, expect, test } from 'vitest';
import { buildsServer } from '#test/builds-server';
import { testDatabase } from '#test/database';

const database = await testDatabase();
const server = await buildsServer(database);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const report = (status: string, more: object = {}) => ({
  status,
  durationMs: 12,
  checks: [{ name: 'disk', status: 'pass', message: '40 GB free' }],
  ...more,
});
const post = (id: string, body: object, token: string = server.key) =>
  server.call('POST', `/v1/workers/${id}/diagnostics`, { body, token });

test('a worker reports of itself; people read the newest first, page by page', async () => {
  const worker = await server.worker();
  const stored = await post('me', report('healthy', { runAt: '2026-01-01T00:00:00+02:00' }), worker.token);
  expect(stored).toMatchObject({
    status: 201,
    body: {
      id: expect.stringMatching(/^dgr_/),
      workerId: worker.id,
      status: 'healthy',
      runAt: '2025-12-31T22:00:00.000Z',
    },
  });
  for (const status of ['warning', 'critical']) expect((await post(worker.id, report(status))).status).toBe(201);
  const list = (query: string) => server.call('GET', `/v1/workers/${worker.id}/diagnostics${query}`);
  const first = await list('?limit=2');
  expect(first.body['items'].map((item: { status: string }) => item.status)).toEqual(['critical', 'warning']);
  const second = await list(`?limit=2&cursor=${first.body['nextCursor']}`);
  expect(second.body).toMatchObject({
    items: [{ status: 'healthy', checks: [{ name: 'disk', autoFixed: false }] }],
    nextCursor: null,
  });
  expect((await server.call('GET', `/v1/workers/${worker.id}`)).body['diagnostics']).toMatchObject({
    status: 'critical',
  });
});

test('the newest hundred are kept', async () => {
  const worker = await server.worker();
  for (let i = 0; i < 103; i++) await post(worker.id, report('healthy', { durationMs: i }));
  const { body } = await server.call('GET', `/v1/workers/${worker.id}/diagnostics?limit=200`);
  const durations = body['items'].map((item: { durationMs: number }) => item.durationMs);
  expect([durations.length, durations[0], durations.at(-1)]).toEqual([100, 102, 3]);
});

test('refused: other workers, unknown ones, another project, readers, bad fields', async () => {
  const [one, two] = [await server.worker(), await server.worker()];
  expect((await post(two.id, report('healthy'), one.token)).status).toBe(403);
  expect((await post('wrk_00000000000000000000000000', report('healthy'))).status).toBe(404);
  const stranger = await server.keyWith(['builds:admin'], await server.project());
  expect((await post(one.id, report('healthy'), stranger)).status).toBe(404);
  const reader = await server.keyWith(['builds:read']);
  expect(await post(one.id, report('healthy'), reader)).toMatchObject({
    status: 403,
    body: { scope: 'builds:operate' },
  });
  expect((await post(one.id, report('great'))).status).toBe(400);
  const checks = Array.from({ length: 101 }, () => ({ name: 'x', status: 'pass' }));
  expect((await post(one.id, report('healthy', { checks }))).status).toBe(400);
  expect((await server.call('GET', `/v1/workers/${one.id}/diagnostics`, { token: reader })).body['items']).toEqual([]);
});
