import { once } from 'node:events';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { buildsServer } from '#test/builds-server';
import { testDatabase } from '#test/database';
import { LegacyClient } from '#test/legacy-client';
import { until } from '#test/until';

const database = await testDatabase();
const server = await buildsServer(database);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});
let mac: LegacyClient;
beforeEach(async () => {
  mac = new LegacyClient(server, await server.keyWith(['builds:operate'], await server.project()));
});

class Socket implements Disposable {
  readonly ws: WebSocket;
  readonly frames: any[] = []; // oxlint-disable-line typescript/no-explicit-any -- frames of many shapes
  constructor(query: string) {
    this.ws = new WebSocket(`${server.url.replace('http', 'ws')}/worker/socket/websocket?${query}`);
    // An upgrade that is refused is an error of the socket too.
    this.ws.on('error', () => undefined);
    this.ws.on('message', (data: Buffer) => this.frames.push(JSON.parse(data.toString())));
  }
  // oxlint-disable-next-line typescript/no-explicit-any -- see above
  async ask(frame: unknown): Promise<any> {
    const before = this.frames.length;
    this.ws.send(JSON.stringify(frame));
    const isReply = (sent: any): boolean => (Array.isArray(sent) ? sent[3] : sent.event) === 'phx_reply'; // oxlint-disable-line typescript/no-explicit-any -- see above
    await until(() => this.frames.slice(before).some(isReply));
    return this.frames.slice(before).find(isReply);
  }
  pushed(event: string): unknown[] {
    return this.frames.filter((frame) => frame[3] === event).map((frame) => frame[4]);
  }
  [Symbol.dispose](): void {
    this.ws.terminate();
  }
}

test('channel-frames: join, job, heartbeat, progress, pushes, as arrays', async () => {
  const worker = await mac.register({ id: 'mac-1' });
  using socket = new Socket(`api_key=${mac.key}&worker_id=mac-1&vsn=2.0.0`);
  await once(socket.ws, 'open');
  const topic = `worker:${worker.id}`;
  expect(await socket.ask([null, '1', 'phoenix', 'heartbeat', {}])).toEqual([
    null,
    '1',
    'phoenix',
    'phx_reply',
    { status: 'ok', response: {} },
  ]);
  expect((await socket.ask(['2', '2', topic, 'request_job', {}]))[4].status).toBe('error');
  expect(await socket.ask(['2', '2', topic, 'phx_join', {}])).toEqual([
    '2',
    '2',
    topic,
    'phx_reply',
    {
      status: 'ok',
      response: { message: 'Connected', stats: { pending: expect.any(Number), timestamp: expect.any(String) } },
    },
  ]);
  expect((await socket.ask(['3', '3', 'worker:other', 'phx_join', {}]))[4]).toMatchObject({ status: 'error' });
  expect((await socket.ask(['2', '4', topic, 'request_job', {}]))[4]).toEqual({
    status: 'ok',
    response: { job: null },
  });

  const { id } = await mac.submit();
  await until(() => socket.pushed('job_available').length > 0);
  expect(socket.pushed('queue_updated').at(-1)).toEqual({ pending_count: expect.any(Number) });
  const reply = await socket.ask(['2', '5', topic, 'request_job', {}]);
  expect(reply[4].response.job).toMatchObject({ id, source_url: `/api/builds/${id}/source`, otp: expect.any(String) });
  await until(() => socket.pushed('job_assigned').length > 0);
  expect(socket.pushed('job_assigned')).toEqual([{ build_id: id }]);
  expect((await socket.ask(['2', '6', topic, 'heartbeat', { build_id: id }]))[4]).toEqual({
    status: 'ok',
    response: { success: true },
  });
  expect(
    (await socket.ask(['2', '7', topic, 'report_progress', { build_id: id, message: 'pods installed' }]))[4].response,
  ).toEqual({ success: true });
  expect((await mac.logs(id)).at(-1)).toMatchObject({ message: 'pods installed' });
  expect((await socket.ask(['2', '8', topic, 'nonsense', {}]))[4]).toEqual({
    status: 'error',
    response: { reason: 'unknown event' },
  });
  expect((await socket.ask(['2', '9', topic, 'heartbeat', { build_id: 'bld_none' }]))[4]).toEqual({
    status: 'error',
    response: { reason: 'Build not found' },
  });
  expect((await socket.ask(['2', '10', topic, 'phx_leave', {}]))[4].status).toBe('ok');
});

test('object frames are answered with objects', async () => {
  const worker = await mac.register();
  using socket = new Socket(`api_key=${mac.key}&worker_id=${worker.id}&vsn=1.0.0`);
  await once(socket.ws, 'open');
  const joined = await socket.ask({ topic: `worker:${worker.id}`, event: 'phx_join', payload: {}, ref: '1' });
  expect(joined).toMatchObject({
    topic: `worker:${worker.id}`,
    event: 'phx_reply',
    ref: '1',
    payload: { status: 'ok', response: { message: 'Connected' } },
  });
});

test.each([
  ['no key', 'worker_id=x'],
  ['a wrong key', 'api_key=wrong&worker_id=x'],
  ['an unknown worker', 'KEY&worker_id=nobody'],
])('the upgrade is refused with 403: %s', async (_, query) => {
  using socket = new Socket(query.replace('KEY', `api_key=${mac.key}`));
  const [, response] = (await once(socket.ws, 'unexpected-response')) as [unknown, { statusCode: number }];
  expect(response.statusCode).toBe(403);
});

test('garbage closes the socket with 1007 and harms no lease', async () => {
  const worker = await mac.register();
  using socket = new Socket(`api_key=${mac.key}&worker_id=${worker.id}`);
  await once(socket.ws, 'open');
  socket.ws.send('garbage');
  const [code] = (await once(socket.ws, 'close')) as [number];
  expect(code).toBe(1007);
});
