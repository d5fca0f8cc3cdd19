/* Streams over the one socket: every frame and every error, against the same streams read over HTTP. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Frame, type OpenSocketOptions, openSocket, type TestSocket } from '#test/muster-socket';
import { startServer, type TestServer } from '#test/server';
import { until } from '#test/until';

let server: TestServer;
const sockets = new Set<TestSocket>();
let paths = 0;

beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  for (const socket of sockets) await socket[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

async function open(options: OpenSocketOptions = {}): Promise<TestSocket> {
  const socket = await openSocket(server.url, { key: server.key, ...options });
  sockets.add(socket);
  return socket;
}

/** Makes a stream and returns its path. */
async function make(contentType: string, ...bodies: string[]): Promise<string> {
  const path = `socket/s${(paths += 1)}`;
  const made = await server.call(`/v1/stream/${path}`, { method: 'PUT', headers: { 'content-type': contentType } });
  expect(made.status).toBe(201);
  for (const body of bodies) await post(path, contentType, body);
  return path;
}

async function post(path: string, contentType: string, body: string | Uint8Array<ArrayBuffer>): Promise<string> {
  const response = await server.call(`/v1/stream/${path}`, {
    method: 'POST',
    headers: { 'content-type': contentType },
    body,
  });
  expect(response.status).toBe(204);
  return response.headers.get('stream-next-offset') ?? '';
}

const close = (path: string) =>
  server.call(`/v1/stream/${path}`, { method: 'POST', headers: { 'stream-closed': 'true' } });
const read = async (path: string): Promise<string> => (await server.call(`/v1/stream/${path}?offset=-1`)).text();
const records = (frames: readonly Frame[]): unknown[] =>
  frames.flatMap((frame) => (frame.t === 'batch' ? (frame['records'] as unknown[]) : []));
const live = (socket: TestSocket, sub: string) => socket.frame((frame) => frame.t === 'live' && frame['sub'] === sub);

test('sub: ok with type, tail and state; history; live; what comes; unsub', async () => {
  const path = await make('application/json', '[1,2]', '{"n":3}');
  const socket = await open();
  const ok = await socket.ask({ t: 'sub', ref: 'a', stream: path, after: '-1' });
  expect(ok).toEqual({
    t: 'ok',
    ref: 'a',
    sub: path,
    stream: path,
    contentType: 'application/json',
    next: expect.stringMatching(/_0000000000000003$/),
    closed: false,
  });
  expect(await live(socket, path)).toEqual({ t: 'live', sub: path, to: ok['next'] });
  const next = await post(path, 'application/json', '[{"b": 1.0, "a": 12345678901234567890}]');
  const came = await socket.frame((frame) => frame['phase'] === 'live');
  expect(came).toMatchObject({ t: 'batch', sub: path, from: ok['next'], to: next });
  expect(records(socket.of(path)).slice(0, 3)).toEqual([1, 2, { n: 3 }]);
  expect(socket.frames[1]?.t).toBe('ok');

  expect(await socket.ask({ t: 'unsub', ref: 'b', sub: path })).toEqual({ t: 'ok', ref: 'b', sub: path });
  await post(path, 'application/json', '5');
  await socket.ask({ t: 'ping', ref: 'c' });
  expect(records(socket.of(path))).toHaveLength(4);
});

test('followers without a name of their own get the very same bytes; a name of their own changes nothing else', async () => {
  const path = await make('application/json', '["before"]');
  const plain = [await open(), await open()];
  const named = await open();
  for (const socket of plain) await socket.ask({ t: 'sub', ref: 1, stream: path, after: '-1' });
  const names = ['n', 'a "name" of its own, much longer than the path: ' + 'x'.repeat(300)];
  for (const sub of names) {
    expect(await named.ask({ t: 'sub', ref: sub.length, stream: path, after: '-1', sub })).toMatchObject({
      t: 'ok',
      sub,
      stream: path,
    });
  }
  for (const socket of plain) await live(socket, path);
  for (const sub of names) await live(named, sub);
  // Frames with a length of 7, of 16 and of 64 bits.
  for (const length of [10, 90, 20_000, 65_400, 70_000, 200_000])
    await post(path, 'application/json', JSON.stringify('y'.repeat(length)));
  await close(path);
  const all = [...plain.map((socket) => [socket, path] as const), ...names.map((sub) => [named, sub] as const)];
  for (const [socket, sub] of all) await socket.frame((frame) => frame.t === 'closed' && frame['sub'] === sub);
  const [first, second] = plain.map((socket) => socket.texts.slice(2));
  expect(second).toEqual(first);
  for (const sub of names) {
    const renamed = named.of(sub).map((frame) => ({ ...frame, sub: path }));
    expect(renamed).toEqual(first?.map((text) => JSON.parse(text) as Frame));
  }
  expect(JSON.stringify(records(plain[0]?.of(path) ?? []))).toBe(await read(path));
});

test('text when it is UTF-8, else base64; an append is never split over two batches', async () => {
  const path = await make('text/plain', 'häl');
  const socket = await open();
  await socket.ask({ t: 'sub', ref: 1, stream: path, after: '-1' });
  await live(socket, path);
  expect(socket.of(path)[0]).toMatchObject({ t: 'batch', phase: 'replay', text: 'häl' });
  await post(path, 'text/plain', '\u2028lo \ufffd');
  expect(await socket.frame((frame) => frame['phase'] === 'live')).toMatchObject({ text: '\u2028lo \ufffd' });
  const half = await post(path, 'text/plain', new Uint8Array([0xc3]));
  expect(await socket.frame((frame) => frame['to'] === half)).toMatchObject({ base64: 'ww==' });
  const large = await post(path, 'text/plain', 'z'.repeat(3_000_000));
  const batch = await socket.frame((frame) => frame['to'] === large);
  expect([batch['from'], batch['text'] === 'z'.repeat(3_000_000)]).toEqual([half, true]);
  const again = await open();
  await again.ask({ t: 'sub', ref: 1, stream: path, after: half });
  await live(again, path);
  // So large that the reader counts as slow: it may be told twice that it is up to date, never the data.
  const [replayed, ...rest] = again.of(path);
  expect(replayed?.['text'] === batch['text'] && replayed?.['from'] === half && replayed['phase'] === 'replay').toBe(
    true,
  );
  expect(rest.every(({ t, to }) => t === 'live' && to === large)).toBe(true);
});

test('after: an offset in the middle, now, the end; what is no offset, and what lies beyond the tail', async () => {
  const path = await make('application/json', '[1]', '[2,3]', '[4]');
  const socket = await open();
  const page = await server.call(`/v1/stream/${path}?offset=-1`);
  const tail = page.headers.get('stream-next-offset') ?? '';
  const at = (seq: number): string => tail.slice(0, -1) + String(seq);
  const ask = async (after: unknown, sub: string) => socket.ask({ t: 'sub', ref: sub, stream: path, after, sub });
  for (const [after, expected] of [
    [at(1), [2, 3, 4]],
    [at(2), [3, 4]],
    [at(4), []],
    ['now', []],
    ['-1', [1, 2, 3, 4]],
    [`${'0'.repeat(16)}_${'0'.repeat(16)}`, [1, 2, 3, 4]],
  ] as const) {
    expect(await ask(after, after)).toMatchObject({ t: 'ok', next: tail });
    await live(socket, after);
    expect(records(socket.of(after)), after).toEqual(expected);
  }
  expect(await ask('first', 'x1')).toMatchObject({ t: 'err', code: 'invalid', reason: 'offset_malformed' });
  expect(await ask(undefined, 'x2')).toMatchObject({
    t: 'err',
    reason: 'invalid_frame',
    errors: [{ pointer: '/after' }],
  });
  expect(await ask(at(9), 'x3')).toMatchObject({ t: 'err', code: 'invalid', reason: 'offset_beyond_tail' });
  await post(path, 'application/json', '5');
  await socket.frame((frame) => frame['sub'] === 'now' && frame.t === 'batch');
  expect(records(socket.of('now'))).toEqual([5]);
});

test('what cannot be followed is said: no stream, no path, no right, unknown fields', async () => {
  const socket = await open();
  const err = async (fields: Record<string, unknown>) =>
    socket.ask({ t: 'sub', ref: Math.random(), after: '-1', ...fields });
  expect(await err({ stream: 'not/there' })).toMatchObject({ code: 'notFound', reason: 'stream_unknown' });
  expect(await err({ stream: 'a//b' })).toMatchObject({ code: 'invalid', reason: 'path_malformed' });
  expect(await err({ stream: '' })).toMatchObject({ t: 'err', code: 'invalid' });
  expect(await err({ stream: 'x'.repeat(600), sub: 'x' })).toMatchObject({ reason: 'path_malformed' });
  expect(await err({ stream: 'a', aftre: 1 })).toMatchObject({ reason: 'invalid_frame' });
  expect(await err({ stream: 'a', view: 'raw' })).toMatchObject({ reason: 'invalid_frame' });
  const path = await make('text/plain');
  const small = await open({ key: (await server.makeKey('builds:read')).secret });
  expect(await small.ask({ t: 'sub', ref: 1, stream: path, after: '-1' })).toMatchObject({
    code: 'forbidden',
    reason: 'scope_missing',
    scope: 'streams:read',
  });
  const reader = await open({ key: (await server.makeKey('streams:read')).secret });
  expect(await reader.ask({ t: 'sub', ref: 1, stream: path, after: '-1' })).toMatchObject({ t: 'ok' });
  expect(await reader.ask({ t: 'append', ref: 2, stream: path, text: 'x' })).toMatchObject({
    code: 'forbidden',
    reason: 'scope_missing',
    scope: 'streams:operate',
  });
  expect(await socket.ask({ t: 'append', ref: 3, stream: 'builds/x/log', records: [1] })).toMatchObject({
    code: 'forbidden',
    reason: 'managed_stream',
  });
});

test('closed: the last data, then closed, and the subscription is over; also when it comes late', async () => {
  const path = await make('text/plain', 'one');
  const socket = await open();
  await socket.ask({ t: 'sub', ref: 1, stream: path, after: '-1' });
  await live(socket, path);
  const closing = await server.call(`/v1/stream/${path}`, {
    method: 'POST',
    headers: { 'stream-closed': 'true', 'content-type': 'text/plain' },
    body: 'two',
  });
  const to = closing.headers.get('stream-next-offset');
  await socket.frame(({ t }) => t === 'closed');
  expect(socket.of(path).slice(-2)).toEqual([
    { t: 'batch', sub: path, phase: 'live', from: expect.any(String), to, text: 'two' },
    { t: 'closed', sub: path, to },
  ]);
  expect(await socket.ask({ t: 'unsub', ref: 2, sub: path })).toMatchObject({ reason: 'sub_unknown' });
  expect(await socket.ask({ t: 'sub', ref: 3, stream: path, after: '-1' })).toMatchObject({
    t: 'ok',
    closed: true,
    next: to,
  });
  await until(() => socket.of(path).filter(({ t }) => t === 'closed').length === 2);
  expect(socket.of(path).slice(-2)).toEqual([
    { t: 'batch', sub: path, phase: 'replay', from: expect.any(String), to, text: 'onetwo' },
    { t: 'closed', sub: path, to },
  ]);
  expect(await socket.ask({ t: 'sub', ref: 4, stream: path, after: 'now' })).toMatchObject({ t: 'ok', closed: true });
  await until(() => socket.of(path).filter(({ t }) => t === 'closed').length === 3);
});

test('gone: deleted, and expired', async () => {
  const path = await make('text/plain', 'one');
  const socket = await open();
  await socket.ask({ t: 'sub', ref: 1, stream: path, after: '-1' });
  await live(socket, path);
  expect((await server.call(`/v1/stream/${path}`, { method: 'DELETE' })).status).toBe(204);
  expect(await socket.frame(({ t }) => t === 'gone')).toEqual({ t: 'gone', sub: path, reason: 'deleted' });
  expect(await socket.ask({ t: 'unsub', ref: 2, sub: path })).toMatchObject({ reason: 'sub_unknown' });

  const brief = 'socket/brief';
  const made = await server.call(`/v1/stream/${brief}`, {
    method: 'PUT',
    headers: { 'content-type': 'text/plain', 'stream-ttl': '1' },
  });
  expect(made.status).toBe(201);
  await socket.ask({ t: 'sub', ref: 3, stream: brief, after: '-1' });
  expect(await socket.frame((frame) => frame.t === 'gone' && frame['sub'] === brief)).toMatchObject({
    reason: 'expired',
  });
});

test('append: records are stored as they were sent, text and base64 as bytes; answered with the offset', async () => {
  const json = await make('application/json');
  const socket = await open();
  const first = '{"a": 1.0, "b":1e3,\n "a":[1 , 2]}';
  socket.send(`{"t":"append", "records" : [1], "x\\u0022":0, "ref":1,"stream":"${json}"}`);
  expect(await socket.answer(1)).toMatchObject({ t: 'err', reason: 'invalid_frame' });
  socket.send(
    `{"t":"append","records":["not this"],"r\\u0065cords" : [ ${first} ,"}]{[\\"" , 12345678901234567890 ] , "ref":2,"stream":"${json}"}`,
  );
  const ok = await socket.answer(2);
  expect(ok).toEqual({ t: 'ok', ref: 2, next: expect.stringMatching(/_0000000000000003$/), deduped: false });
  expect(await read(json)).toBe(`[${first},"}]{[\\"",12345678901234567890]`);

  const text = await make('text/plain');
  await socket.ask({ t: 'append', ref: 3, stream: text, text: 'hällo ' });
  await socket.ask({ t: 'append', ref: 4, stream: text, base64: Buffer.from('wörld').toString('base64') });
  expect(await read(text)).toBe('hällo wörld');
  expect(await socket.ask({ t: 'append', ref: 5, stream: text, text: '!', close: true })).toMatchObject({
    t: 'ok',
    closed: true,
  });
  expect(await read(text)).toBe('hällo wörld!');
  const again = await make('text/plain');
  expect(await socket.ask({ t: 'append', ref: 6, stream: again, close: true })).toMatchObject({
    t: 'ok',
    closed: true,
  });
});

test('append: the checks of the protocol, each with its reason', async () => {
  const json = await make('application/json', '[1]');
  const text = await make('text/plain');
  const socket = await open();
  let refs = 0;
  const append = (stream: string, fields: Record<string, unknown>) =>
    socket.ask({ t: 'append', ref: (refs += 1), stream, ...fields });
  const producer = (epoch: number, seq: number) => ({ producer: { id: 'p', epoch, seq } });
  expect(await append('not/there', { records: [1] })).toMatchObject({ code: 'notFound', reason: 'stream_unknown' });
  expect(await append('not/there', { text: 'x' })).toMatchObject({ code: 'notFound', reason: 'stream_unknown' });
  expect(await append(json, {})).toMatchObject({ code: 'invalid', reason: 'body_empty' });
  expect(await append(text, { text: '' })).toMatchObject({ code: 'invalid', reason: 'body_empty' });
  expect(await append(json, { records: [] })).toMatchObject({ code: 'invalid', reason: 'json_empty_array' });
  expect(await append(json, { records: [1], text: 'x' })).toMatchObject({ reason: 'invalid_frame' });
  expect(await append(text, { base64: '***' })).toMatchObject({
    reason: 'invalid_frame',
    errors: [{ pointer: '/base64' }],
  });
  expect(await append(text, { text: '\ud800' })).toMatchObject({
    reason: 'invalid_frame',
    errors: [{ pointer: '/text' }],
  });
  expect(await append(json, { text: '5' })).toMatchObject({ code: 'conflict', reason: 'content_type_differs' });
  expect(await append(text, { records: [5] })).toMatchObject({ code: 'conflict', reason: 'content_type_differs' });
  expect(await append('not/there', { records: [] })).toMatchObject({ reason: 'stream_unknown' });
  expect(await append(text, { records: [] })).toMatchObject({ reason: 'content_type_differs' });
  expect(await append(json, { records: [2], ...producer(0, 1) })).toMatchObject({
    code: 'conflict',
    reason: 'producer_gap',
    expectedSeq: 0,
  });
  expect(await append(json, { records: [2], ...producer(1, 0) })).toMatchObject({ t: 'ok', deduped: false });
  expect(await append(json, { records: [2], ...producer(1, 0) })).toMatchObject({ t: 'ok', deduped: true });
  expect(await append(json, { records: [], ...producer(1, 0) })).toMatchObject({ t: 'ok', deduped: true });
  expect(await append(json, { records: [2], ...producer(0, 0) })).toMatchObject({
    code: 'forbidden',
    reason: 'producer_fenced',
    producerEpoch: 1,
  });
  expect(await append(json, { records: [2], ...producer(2, 5) })).toMatchObject({
    code: 'invalid',
    reason: 'producer_epoch_start',
  });
  expect(await append(json, { records: [2], producer: { id: 'p', epoch: -1, seq: 0 } })).toMatchObject({
    reason: 'invalid_frame',
  });
  const { headers } = await server.call(`/v1/stream/${json}`, { method: 'HEAD' });
  const tail = headers.get('stream-next-offset') ?? '';
  expect(await append(json, { records: [3], expected: `${'0'.repeat(16)}_${'0'.repeat(16)}` })).toMatchObject({
    code: 'conflict',
    reason: 'tail_moved',
    next: tail,
  });
  expect(await append(json, { records: [3], expected: tail })).toMatchObject({ t: 'ok' });
  expect(await append(json, { records: [3], expected: 'x' })).toMatchObject({
    code: 'invalid',
    reason: 'offset_malformed',
  });
  const deep = `"stream":"${json}","records":[${'['.repeat(400_000)}${']'.repeat(400_000)}]}`;
  socket.send(`{"t":"append","ref":"deep",${deep}`);
  expect(await socket.answer('deep')).toMatchObject({ t: 'err', code: 'invalid', reason: 'json_invalid' });
  await close(json);
  socket.send(`{"t":"append","ref":"deep and late",${deep}`);
  expect(await socket.answer('deep and late')).toMatchObject({ code: 'conflict', reason: 'stream_closed' });
  expect(await append(json, { records: [4] })).toMatchObject({ code: 'conflict', reason: 'stream_closed' });
  expect(await append(json, { close: true })).toMatchObject({ t: 'ok', closed: true });
  expect(await read(json)).toBe('[1,2,3]');
});

test('a thousand appends at once are stored in their order and answered in it, over several streams', async () => {
  const streams = await Promise.all([1, 2, 3].map(() => make('application/json')));
  const text = await make('text/plain');
  const socket = await open();
  const count = 1000;
  for (let i = 0; i < count; i++) {
    const stream = streams[i % 4] ?? text;
    const body = stream === text ? { text: `${i},` } : { records: [i] };
    socket.send({
      t: 'append',
      ref: i,
      stream,
      ...body,
      ...(i % 7 === 0 ? { producer: { id: stream, epoch: 0, seq: i } } : {}),
    });
  }
  await socket.answer(count - 1);
  const answers = socket.frames.filter(({ t }) => t === 'ok' || t === 'err');
  expect(answers.map(({ ref }) => ref)).toEqual(Array.from({ length: count }, (_, i) => i));
  const refused = new Set(answers.filter(({ t }) => t === 'err').map(({ ref }) => ref));
  const of = (at: number): number[] =>
    Array.from({ length: count }, (_, i) => i).filter((i) => i % 4 === at && !refused.has(i));
  for (const [at, stream] of streams.entries()) expect(JSON.parse(await read(stream))).toEqual(of(at));
  expect(await read(text)).toBe(
    of(3)
      .map((i) => `${i},`)
      .join(''),
  );
});

test('200 subscriptions on one socket, each its own; not one more', async () => {
  const streams = await Promise.all(Array.from({ length: 200 }, () => make('application/json')));
  const socket = await open();
  for (const stream of streams) socket.send({ t: 'sub', ref: stream, stream, after: 'now' });
  for (const stream of streams) expect((await socket.answer(stream)).t).toBe('ok');
  expect(
    await socket.ask({ t: 'sub', ref: 'one more', stream: streams[0] ?? '', after: 'now', sub: 'again' }),
  ).toMatchObject({ code: 'exhausted', reason: 'subscriptions_max' });
  const writer = await open();
  for (const [i, stream] of streams.entries()) writer.send({ t: 'append', ref: i, stream, records: [i] });
  await until(() => socket.frames.filter(({ t }) => t === 'batch').length === 200);
  for (const [i, stream] of streams.entries()) expect(records(socket.of(stream))).toEqual([i]);
  expect(await socket.ask({ t: 'unsub', ref: 'u', sub: streams[7] ?? '' })).toMatchObject({ t: 'ok' });
  expect(await socket.ask({ t: 'sub', ref: 'now', stream: streams[7] ?? '', after: '-1', sub: 'again' })).toMatchObject(
    { t: 'ok' },
  );
});

test('streams of a room: followed by its rule, appended to by nobody else', async () => {
  const socket = await open();
  expect(await socket.ask({ t: 'sub', ref: 1, stream: 'builds/events', after: '-1' })).toMatchObject({
    t: 'ok',
    contentType: 'application/json',
  });
  await live(socket, 'builds/events');
  const paused = await server.ask('/v1/queues/socket-test/pause', { json: { reason: 'a test' } });
  expect(paused.status).toBe(200);
  const batch = await socket.frame((frame) => frame.t === 'batch' && frame['sub'] === 'builds/events');
  const page = (await (await server.call('/v1/stream/builds/events?offset=-1')).json()) as unknown[];
  expect(records([batch])).toEqual(page);
  expect(await socket.ask({ t: 'append', ref: 2, stream: 'builds/events', records: [1] })).toMatchObject({
    code: 'forbidden',
    reason: 'managed_stream',
  });
  expect(await socket.ask({ t: 'sub', ref: 3, stream: 'builds/nothing/log', after: '-1' })).toMatchObject({
    t: 'err',
    code: 'notFound',
  });
  const streamsOnly = await open({ key: (await server.makeKey('streams:read')).secret });
  expect(await streamsOnly.ask({ t: 'sub', ref: 1, stream: 'builds/events', after: '-1' })).toMatchObject({
    t: 'err',
    code: 'forbidden',
  });
});

test('a browser token: its paths and operations, renewed narrower, ended with its key, never in a log line', async () => {
  const maker = await server.makeKey('streams:operate');
  const mint = async (paths: string[], operations: string[]): Promise<string> => {
    const { status, body } = await server.ask<{ token: string }>('/v1/stream-tokens', {
      key: maker.secret,
      json: { paths, operations },
    });
    expect(status).toBe(201);
    return body.token;
  };
  const text = await make('text/plain', 'one');
  const other = await make('text/plain', 'two');
  const token = await mint([text], ['read', 'append']);
  const socket = await open({ key: undefined, protocols: ['muster.v1', `bearer.${token}`] });
  expect(await socket.ask({ t: 'sub', ref: 1, stream: text, after: '-1' })).toMatchObject({ t: 'ok' });
  expect(await socket.ask({ t: 'sub', ref: 2, stream: other, after: '-1' })).toMatchObject({
    code: 'forbidden',
    reason: 'token_path',
  });
  expect(await socket.ask({ t: 'append', ref: 3, stream: text, text: '!' })).toMatchObject({ t: 'ok' });
  expect(await socket.ask({ t: 'append', ref: 4, stream: other, text: '!' })).toMatchObject({
    code: 'forbidden',
    reason: 'token_path',
  });

  const narrow = await mint([other], ['read']);
  expect(await socket.ask({ t: 'auth', ref: 5, token: narrow })).toMatchObject({ t: 'ready' });
  expect(await socket.frame(({ t }) => t === 'gone')).toEqual({ t: 'gone', sub: text, reason: 'token_path' });
  expect(await socket.ask({ t: 'append', ref: 6, stream: text, text: '!' })).toMatchObject({ reason: 'token_path' });
  expect(await socket.ask({ t: 'sub', ref: 7, stream: other, after: '-1' })).toMatchObject({ t: 'ok' });

  const query = await open({ key: undefined, query: `?token=${narrow}` });
  const early = await openSocket(server.url, { query: `?token=${maker.secret}`, silent: true });
  expect((await early.closed).code).toBe(4401);
  expect((await server.call(`/v1/keys/${maker.id}/revoke`, { json: {} })).ok).toBe(true);
  for (const each of [socket, query]) expect(await each.closed).toEqual({ code: 4401, reason: 'revoked_credential' });
  const logged = JSON.stringify(server.logs);
  for (const secret of [token, narrow, maker.secret]) expect(logged).not.toContain(secret);
});
