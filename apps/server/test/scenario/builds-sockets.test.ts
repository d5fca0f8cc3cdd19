import type { Instruction } from '@muster/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from '#kernel/db';
import { type BuildsServer, buildsServer } from '#test/builds-server';
import { testDatabase } from '#test/database';
import { until } from '#test/until';
import { good, WorkerClient } from '#test/worker-client';

const database = await testDatabase();
let server: BuildsServer;
beforeAll(async () => {
  server = await buildsServer(database, { sweepEveryMs: 300 });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

let fresh = 0;
const own = (): Record<string, string> => ({ test: `t${fresh++}` });
const submit = (build: object): ReturnType<BuildsServer['submitted']> =>
  server.submitted({ build: { platform: 'linux', expects: 'nothing', ...build } });
const cancel = (id: string): ReturnType<BuildsServer['call']> =>
  server.call('POST', `/v1/builds/${id}/cancel`, { body: {} });
const state = async (id: string): Promise<unknown> =>
  (good(await server.call('GET', `/v1/builds/${id}`)) as { state: string }).state;

test('a socket: jobs for as many seats as are free, heartbeats, cancel, drain, resume', async () => {
  const labels = own();
  const worker = await WorkerClient.register(server, { labels, seats: 2 });
  const socket = await worker.connect();
  const instruction = async (want: (instruction: Instruction) => boolean): Promise<Instruction> => {
    for (;;) {
      const { instruction } = await socket.next('instruction');
      if (want(instruction)) return instruction;
    }
  };
  socket.send({ type: 'ready', free: 2, held: [] });
  const builds = [
    await submit({ requires: labels }),
    await submit({ requires: labels }),
    await submit({ requires: labels }),
  ];
  const [one, two] = [(await socket.next('job')).job, (await socket.next('job')).job];
  expect([one.build.id, two.build.id]).toEqual([builds[0]!.id, builds[1]!.id]);
  socket.send({
    type: 'heartbeat',
    ref: 7,
    leases: [
      { buildId: one.build.id, term: 1, progress: 5 },
      { buildId: two.build.id, term: 9 },
    ],
  });
  const { ref, leases } = await socket.next('leases');
  expect(ref).toBe(7);
  expect(leases).toMatchObject([
    { buildId: one.build.id, until: expect.any(String) },
    { buildId: two.build.id, term: 9, lost: 'stale_term' },
  ]);
  await cancel(one.build.id);
  const told = await instruction((given) => given.kind === 'cancel' && given.buildId === one.build.id);
  expect(told).toEqual({ kind: 'cancel', buildId: one.build.id, term: 1, reason: 'user', graceMs: 30_000 });
  good(await server.call('POST', `/v1/workers/${worker.id}/drain`, { body: { reason: 'test' } }));
  const drained = (): Promise<unknown> => instruction((given) => given.kind !== 'cancel');
  expect(await drained()).toEqual({ kind: 'drain', exit: false });
  good(await worker.about({ buildId: one.build.id, term: 1 }, 'stopped'));
  good(await worker.about({ buildId: two.build.id, term: 1 }, 'result'));
  expect(await drained()).toEqual({ kind: 'drain', exit: true });
  good(await server.call('POST', `/v1/workers/${worker.id}/resume`, { body: {} }));
  expect(await drained()).toEqual({ kind: 'resume' });
  socket.send({ type: 'ready', free: 2, held: [] });
  expect((await socket.next('job')).job.build.id).toBe(builds[2]!.id);
  socket.close();
});

test('frames that are no frames close it with 1007, too large ones with 1009; leases are unaffected (row 58)', async () => {
  const labels = own();
  const worker = await WorkerClient.register(server, { labels });
  const build = await submit({ requires: labels });
  const first = await worker.connect();
  first.send({ type: 'ready', free: 1, held: [] });
  const { job } = await first.next('job');
  good(await worker.about({ buildId: build.id, term: 1 }, 'start'));
  for (const garbage of [
    '{',
    '[]',
    '{"type":"nonsense"}',
    '{"type":"ready","free":1}x',
    '{"type":"ready","free":99,"held":[]}',
  ]) {
    const socket = await worker.connect();
    socket.socket.send(garbage);
    expect(await socket.closed).toBe(1007);
  }
  const binary = await worker.connect();
  binary.socket.send(Buffer.from([1, 2, 3]));
  expect(await binary.closed).toBe(1007);
  const large = await worker.connect();
  large.socket.send(JSON.stringify({ type: 'heartbeat', leases: [], x: 'y'.repeat(256 * 1024) }));
  expect(await large.closed).toBe(1009);
  expect(await state(build.id)).toBe('running');
  expect((await worker.heartbeat([{ buildId: job.build.id, term: 1 }])).leases).toMatchObject([
    { until: expect.any(String) },
  ]);
});

test('a second connection replaces the first with 4009', async () => {
  const worker = await WorkerClient.register(server, { labels: own() });
  const first = await worker.connect();
  const second = await worker.connect();
  expect(await first.closed).toBe(4009);
  second.send({ type: 'heartbeat', ref: 1, leases: [] });
  expect((await second.next('leases')).ref).toBe(1);
  second.close();
});

test('a socket that is gone before the job is written: the build goes on to the next', async () => {
  const labels = own();
  const [one, two] = [
    await WorkerClient.register(server, { labels }),
    await WorkerClient.register(server, { labels, name: 'mac-2' }),
  ];
  const socket = await one.connect();
  socket.send({ type: 'ready', free: 1, held: [] });
  await until(() => server.room.live.dispatch.parked === 1);
  socket.socket.terminate();
  const build = await submit({ requires: labels });
  await until(async () => (await two.claim({}, '500ms')).job?.build.id === build.id);
});

test('reconnect: the job it never heard of is given again, what it holds is not', async () => {
  const labels = own();
  const worker = await WorkerClient.register(server, { labels, seats: 2 });
  const [lost, held] = [await submit({ requires: labels }), await submit({ requires: labels })];
  const socket = await worker.connect();
  socket.send({ type: 'ready', free: 2, held: [] });
  await socket.next('job');
  await socket.next('job');
  good(await worker.about({ buildId: held.id, term: 1 }, 'start'));
  socket.socket.terminate();
  const again = await worker.connect();
  again.send({ type: 'ready', free: 1, held: [{ buildId: held.id, term: 1 }] });
  expect((await again.next('job')).job.build).toMatchObject({ id: lost.id, term: 1 });
  again.close();
});

test('an event stream: jobs and instructions come by themselves, one per free seat', async () => {
  const labels = own();
  const worker = await WorkerClient.register(server, { labels });
  const events = await worker.events();
  await events.next('ping');
  const [one, two] = [await submit({ requires: labels }), await submit({ requires: labels })];
  const first = await events.next('job');
  expect(first.data['build']).toMatchObject({ id: one.id, term: 1 });
  good(await worker.about({ buildId: one.id, term: 1 }, 'start'));
  await cancel(one.id);
  expect((await events.next('cancel')).data).toMatchObject({ kind: 'cancel', buildId: one.id, term: 1 });
  good(await worker.about({ buildId: one.id, term: 1 }, 'stopped'));
  expect((await events.next('job')).data['build']).toMatchObject({ id: two.id });
  good(await server.call('POST', `/v1/workers/${worker.id}/drain`, { body: { reason: 'x' } }));
  expect((await events.next('drain')).data).toEqual({ kind: 'drain', exit: false });
  good(await server.call('POST', `/v1/workers/${worker.id}/resume`, { body: {} }));
  await events.next('resume');
  events.close();
});

test('poll, event stream and socket mixed: the rows decide, nothing comes twice', async () => {
  const labels = own();
  const worker = await WorkerClient.register(server, { labels });
  const events = await worker.events();
  await events.next('ping');
  const socket = await worker.connect();
  socket.send({ type: 'ready', free: 1, held: [] });
  const claim = worker.claim({}, '700ms');
  await until(() => server.room.live.dispatch.parked === 3);
  const build = await submit({ requires: labels });
  await submit({ requires: labels });
  await until(async () => (await state(build.id)) === 'assigned');
  await claim;
  const [row] = await database.db.query<{ n: number }>(
    sql`select count(*)::int as n from build_attempts a join builds b on b.id = a.build_id where b.worker_id = ${worker.id}`,
  );
  expect(row?.n).toBe(1);
  events.close();
  socket.close();
});

test('no credential, a key instead of a worker’s token: no socket', async () => {
  const { WebSocket } = await import('ws');
  const refused = (headers: Record<string, string>): Promise<number | undefined> =>
    new Promise((resolve) => {
      const socket = new WebSocket(`${server.url.replace('http', 'ws')}/v1/workers/connect`, { headers });
      socket.on('unexpected-response', (_, response) => resolve(response.statusCode));
      socket.on('error', () => undefined);
      socket.on('open', () => resolve(undefined));
    });
  expect(await refused({})).toBe(401);
  expect(await refused({ authorization: `Bearer ${server.key}` })).toBe(403);
});
