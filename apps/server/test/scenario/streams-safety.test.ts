/* What is stored was written by somebody: headers that keep browsers from running it, and nothing that leaks or injects. */
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConfig } from '#config';
import { RawRequest } from '#test/raw-http';
import { startServer, type TestServer } from '#test/server';
import { type StreamCalls, streamCalls } from '#test/stream-calls';
import { until } from '#test/until';

let server: TestServer;
let calls: StreamCalls;
beforeAll(async () => {
  server = await startServer({ env: { MUSTER_STREAMS_LONG_POLL_MS: '200' } });
  calls = streamCalls(server);
});
afterAll(() => server[Symbol.asyncDispose]());

const ofEvery = [
  'x-content-type-options',
  'referrer-policy',
  'content-security-policy',
  'cross-origin-resource-policy',
];
const safe = ['nosniff', 'no-referrer', "sandbox; default-src 'none'", 'same-site'];

test('every answer carries the headers of stored content, refusals and events too', async () => {
  const { put, post, get, head, remove, call } = calls;
  const path = 'safe/all';
  const said = [
    await put(path),
    await put(path),
    await post(path, { body: 'x' }),
    await post(path, {}),
    await get(path),
    await get(path, '?offset=now&live=long-poll'),
    await get(path, '?offset=zero'),
    await get('safe/none'),
    await head(path),
    await post(path, { body: 'x', key: null }),
    await call('PATCH', path),
    await put('builds/x'),
    await call('OPTIONS', path, { key: null }),
    await remove(path),
  ];
  for (const { status, headers } of said) {
    const wanted =
      status === 204 && headers.get('access-control-allow-methods') ? [...safe.slice(0, 3), 'cross-origin'] : safe;
    expect([status, ...ofEvery.map((name) => headers.get(name))]).toEqual([status, ...wanted]);
    expect(headers.get('x-request-id')).toMatch(/^req_/);
    expect(headers.get('set-cookie')).toBeNull();
  }
  expect(said.map(({ status }) => status)).toEqual([
    201, 200, 204, 400, 200, 204, 400, 404, 200, 401, 405, 403, 204, 204,
  ]);
  await put(path);
  const events = await server.call(`/v1/stream/${path}?offset=-1&live=sse`);
  expect(ofEvery.map((name) => events.headers.get(name))).toEqual(safe);
  await events.body?.cancel();
});

test('HTML that was stored is handed out as a file in a sandbox, never as a page of ours', async () => {
  for (const type of ['text/html', 'image/svg+xml', 'application/xhtml+xml', 'text/html; charset=utf-8']) {
    const path = `safe/page-${type.replaceAll(/\W/g, '-')}`;
    await calls.put(path, { type, body: '<script>alert(1)</script>' });
    for (const said of [await calls.get(path), await calls.head(path)]) {
      expect([said.headers.get('content-type'), said.headers.get('content-disposition')]).toEqual([type, 'attachment']);
      expect(said.headers.get('content-security-policy')).toContain('sandbox');
    }
  }
  await calls.put('safe/text', { body: '<b>' });
  expect((await calls.get('safe/text')).headers.get('content-disposition')).toBeNull();
});

test('nothing gets into a header through a path, a type or a host', async () => {
  for (const path of ['a%0d%0aSet-Cookie:%20x=1', 'a%0aX:1', 'a%E2%80%A8b', 'a%C2%85b', 'a%7Fb'])
    expect([path, (await calls.put(path)).reason]).toEqual([path, 'path_malformed']);
  const odd = 'safe/ä "quoted" <b>; x=1, y';
  const made = await calls.put(odd.split('/').map(encodeURIComponent).join('/'));
  expect([made.status, made.headers.get('location')]).toEqual([
    201,
    `${server.url}/v1/stream/${odd.split('/').map(encodeURIComponent).join('/')}`,
  ]);
  expect((await calls.get('safe/%C3%A4%20%22quoted%22%20%3Cb%3E;%20x=1,%20y')).status).toBe(200);
  using request = new RawRequest(server.url);
  await request.head('PUT', '/v1/stream/safe/type', {
    authorization: `Bearer ${server.key}`,
    'content-type': 'text/plain\tx',
    'content-length': 0,
  });
  expect((await request.answer()).status).toBe(400);
  using elsewhere = new RawRequest(server.url);
  await elsewhere.head('PUT', '/v1/stream/safe/host', { host: 'evil.example', 'content-length': 0 });
  expect(await elsewhere.answer()).toMatchObject({ status: 421, text: expect.stringContaining('unknown_host') });
});

test('pages of other origins may call, never with cookies', async () => {
  const { headers, status, text } = await calls.call('OPTIONS', 'safe/any', {
    key: null,
    headers: { origin: 'https://page.example', 'access-control-request-method': 'PUT' },
  });
  expect([status, text]).toEqual([204, '']);
  expect(headers.get('access-control-allow-origin')).toBe('*');
  expect(headers.get('access-control-allow-credentials')).toBeNull();
  expect(headers.get('access-control-allow-methods')).toBe('GET, POST, PUT, DELETE, HEAD, OPTIONS');
  expect(headers.get('access-control-max-age')).toBe('600');
  for (const name of ['Stream-Seq', 'Producer-Id', 'Last-Event-ID', 'Authorization', 'Stream-Fork-Sub-Offset'])
    expect(headers.get('access-control-allow-headers')).toContain(name);
  await calls.put('safe/cors', { body: 'x' });
  for (const said of [
    await calls.get('safe/cors', '', { headers: { origin: 'https://page.example' } }),
    await calls.post('safe/cors', { body: 'y', headers: { origin: 'https://page.example' } }),
    await calls.get('safe/none', '', { headers: { origin: 'https://page.example' } }),
  ]) {
    expect(said.headers.get('access-control-allow-origin')).toBe('*');
    expect(said.headers.get('access-control-expose-headers')).toContain('Stream-Next-Offset');
  }
});

test('with a list of origins only those may', async () => {
  await using listed = await startServer({ env: { MUSTER_CORS_ORIGINS: 'https://mine.example' } });
  const ask = streamCalls(listed);
  await ask.put('safe/cors', { body: 'x' });
  const from = (origin: string) => ask.get('safe/cors', '', { headers: { origin } });
  expect((await from('https://mine.example')).headers.get('access-control-allow-origin')).toBe('https://mine.example');
  const other = await from('https://other.example');
  expect([other.headers.get('access-control-allow-origin'), other.headers.get('vary')]).toEqual([
    null,
    expect.stringContaining('Origin'),
  ]);
});

test('a credential is in no log line, wherever it was sent', async () => {
  const token = 'eyJhbGciOiJFZERTQSJ9.c2VjcmV0LXBheWxvYWQ.c2VjcmV0LXNpZ25hdHVyZQ';
  const wrong = `mst_AAAAAAAA_${'s'.repeat(49)}`;
  await calls.get('safe/log', `?offset=-1&live=sse&token=${token}`, { key: null });
  await calls.get('safe/log', `?offset=-1&token=${token}`, { key: null });
  await calls.get(`safe/log?token=${server.key}&offset=-1&live=long-poll`, '', { key: null });
  await calls.get('safe/log', '', { key: wrong });
  await calls.put('safe/log', { key: server.key });
  const lines = JSON.stringify(server.logs);
  for (const secret of [token, wrong, server.key]) expect(lines).not.toContain(secret);
  expect(lines).toContain('/v1/stream/*');
});

test('a key has no business in a URL', async () => {
  await calls.put('safe/url', { body: 'x' });
  const said = await calls.get('safe/url', `?offset=-1&live=long-poll&token=${server.key}`, { key: null });
  expect(said).toMatchObject({ status: 401, reason: 'malformed_credential' });
  expect(await calls.get('safe/url', `?token=${server.key}`, { key: null })).toMatchObject({
    status: 401,
    reason: 'no_credential',
  });
});

test('everybody may do everything only where nobody else can reach it', () => {
  const config = (host: string) => () =>
    readConfig({ MUSTER_STREAMS_ANONYMOUS: 'full', MUSTER_HOST: host }, new Map(), '/');
  expect(config('127.0.0.1')().config.streams.anonymous).toBe('full');
  for (const host of ['0.0.0.0', '::', '10.0.0.1']) expect(config(host)).toThrow('MUSTER_STREAMS_ANONYMOUS');
});

test('a client that sends no body, or too slowly, or goes, costs nothing for long', async () => {
  const metric = async (): Promise<number> =>
    Number(/^muster_http_requests_in_flight (\d+)/m.exec(await (await server.call('/metrics')).text())?.[1]);
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.write(
    `POST /v1/stream/safe/slow HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${server.key}\r\ncontent-length: 100\r\n\r\nabc`,
  );
  await until(async () => (await metric()) === 2);
  socket.destroy();
  await until(async () => (await metric()) === 1);
});

test('a client that waits to be told to go on is told, or refused before it sends anything', async () => {
  await calls.put('safe/expect');
  using taken = new RawRequest(server.url);
  const head = { authorization: `Bearer ${server.key}`, 'content-type': 'text/plain', expect: '100-continue' };
  await taken.head('POST', '/v1/stream/safe/expect', { ...head, 'content-length': 5 });
  await until(() => taken.soFar().startsWith('HTTP/1.1 100 Continue'));
  await taken.send('hello');
  await until(() => taken.soFar().includes('HTTP/1.1 204'));
  using refused = new RawRequest(server.url);
  await refused.head('POST', '/v1/stream/safe/expect', { ...head, 'content-length': 50_000_000 });
  expect((await refused.answer()).status).toBe(413);
  await refused.closed();
});

test('one connection serves one request after the other, refused ones too', async () => {
  await calls.put('safe/pipe');
  using request = new RawRequest(server.url);
  const one = (body: string, more = ''): string =>
    `POST /v1/stream/safe/pipe HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${server.key}\r\ncontent-type: text/plain\r\n${more}content-length: ${body.length}\r\n\r\n${body}`;
  await request.send(one('a') + one('b', 'producer-id: x\r\n') + one('c'));
  await until(() => request.soFar().split('HTTP/1.1 ').length === 4);
  expect([...request.soFar().matchAll(/HTTP\/1\.1 (\d+)/g)].map((found) => found[1])).toEqual(['204', '400', '204']);
  expect((await calls.get('safe/pipe')).text).toBe('ac');
});

test('below a base path, and by the public URL', async () => {
  await using below = await startServer({
    env: { MUSTER_BASE_PATH: '/muster', MUSTER_PUBLIC_URL: 'https://public.example' },
  });
  const made = await below.call('/v1/stream/base/one', { method: 'PUT', headers: { 'content-type': 'text/plain' } });
  expect([made.status, made.headers.get('location')]).toEqual([
    201,
    'https://public.example/muster/v1/stream/base/one',
  ]);
  const bare = below.url.replace('/muster', '');
  const read = await fetch(`${bare}/v1/stream/base/one`, { headers: { authorization: `Bearer ${below.key}` } });
  expect(read.status).toBe(200);
});

test('a server that stops ends event streams right behind a control event, and long-polls with an answer', async () => {
  const stopping = await startServer();
  const ask = streamCalls(stopping);
  await ask.put('stop/one', { body: 'x' });
  const events = await stopping.call('/v1/stream/stop/one?offset=-1&live=sse');
  const poll = ask.get('stop/one', '?offset=now&live=long-poll&timeout=30s');
  const reading = events.text();
  await until(async () =>
    (await stopping.call('/metrics')).text().then((text) => text.includes('muster_http_parked_calls 1')),
  );
  const began = performance.now();
  await stopping[Symbol.asyncDispose]();
  expect(await reading).toMatch(/\nevent: control\ndata:\{[^}]*"upToDate":true\}\nid: [\d_]+\n\n$/);
  expect([(await poll).status, (await poll).headers.get('connection')]).toEqual([204, 'close']);
  expect(performance.now() - began).toBeLessThan(8_000);
});
