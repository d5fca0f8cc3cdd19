/* Cuts of every kind: slow readers, gaps, tokens that end, a server that stops and one that comes back on the same data. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { testDatabase } from '#test/database';
import { type Frame, openSocket, type TestSocket } from '#test/muster-socket';
import { startServer, type TestServer } from '#test/server';
import { until } from '#test/until';

const database = await testDatabase();
const dataDir = await mkdtemp(join(tmpdir(), 'muster-socket-'));
const key = 'k'.repeat(40);
let server = await start();
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
  await rm(dataDir, { recursive: true, force: true });
});

/** The same server each time: its data folder, its database, its key. */
function start(): Promise<TestServer> {
  return startServer({
    database,
    env: { MUSTER_DATA_DIR: dataDir, MUSTER_API_KEY: key },
    options: { log: 'disk' },
  });
}

const open = (credential = key): Promise<TestSocket> => openSocket(server.url, { key: credential });
const create = async (path: string, contentType: string, headers: Record<string, string> = {}): Promise<void> => {
  const made = await server.call(`/v1/stream/${path}`, {
    method: 'PUT',
    headers: { 'content-type': contentType, ...headers },
  });
  expect(made.status).toBe(201);
};
async function post(path: string, contentType: string, body: string): Promise<string> {
  const response = await server.call(`/v1/stream/${path}`, {
    method: 'POST',
    headers: { 'content-type': contentType },
    body,
  });
  expect(response.status).toBe(204);
  return response.headers.get('stream-next-offset') ?? '';
}
/** Everything HTTP gives from an offset on, page by page. */
async function catchUp(path: string, from = '-1'): Promise<{ text: string; next: string }> {
  let text = '';
  for (let offset = from; ; ) {
    const page = await server.call(`/v1/stream/${path}?offset=${offset}`);
    expect(page.status).toBe(200);
    text += await page.text();
    offset = page.headers.get('stream-next-offset') ?? '';
    if (page.headers.get('stream-up-to-date') === 'true') return { text, next: offset };
  }
}
const textOf = (frames: readonly Frame[]): string =>
  frames
    .map((frame) =>
      typeof frame['text'] === 'string'
        ? frame['text']
        : typeof frame['base64'] === 'string'
          ? Buffer.from(frame['base64'], 'base64').toString('latin1')
          : '',
    )
    .join('');
/** Batches begin where the one before ended; nothing is missing and nothing comes twice. */
function expectSeamless(frames: readonly Frame[], from?: string): void {
  const batches = frames.filter(({ t }) => t === 'batch');
  let at = from ?? batches[0]?.['from'];
  for (const batch of batches) {
    expect(batch['from']).toBe(at);
    at = batch['to'];
  }
}

test('a reader that stops is told so, served from the log when it goes on, and misses nothing', async () => {
  await create('slow', 'text/plain');
  await using socket = await open();
  await using other = await open();
  for (const each of [socket, other]) {
    await each.ask({ t: 'sub', ref: 1, stream: 'slow', after: '-1' });
    await each.frame(({ t }) => t === 'live');
  }
  socket.ws.pause();
  let expected = '';
  let last = '';
  for (let i = 0; i < 80; i++) {
    const body = `${i}:${'x'.repeat(200_000)};`;
    expected += body;
    last = await post('slow', 'text/plain', body);
  }
  // Nobody else notices.
  await other.frame(({ to }) => to === last);
  expect(socket.bytes).toBeLessThan(4_000_000);
  socket.ws.resume();
  await socket.frame((frame) => frame.t === 'batch' && frame['to'] === last);
  expect(textOf(socket.of('slow')) === expected).toBe(true);
  expectSeamless(socket.of('slow'));
  expect(socket.of('slow').map(({ t }) => t)).toContain('slow');
  expect(socket.of('slow').find(({ t }) => t === 'slow')).toEqual({
    t: 'slow',
    sub: 'slow',
    waitingBytes: expect.any(Number),
  });
  await post('slow', 'text/plain', 'end');
  await socket.frame((frame) => frame['text'] === 'end' && frame['phase'] === 'live');
});

test('many slow subscriptions on one socket do not fill memory', async () => {
  const paths = Array.from({ length: 60 }, (_, i) => `many/s${i}`);
  for (const path of paths) {
    await create(path, 'text/plain');
    await post(path, 'text/plain', 'y'.repeat(250_000));
  }
  await using socket = await open();
  socket.ws.pause();
  for (const [ref, stream] of paths.entries()) socket.send({ t: 'sub', ref, stream, after: '-1' });
  const waiting = async (): Promise<number> =>
    Number(/^muster_socket_waiting_bytes (\d+)$/m.exec(await (await server.call('/metrics')).text())?.[1]);
  await until(async () => (await waiting()) > 500_000);
  // Each has looked for room before it added its page.
  expect(await waiting()).toBeLessThan(2_000_000);
  socket.ws.resume();
  await until(() => paths.every((path) => textOf(socket.of(path)).length === 250_000));
});

test('drain: draining, 1012; the next server gives what is missing behind the kept cursors, once', async () => {
  await create('drained', 'application/json');
  await create('drained-text', 'text/plain');
  const got: unknown[] = [];
  let text = '';
  const cursors = new Map<string, string>([
    ['drained', '-1'],
    ['drained-text', '-1'],
  ]);
  const keep = (frames: readonly Frame[]): void => {
    for (const frame of frames) {
      if (frame.t !== 'batch') continue;
      const sub = String(frame['sub']);
      const kept = cursors.get(sub);
      expect(kept === '-1' || frame['from'] === kept).toBe(true);
      cursors.set(sub, String(frame['to']));
      if (sub === 'drained') got.push(...(frame['records'] as unknown[]));
      else text += String(frame['text']);
    }
  };
  const acknowledged: number[] = [];
  for (let life = 0; life < 3; life++) {
    const socket = await open();
    for (const [stream, after] of cursors) await socket.ask({ t: 'sub', ref: stream, stream, after });
    const writer = await open();
    for (let i = 0; i < 200; i++) {
      const n = life * 200 + i;
      writer.send({ t: 'append', ref: n, stream: 'drained', records: [n], producer: { id: 'w', epoch: life, seq: i } });
      writer.send({ t: 'append', ref: `t${n}`, stream: 'drained-text', text: `${n},` });
    }
    await writer.answer(life * 200 + 20);
    await server[Symbol.asyncDispose]();
    expect((await socket.closed).code).toBe(1012);
    expect((await writer.closed).code).toBe(1012);
    expect(socket.frames.find(({ t }) => t === 'draining')).toMatchObject({
      retryAfterMs: expect.any(Number),
      closeInMs: expect.any(Number),
    });
    acknowledged.push(
      ...writer.frames.filter(({ t, ref }) => t === 'ok' && typeof ref === 'number').map(({ ref }) => Number(ref)),
    );
    keep(socket.frames);
    server = await start();
  }
  await using last = await open();
  for (const [stream, after] of cursors) await last.ask({ t: 'sub', ref: stream, stream, after });
  for (const stream of cursors.keys()) await last.frame((frame) => frame.t === 'live' && frame['sub'] === stream);
  keep(last.frames);
  expect(JSON.stringify(got)).toBe((await catchUp('drained')).text);
  expect(text).toBe((await catchUp('drained-text')).text);
  expect(new Set(got).size).toBe(got.length);
  for (const n of acknowledged) expect(got).toContain(n);
});

test('an offset of a stream that was there before is a gap; a follower is told and stops, or goes on when it asked to', async () => {
  await create('again', 'application/json');
  const old = await post('again', 'application/json', '[1,2]');
  expect((await server.call('/v1/stream/again', { method: 'DELETE' })).status).toBe(204);
  await create('again', 'application/json');
  await post('again', 'application/json', '[7]');
  await using socket = await open();
  expect(await socket.ask({ t: 'sub', ref: 1, stream: 'again', after: old })).toMatchObject({
    t: 'err',
    code: 'notFound',
    reason: 'stream_recreated',
    earliest: expect.any(String),
  });
  expect(socket.of('again')).toEqual([]);
  expect(await socket.ask({ t: 'sub', ref: 2, stream: 'again', after: old, onGap: 'continue' })).toMatchObject({
    t: 'ok',
  });
  await socket.frame(({ t }) => t === 'live');
  expect(socket.of('again').slice(0, 2)).toMatchObject([
    { t: 'gap', from: old, reason: 'recreated' },
    { t: 'batch', records: [7] },
  ]);
});

test('a reader that retention overtakes is told what it lost: it stops, or goes on when it asked to', async () => {
  await create('trimmed', 'application/json');
  await using stops = await open();
  await using goesOn = await open();
  for (const [socket, more] of [
    [stops, {}],
    [goesOn, { onGap: 'continue' }],
  ] as const) {
    await socket.ask({ t: 'sub', ref: 1, stream: 'trimmed', after: '-1', ...more });
    await socket.frame(({ t }) => t === 'live');
    socket.ws.pause();
  }
  let last = '';
  for (let n = 0; n < 60; n++)
    last = await post('trimmed', 'application/json', JSON.stringify([n, 'x'.repeat(200_000)]));
  await until(async () => {
    const json = { retention: { maxMessages: 2 } };
    expect((await server.call('/v1/streams/trimmed', { method: 'PATCH', json })).status).toBe(200);
    const { headers } = await server.call('/v1/stream/trimmed', { method: 'HEAD' });
    return Number(headers.get('stream-first-offset')?.slice(-3)) > 100;
  });
  stops.ws.resume();
  goesOn.ws.resume();
  const gap = await stops.frame(({ t }) => t === 'gap');
  expect(gap).toMatchObject({
    sub: 'trimmed',
    reason: 'trimmed',
    from: expect.any(String),
    earliest: expect.any(String),
    lost: expect.any(Number),
  });
  expect(await stops.frame(({ t }) => t === 'gone')).toEqual({ t: 'gone', sub: 'trimmed', reason: 'gap' });
  expect(await stops.ask({ t: 'unsub', ref: 2, sub: 'trimmed' })).toMatchObject({ reason: 'sub_unknown' });
  expect(await stops.ask({ t: 'sub', ref: 3, stream: 'trimmed', after: String(gap['from']) })).toMatchObject({
    t: 'err',
    code: 'notFound',
    reason: 'offset_trimmed',
    earliest: gap['earliest'],
  });
  await goesOn.frame((frame) => frame.t === 'batch' && frame['to'] === last);
  const at = goesOn.frames.findIndex(({ t }) => t === 'gap');
  expectSeamless(goesOn.frames.slice(0, at));
  expectSeamless(goesOn.frames.slice(at), String(goesOn.frames[at]?.['earliest']));
});

test('replay and live over sockets equal what HTTP gives, whatever is appended, cut and resumed', async () => {
  let runs = 0;
  const command = fc.oneof(
    fc.record({ do: fc.constant('http' as const), text: fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }) }),
    fc.record({
      do: fc.constant('socket' as const),
      text: fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }),
    }),
    fc.record({
      do: fc.constant('burst' as const),
      many: fc.integer({ min: 2, max: 40 }),
      bytes: fc.integer({ min: 1, max: 30_000 }),
    }),
    fc.record({ do: fc.constant('cut' as const), reader: fc.integer({ min: 0, max: 2 }) }),
    fc.record({ do: fc.constant('pause' as const), reader: fc.integer({ min: 0, max: 2 }) }),
    fc.record({ do: fc.constant('resub' as const), reader: fc.integer({ min: 0, max: 2 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 40 }), async (commands) => {
      const path = `random/r${(runs += 1)}`;
      await create(path, 'text/plain');
      const writer = await open();
      const readers = await Promise.all([0, 1, 2].map((n) => Reader.at(path, n === 2 ? 'own name' : undefined)));
      const writes: Promise<unknown>[] = [];
      let refs = 0;
      try {
        for (const each of commands) {
          if (each.do === 'http') writes.push(post(path, 'text/plain', each.text));
          else if (each.do === 'socket')
            writes.push(writer.ask({ t: 'append', ref: (refs += 1), stream: path, text: each.text }));
          else if (each.do === 'burst')
            for (let i = 0; i < each.many; i++)
              writes.push(
                writer.ask({ t: 'append', ref: (refs += 1), stream: path, text: `${i}`.padEnd(each.bytes, '.') }),
              );
          else await readers[each.reader]?.[each.do]();
        }
        await Promise.all(writes);
        await post(path, 'text/plain', 'the end');
        const whole = await catchUp(path);
        for (const reader of readers) await reader.reach(whole.next);
        for (const reader of readers)
          expect(reader.text === whole.text, `${reader.text.length} of ${whole.text.length}`).toBe(true);
      } finally {
        await writer[Symbol.asyncDispose]();
        for (const reader of readers) await reader[Symbol.asyncDispose]();
      }
    }),
    { numRuns: Number(process.env['TEST_SEEDS'] ?? 12) },
  );
});

/** Keeps its cursor with what it has read, as a client should, and comes back after each cut. */
class Reader implements AsyncDisposable {
  text = '';
  #cursor = '-1';
  #seen = 0;
  #socket: TestSocket;
  readonly #path: string;
  readonly #sub: string | undefined;

  private constructor(socket: TestSocket, path: string, sub: string | undefined) {
    this.#socket = socket;
    this.#path = path;
    this.#sub = sub;
  }

  static async at(path: string, sub: string | undefined): Promise<Reader> {
    const reader = new Reader(await open(), path, sub);
    reader.#follow();
    return reader;
  }

  #follow(): void {
    this.#socket.send({
      t: 'sub',
      stream: this.#path,
      after: this.#cursor,
      ...(this.#sub === undefined ? {} : { sub: this.#sub }),
    });
  }

  #take(): void {
    const frames = this.#socket.frames;
    for (; this.#seen < frames.length; this.#seen++) {
      const frame = frames[this.#seen];
      if (frame?.t !== 'batch') continue;
      if (this.#cursor !== '-1') expect(frame['from']).toBe(this.#cursor);
      this.#cursor = String(frame['to']);
      this.text += String(frame['text']);
    }
  }

  async cut(): Promise<void> {
    await this.#socket[Symbol.asyncDispose]();
    this.#take();
    this.#socket = await open();
    this.#seen = 0;
    this.#follow();
  }

  async pause(): Promise<void> {
    this.#socket.ws.pause();
    await new Promise((resolve) => setImmediate(resolve));
    this.#socket.ws.resume();
  }

  async resub(): Promise<void> {
    await this.#socket.ask({ t: 'unsub', ref: `u${this.#seen}`, sub: this.#sub ?? this.#path });
    this.#take();
    this.#follow();
  }

  async reach(next: string): Promise<void> {
    await until(() => {
      this.#take();
      return this.#cursor === next;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#socket[Symbol.asyncDispose]();
  }
}
