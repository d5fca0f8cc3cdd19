import { gzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { raw } from '#test/raw';
import { startServer } from '#test/server';

const server = await startServer({
  env: { MUSTER_PUBLIC_URL: 'https://muster.example.com', MUSTER_TRUST_PROXY: 'loopback' },
});
afterAll(() => server[Symbol.asyncDispose]());

type Problem = { reason: string; detail: string; position?: number; nearest?: string; errors?: { pointer: string }[] };
const plain = (path: string, host = 'localhost', more = ''): Promise<string> =>
  raw(server.url, `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n${more}\r\n`);

test('unknown paths name the nearest, wrong methods what is allowed', async () => {
  expect(await server.ask<Problem>('/v1/kyes')).toMatchObject({
    status: 404,
    body: { reason: 'no_such_path', nearest: '/v1/keys' },
  });
  expect(await server.ask<Problem>('/nothing/like/it')).toMatchObject({
    status: 404,
    body: { reason: 'no_such_path' },
  });
  const wrong = await server.call('/v1/keys', { method: 'PUT' });
  expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS, POST']);
  expect(wrong.headers.get('content-type')).toBe('application/problem+json');
});

test('HEAD, OPTIONS, trailing slash, %2F, dots, double slashes have fixed answers', async () => {
  const head = await server.call('/v1/me', { method: 'HEAD' });
  expect([head.status, await head.text()]).toEqual([200, '']);
  const options = await server.call('/v1/me', { method: 'OPTIONS', key: null });
  expect([options.status, options.headers.get('allow'), options.headers.get('access-control-allow-origin')]).toEqual([
    204,
    'GET, HEAD, OPTIONS',
    null,
  ]);
  expect((await server.call('/nothing', { method: 'OPTIONS' })).status).toBe(404);
  expect((await server.call('/v1/me/')).status).toBe(200);
  expect((await server.call('/v1%2Fme')).status).toBe(404);
  expect((await server.call('//v1/me')).status).toBe(404);
  expect((await server.call('/v1//me')).status).toBe(404);
  expect(await plain('/v1/x/../me')).toContain('HTTP/1.1 400');
  expect(await plain('/v1/%2e%2e/me')).toContain('HTTP/1.1 400');
  expect(await plain('/v1/me%00')).toContain('bad_text');
  expect(await plain('/v1/%ff')).toContain('HTTP/1.1 400');
});

test('bodies: broken JSON names its byte; depth, text, type, size and packing have their words', async () => {
  const send = (body: string | Buffer, headers: Record<string, string> = {}) =>
    server.ask<Problem>('/v1/keys', {
      method: 'POST',
      body: new Uint8Array(Buffer.from(body)),
      headers: { 'content-type': 'application/json', ...headers },
    });
  expect((await send('{"name": x}')).body).toMatchObject({ reason: 'bad_json', position: 9 });
  expect((await send('{"name":"a')).body).toMatchObject({
    reason: 'bad_json',
    position: 10,
    detail: expect.stringContaining('ends too early'),
  });
  expect((await send('{"name":"\\u0000","scopes":["builds:read"]}')).body).toMatchObject({
    reason: 'bad_text',
    errors: [{ pointer: '/name' }],
  });
  expect((await send(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]))).body).toMatchObject({ reason: 'bad_text' });
  expect((await send(`${'{"a":'.repeat(80)}1${'}'.repeat(80)}`)).body).toMatchObject({ reason: 'too_deep' });
  expect(await send('a=1', { 'content-type': 'application/x-www-form-urlencoded' })).toMatchObject({
    status: 415,
    body: { reason: 'wrong_content_type' },
  });
  expect(await send(`{"name":"${'x'.repeat(1_100_000)}"}`)).toMatchObject({
    status: 413,
    body: { reason: 'body_too_large' },
  });
  const bomb = gzipSync(Buffer.alloc(5_000_000, ' '));
  expect(bomb.length).toBeLessThan(10_000);
  expect(await send(bomb, { 'content-encoding': 'gzip' })).toMatchObject({ status: 413 });
  expect(await send('xx', { 'content-encoding': 'gzip' })).toMatchObject({
    status: 400,
    body: { reason: 'bad_content_encoding' },
  });
  expect(await send('xx', { 'content-encoding': 'zstd' })).toMatchObject({ status: 415 });
  const packed = await send(gzipSync('{"name":"packed","scopes":["builds:read"]}'), { 'content-encoding': 'gzip' });
  expect(packed.status).toBe(201);
  expect((await send('')).body.errors?.map(({ pointer }) => pointer)).toEqual(['/name', '/scopes']);
});

test('at most 20 field problems are listed', async () => {
  const json = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`unknown${i}`, i]));
  const { body } = await server.ask<Problem>('/v1/keys', { json });
  expect(body.errors).toHaveLength(20);
  expect(body.detail).toContain('more');
});

test('limits of header, URL and query', async () => {
  expect(await plain('/v1/me', 'localhost', `x-large: ${'y'.repeat(20_000)}\r\n`)).toContain('HTTP/1.1 431');
  expect(await plain(`/v1/me?x=${'y'.repeat(9000)}`)).toContain('HTTP/1.1 414');
  expect(await server.ask(`/v1/keys?cursor=${'y'.repeat(4200)}`)).toMatchObject({
    status: 400,
    body: { reason: 'query_too_long' },
  });
  expect(await server.ask('/v1/keys?limit=abc')).toMatchObject({
    status: 400,
    body: { errors: [{ pointer: '?limit' }] },
  });
  expect(await server.ask('/v1/keys?limit=-1')).toMatchObject({ status: 400 });
  expect(await server.ask('/v1/keys?limit=999')).toMatchObject({ status: 400 });
  expect(await server.ask('/v1/keys?cursor=nonsense')).toMatchObject({ status: 400, body: { reason: 'bad_cursor' } });
});

test('headers stand on every kind of answer', async () => {
  const answers = await Promise.all([
    server.call('/v1/me'),
    server.call('/v1/me', { key: null }),
    server.call('/nothing'),
    server.call('/health'),
    server.call('/docs'),
    server.call('/v1/keys', { method: 'PUT' }),
    server.call('/v1/keys', { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } }),
  ]);
  for (const { headers, url } of answers) {
    expect(headers.get('x-content-type-options'), url).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('same-origin');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect(headers.get('permissions-policy')).not.toBeNull();
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('x-request-id')).toMatch(/^req_/);
    expect(headers.get('strict-transport-security')).toBeNull();
  }
  const secure = await server.call('/v1/me', { headers: { 'x-forwarded-proto': 'https' } });
  expect(secure.headers.get('strict-transport-security')).toContain('max-age');
});

test('on loopback only our own names are answered; probes always', async () => {
  expect(await plain('/v1/me', 'rebound.example')).toContain('HTTP/1.1 421');
  expect(await plain('/v1/me', 'muster.example.com')).toContain('HTTP/1.1 401');
  expect(await plain('/v1/me', '127.0.0.1:9')).toContain('HTTP/1.1 401');
  expect(await plain('/v1/me', '[::1]')).toContain('HTTP/1.1 401');
  expect(await plain('/ready', 'rebound.example')).toContain('HTTP/1.1 200');
});

test('the client is who a trusted proxy says, and never who a stranger says', async () => {
  const from = async (on: typeof server, headers: Record<string, string>) => {
    const name = `from ${JSON.stringify(headers)} ${on.url}`;
    const made = await on.ask<{ id: string }>('/v1/keys', { json: { name, scopes: ['builds:read'] }, headers });
    const audit = await on.ask<{ items: { address: string }[] }>(`/v1/audit?subject=${made.body.id}`);
    return audit.body.items[0]?.address;
  };
  expect(await from(server, { 'x-forwarded-for': '203.0.113.7' })).toBe('203.0.113.7');
  expect(await from(server, { 'x-forwarded-for': '6.6.6.6, 203.0.113.7' })).toBe('203.0.113.7');
  expect(await from(server, { forwarded: 'for="[2001:db8::7]:4711";proto=https' })).toBe('2001:db8::7');
  expect(await from(server, { 'x-forwarded-for': 'nonsense' })).toBe('127.0.0.1');
  await using wary = await startServer({ env: { MUSTER_TRUST_PROXY: '10.0.0.0/8' } });
  expect(await from(wary, { 'x-forwarded-for': '203.0.113.7' })).toBe('127.0.0.1');
});

test('CORS: only where it is declared, never with credentials', async () => {
  const origin = { origin: 'https://other.example' };
  const own = await server.call('/v1/me', { headers: origin });
  expect(own.headers.get('access-control-allow-origin')).toBeNull();
  const document = await server.call('/openapi.json', { headers: origin, key: null });
  expect([
    document.headers.get('access-control-allow-origin'),
    document.headers.get('access-control-allow-credentials'),
  ]).toEqual(['*', null]);
  const preflight = await server.call('/openapi.json', {
    method: 'OPTIONS',
    key: null,
    headers: { ...origin, 'access-control-request-method': 'GET' },
  });
  expect([
    preflight.status,
    preflight.headers.get('access-control-allow-methods'),
    preflight.headers.get('access-control-max-age'),
  ]).toEqual([204, 'GET, HEAD, OPTIONS', '600']);
  const refused = await server.call('/v1/keys', {
    method: 'OPTIONS',
    key: null,
    headers: { ...origin, 'access-control-request-method': 'POST' },
  });
  expect(refused.headers.get('access-control-allow-methods')).toBeNull();
});

test('a base path works whether the proxy takes it off or not', async () => {
  await using below = await startServer({ env: { MUSTER_BASE_PATH: '/tools/muster' } });
  const root = new URL(below.url).origin;
  for (const path of ['/tools/muster/v1/me', '/v1/me']) {
    expect((await fetch(`${root}${path}`, { headers: { authorization: `Bearer ${below.key}` } })).status, path).toBe(
      200,
    );
  }
  expect((await fetch(`${root}/tools/musterx/v1/me`)).status).toBe(404);
  const { servers } = below.app.http.openapi() as { servers: { url: string }[] };
  expect(servers).toEqual([{ url: '/tools/muster' }]);
});

test('an upgrade to an unknown path is a 404 problem', async () => {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/v1/nowhere`);
  socket.on('error', () => undefined);
  const [status, text] = await new Promise<[number | undefined, string]>((resolve) => {
    socket.on('unexpected-response', (_, response) => {
      let body = '';
      response.on('data', (data: Buffer) => (body += data.toString()));
      response.on('end', () => resolve([response.statusCode, body]));
    });
  });
  expect([status, (JSON.parse(text) as Problem).reason]).toEqual([404, 'no_such_socket']);
});

test('bytes that are not HTTP get one answer and the end', async () => {
  expect(await raw(server.url, 'hello\r\n\r\n')).toContain('"reason":"bad_http"');
  expect(await raw(server.url, 'GET / HTTP/1.1\r\n\r\n')).toContain('HTTP/1.1 400');
});

test('too many requests of one key are refused with the time to wait', async () => {
  await using small = await startServer({ env: { MUSTER_HTTP_REQUESTS_PER_KEY_MAX: '10' } });
  const statuses = await Promise.all(Array.from({ length: 15 }, async () => (await small.call('/v1/me')).status));
  expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(3);
  const refused = await small.call('/v1/me');
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
  for (let i = 0; i < 30; i++) expect((await small.call('/health', { key: null })).status).toBe(200);
});
