import { afterAll, expect, test } from 'vitest';
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

type Event = {
  id: number;
  type: string;
  at: string;
  buildId?: string;
  workerId?: string;
  term?: number;
  reason?: string;
  queue?: string;
};

async function all(path: string): Promise<Event[]> {
  const events: Event[] = [];
  let offset = '-1';
  for (;;) {
    const page: Answered = await server.call('GET', `/v1/stream/${path}?offset=${offset}`);
    expect(page.status).toBe(200);
    events.push(...(page.body as unknown as Event[]));
    if (page.headers.get('stream-up-to-date') === 'true') return events;
    offset = page.headers.get('stream-next-offset') ?? '';
  }
}

test('a build’s whole way is told in order, in its own stream and in the project’s, with the same numbers', async () => {
  const before = await server.call('GET', '/v1/stream/builds/events?offset=now');
  const { id } = await server.submitted({ build: { platform: 'linux', expects: 'nothing', queue: 'events' } });
  const worker = await server.worker();
  const held = await worker.claim();
  await server.call('POST', `/v1/workers/me/builds/${id}/start`, { body: { term: held.term }, token: worker.token });
  await server.call('POST', `/v1/workers/me/heartbeat`, {
    body: { leases: [{ buildId: id, term: 1, progress: 40, phase: 'compiling' }] },
    token: worker.token,
  });
  await server.call('POST', `/v1/workers/me/builds/${id}/abandon`, {
    body: { term: 1, reason: 'no disk' },
    token: worker.token,
  });
  await server.db.query(sql`update builds set avoid_until = null where id = ${id}`);
  const again = await worker.claim();
  await worker.finish(again);
  const own = await all(`builds/${id}/events`);
  expect(own.map((event) => event.type)).toEqual([
    'submitted',
    'assigned',
    'started',
    'progress',
    'requeued',
    'assigned',
    'succeeded',
  ]);
  expect(own[1]).toMatchObject({
    buildId: id,
    workerId: worker.id,
    term: 1,
    queue: 'events',
    at: expect.stringMatching(/Z$/),
  });
  expect(own[4]).toMatchObject({ reason: 'worker_abandoned', term: 1 });
  expect(own[6]).toMatchObject({ term: 2 });
  const { body } = await server.call(
    'GET',
    `/v1/stream/builds/events?offset=${before.headers.get('stream-next-offset')}`,
  );
  const told = body as unknown as Event[];
  expect(told.filter((event) => event.buildId === id)).toEqual(own);
  expect(told.map((event) => event.type)).toContain('registered');
  expect(own.every((event, i) => i === 0 || event.id > (own[i - 1]?.id ?? 0))).toBe(true);
});

test('queues and workers are told in the project’s stream; another project hears nothing', async () => {
  await server.call('POST', '/v1/queues/told/pause', { body: { reason: 'why not' } });
  await server.call('POST', '/v1/queues/told/resume', { body: {} });
  const worker = await server.worker();
  await server.call('POST', `/v1/workers/${worker.id}/drain`, { body: { reason: 'update' } });
  let told: Event[] = [];
  await until(async () => {
    told = await all('builds/events');
    return told.some((event) => event.type === 'draining');
  });
  expect(told.filter((event) => event.queue === 'told').map((event) => [event.type, event.reason])).toEqual([
    ['paused', 'why not'],
    ['resumed', undefined],
  ]);
  expect(told.filter((event) => event.workerId === worker.id).map((event) => event.type)).toEqual([
    'registered',
    'draining',
  ]);
  const stranger = await server.keyWith(['builds:read'], await server.project());
  expect(await server.call('GET', '/v1/stream/builds/events?offset=-1', { token: stranger })).toMatchObject({
    status: 200,
    body: [],
  });
});

test('counters move with what happened, once', async () => {
  const submitted = () => server.metric('muster_builds_submitted_total{queue="counted"');
  const failed = () =>
    server.metric('muster_builds_finished_total{state="failed",code="command_failed",attribution="user"}');
  const before = await failed();
  await server.submitted({ build: { platform: 'linux', queue: 'counted' } });
  const worker = await server.worker();
  const held = await worker.claim();
  await server.call('POST', `/v1/workers/me/builds/${held.buildId}/fail`, {
    body: { term: held.term, failure: { code: 'command_failed', detail: 'exit 1', exitCode: 1 } },
    token: worker.token,
  });
  expect([await submitted(), (await failed()) - before]).toEqual([1, 1]);
  expect(await server.metric('muster_builds_run_seconds_count{queue="counted"')).toBe(1);
  expect(await server.metric('muster_builds_wait_seconds_count{queue="counted"')).toBe(1);
  expect(await server.metric('muster_builds_impossible_total')).toBe(0);
  expect(await server.metric('muster_builds_outbox_dropped_total')).toBe(0);
});
