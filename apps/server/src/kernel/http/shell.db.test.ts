import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { createSecrets } from '#config';
import { createAuth, defaultProjectId, type Principal, systemPrincipal } from '#kernel/auth';
import { notFound, systemClock } from '#kernel/base';
import { inProcessBus } from '#kernel/bus';
import { loneMetrics, silentLogger } from '#kernel/telemetry';
import { testDatabase } from '#test/database';
import { until } from '#test/until';
import { answer, createHttp, type Http, taken } from './index.ts';

const database = await testDatabase();
const { db } = database;
const auth = createAuth({
  db,
  bus: inProcessBus(() => undefined),
  clock: systemClock,
  logger: silentLogger,
  metrics: loneMetrics(silentLogger),
  environmentKeys: [],
  failuresPerMinuteMax: 1000,
  auditKeepDays: 400,
});
let http: Http;
let key: string;
const sent: boolean[] = [];
let parkedNow = 0;

beforeAll(async () => {
  await auth.start();
  const made = await db.transaction((tx) =>
    auth.createKey(
      tx,
      { projectId: defaultProjectId, name: 'test', scopes: ['builds:operate', 'accounts:read'] },
      systemPrincipal(),
    ),
  );
  key = made.secret;
  http = createHttp({
    auth,
    db,
    clock: systemClock,
    logger: silentLogger,
    metrics: loneMetrics(silentLogger),
    answers: createSecrets({ master: 'm'.repeat(32), dataDir: '/nowhere' }).box('test'),
    port: 0,
    edge: { host: '127.0.0.1', basePath: '', trustProxy: ['loopback'], corsOrigins: ['*'] },
    metricsAccess: { mode: 'loopback' },
    version: 'test',
    node: 'n1',
    checkAnswers: true,
    limits: { uploadStallMs: 1200, jsonStallMs: 1200, refusalDrainMs: 500 },
  });
  declare(http);
  await http.start();
});
afterAll(async () => {
  await http[Symbol.asyncDispose]();
  await auth[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const thing = z.object({
  name: z.string().max(10),
  size: z.number().int().optional(),
  inner: z.strictObject({ colour: z.string() }).optional(),
});

function declare(http: Http): void {
  http.route({
    method: 'POST',
    path: '/v1/things',
    auth: { scope: 'builds:operate' },
    summary: 'Makes a thing',
    body: thing,
    status: 201,
    answers: {
      201: { description: 'Made.', schema: z.object({ name: z.string(), at: z.iso.datetime(), by: z.string() }) },
    },
    handle: ({ input, who, once }) =>
      db.transaction((tx) =>
        once()(tx, async () => ({ name: input.body.name, at: new Date().toISOString(), by: who.name })),
      ),
  });
  http.route({
    method: 'GET',
    path: '/v1/things/:id',
    auth: { scope: 'builds:read', or: ['build'] },
    summary: 'One thing',
    params: z.strictObject({ id: z.string().regex(/^t\d+$/) }),
    query: z.object({ limit: z.coerce.number().int().min(1).optional() }),
    handle: ({ input }) => ({ id: input.params.id, limit: input.query.limit ?? null }),
  });
  http.route({
    method: 'GET',
    path: '/v1/admin',
    auth: { scope: 'builds:admin' },
    summary: 'Admin only',
    handle: () => ({}),
  });
  http.route({
    method: 'PUT',
    path: '/v1/blob',
    auth: { scope: 'builds:operate' },
    summary: 'Takes bytes',
    handle: async (call) => {
      let bytes = 0;
      for await (const chunk of call.stream({ bytesMax: 300_000 })) bytes += chunk.length;
      return { bytes };
    },
  });
  http.route({
    method: 'POST',
    path: '/v1/parts',
    auth: { scope: 'builds:operate' },
    summary: 'Takes parts',
    handle: async (call) => {
      const seen: Record<string, unknown> = {};
      for await (const part of call.multipart({
        bytesMax: 1_000_000,
        fileBytesMax: (name) => (['source', 'profile', 'certs'].includes(name) ? 200_000 : undefined),
      })) {
        if (part.kind === 'field') seen[part.name] = part.value;
        else {
          let bytes = 0;
          for await (const chunk of part.stream) bytes += chunk.length;
          seen[part.name] = { bytes, fileName: part.fileName };
        }
      }
      return seen;
    },
  });
  http.route({
    method: 'GET',
    path: '/v1/file',
    auth: { scope: 'builds:read' },
    summary: 'A file',
    answers: { 200: { description: 'Bytes.', schema: z.strictObject({}) } },
    handle: (call) =>
      answer(200, call.method === 'HEAD' ? undefined : Readable.from([Buffer.alloc(100_000, 'x')]), {
        'content-type': 'application/octet-stream',
        'content-length': '100000',
        etag: '"x"',
      }),
  });
  http.route({
    method: 'POST',
    path: '/v1/bytes',
    auth: { scope: 'builds:operate' },
    summary: 'Any type',
    handle: async (call) => ({
      bytes: (await call.bytes({ bytesMax: 10 })).length,
      type: call.headers['content-type'],
    }),
  });
  http.route({
    method: 'GET',
    path: '/v1/wait',
    auth: { scope: 'builds:read' },
    rate: 'exempt',
    summary: 'Parks',
    handle: async (call) => {
      parkedNow += 1;
      const parked = await call.park<string>(10_000, () => ({ [Symbol.dispose]: () => void (parkedNow -= 1) }));
      call.afterAnswer((ok) => sent.push(ok));
      return parked;
    },
  });
  http.route({
    method: 'GET',
    path: '/v1/feed',
    auth: { scope: 'builds:read' },
    summary: 'Events',
    handle: (call) => {
      const stream = call.sse();
      stream.send({ id: '1', event: 'hello', data: 'a\nb' });
      stream.end();
      return taken;
    },
  });
  http.route({
    method: 'GET',
    path: '/v1/broken',
    auth: 'open',
    summary: 'Fails',
    handle: () => Promise.reject(new Error('the secret cause')),
  });
  const old = http.area({
    prefixes: ['/api/old'],
    errors: (error) => ({ status: error.status, body: { error: error.message } }),
  });
  old.route({
    method: 'GET',
    path: '/api/old/thing',
    auth: (head): Principal => {
      if (head.headers['x-api-key'] !== 'old') throw notFound('nope', 'Not this way');
      return systemPrincipal();
    },
    summary: 'Old',
    hidden: true,
    handle: ({ who }) => answer(200, { kind: who.kind }, { 'x-total-count': '1' }),
  });
  http.socket({
    path: '/v1/socket',
    auth: { scope: 'builds:read' },
    summary: 'Echo',
    frameBytesMax: 1000,
    connect: (socket, { who }) => {
      socket.send(who.name);
      socket.on('message', (data: Buffer) => socket.send(data.toString()));
    },
  });
}

type Init = Omit<RequestInit, 'headers'> & { key?: string | null; headers?: Record<string, string> };
const call = (path: string, init: Init = {}) => {
  const { key: given = key, ...rest } = init;
  return fetch(`${http.url}${path}`, {
    ...rest,
    headers: { ...(given === null ? {} : { authorization: `Bearer ${given}` }), ...rest.headers },
  });
};
type Problem = { reason: string; errors: { pointer: string; detail: string }[] };
const problemIn = async (response: Response): Promise<Problem> => (await response.json()) as Problem;
const post = (body: unknown, headers: Record<string, string> = {}) =>
  call('/v1/things', {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  });

test('a typed route answers with its status', async () => {
  const response = await post({ name: 'one' });
  expect(response.status).toBe(201);
  expect(await response.json()).toMatchObject({ name: 'one', by: 'test' });
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  expect(response.headers.get('ratelimit-limit')).toBe('20000');
  expect(response.headers.get('x-request-id')).toMatch(/^req_/);
});

test('credentials: none 401, wrong 401, too small 403 with the scope', async () => {
  expect((await call('/v1/things/t1', { key: null })).status).toBe(401);
  const wrong = await call('/v1/things/t1', { key: 'mst_x' });
  expect([wrong.status, await wrong.json()]).toEqual([
    401,
    expect.objectContaining({ reason: 'malformed_credential', code: 'unauthenticated' }),
  ]);
  const small = await call('/v1/admin');
  expect([small.status, await small.json()]).toEqual([
    403,
    expect.objectContaining({ reason: 'missing_scope', scope: 'builds:admin' }),
  ]);
});

test('unknown fields name the nearest, every wrong type has its pointer', async () => {
  const problem = await problemIn(await post({ nmae: 'x', size: 'big', inner: { color: 'red' } }));
  expect(problem).toMatchObject({ status: 400, code: 'invalid', reason: 'invalid_body' });
  const details = Object.fromEntries(problem.errors.map((e) => [e.pointer, e.detail]));
  expect(details['/nmae']).toContain('did you mean name');
  expect(details['/inner/color']).toContain('did you mean colour');
  expect(details['/size']).toContain('expected number');
});

test('broken JSON names the byte; bad text, depth, type and size have their own words', async () => {
  expect(await (await post('{"name": "ä", }')).json()).toMatchObject({ status: 400, reason: 'bad_json', position: 15 });
  expect(await (await post('{"name":"a\\u0000"}')).json()).toMatchObject({
    reason: 'bad_text',
    errors: [{ pointer: '/name' }],
  });
  expect(await (await post('{"name":"\\ud800"}')).json()).toMatchObject({ reason: 'bad_text' });
  expect(await (await post(`${'['.repeat(70)}${']'.repeat(70)}`)).json()).toMatchObject({ reason: 'too_deep' });
  expect(await (await post('name=x', { 'content-type': 'text/plain' })).json()).toMatchObject({
    status: 415,
    reason: 'wrong_content_type',
  });
  const large = await post(JSON.stringify({ name: 'x'.repeat(1_100_000) }));
  expect([large.status, (await problemIn(large)).reason]).toEqual([413, 'body_too_large']);
});

test('a repeated idempotency key gets the first answer, another body a conflict', async () => {
  const headers = { 'idempotency-key': 'once-1' };
  const first = await (await post({ name: 'a' }, headers)).json();
  const again = await post({ name: 'a' }, headers);
  expect([again.headers.get('idempotency-replayed'), await again.json()]).toEqual(['true', first]);
  expect(await (await post({ name: 'b' }, headers)).json()).toMatchObject({
    status: 409,
    reason: 'idempotency_mismatch',
  });
});

test('path parameters of the wrong form are 404, query problems name the parameter', async () => {
  expect((await call('/v1/things/x')).status).toBe(404);
  expect(await (await call('/v1/things/t1?limit=abc')).json()).toMatchObject({
    status: 400,
    errors: [{ pointer: '?limit' }],
  });
  expect(await (await call('/v1/things/t1?limti=1')).json()).toMatchObject({
    errors: [{ pointer: '?limti', detail: expect.stringContaining('limit') }],
  });
  expect(await (await call('/v1/things/t1?limit=%00')).json()).toMatchObject({ reason: 'bad_text' });
});

test('unknown path 404 with the nearest, wrong method 405 with Allow, HEAD and OPTIONS', async () => {
  const missing = await call('/v1/thing');
  expect([missing.status, await missing.json()]).toEqual([404, expect.objectContaining({ nearest: '/v1/things' })]);
  const wrong = await call('/v1/things', { method: 'DELETE' });
  expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'OPTIONS, POST']);
  expect((await call('/v1/things/t1', { method: 'HEAD' })).status).toBe(200);
  const options = await call('/v1/things/t1', { method: 'OPTIONS' });
  expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS']);
  expect((await call('/v1/things/t1/')).status).toBe(200);
  expect((await call('//v1/things/t1')).status).toBe(404);
});

test('an area says errors in its own form, also for paths nobody declared', async () => {
  expect(await (await call('/api/old/thing', { headers: { 'x-api-key': 'old' } })).json()).toEqual({ kind: 'system' });
  expect(await (await call('/api/old/thing')).json()).toEqual({ error: 'Not this way' });
  const missing = await call('/api/old/what');
  expect([missing.status, await missing.json()]).toEqual([404, { error: expect.stringContaining('nothing at') }]);
});

test('a failure of ours tells nothing', async () => {
  const response = await call('/v1/broken');
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain('secret cause');
});

test('an upload streams; over the limit it is refused and the client reads why', async () => {
  const put = (bytes: number) => call('/v1/blob', { method: 'PUT', body: Buffer.alloc(bytes) });
  expect(await (await put(250_000)).json()).toEqual({ bytes: 250_000 });
  expect((await put(400_000)).status).toBe(413);
  const endless = await raw([
    `PUT /v1/blob HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${key}\r\ntransfer-encoding: chunked\r\n\r\n`,
    ...Array.from({ length: 8 }, () => `ffff\r\n${'x'.repeat(0xffff)}\r\n`),
  ]);
  expect(endless).toContain('413');
  expect(endless).toContain('connection: close');
});

test('a refused credential reads nothing of the body', async () => {
  const text = await raw(['PUT /v1/blob HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n\r\n', 'x']);
  expect(text).toContain('HTTP/1.1 401');
  const patient = await raw([
    'PUT /v1/blob HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 1000000\r\n\r\n',
  ]);
  expect(patient).toMatch(/^HTTP\/1.1 401/);
});

test('a body that stops is given up', async () => {
  const text = await raw([
    `PUT /v1/blob HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${key}\r\ncontent-length: 100000\r\n\r\n`,
    'some',
  ]);
  expect(text).toContain('HTTP/1.1 400');
  expect(text).toContain('upload_stalled');
  const json = await raw([
    `POST /v1/things HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n`,
    '{"na',
  ]);
  expect(json).toContain('HTTP/1.1 408');
  expect(json).toContain('body_stalled');
});

test('multipart: parts that arrive in one chunk are each read whole', async () => {
  const form = new FormData();
  form.append('appleId', 'a@example.com');
  form.append('profile', new Blob(['p'.repeat(700)]), 'p');
  form.append('platform', 'ios');
  form.append('certs', new Blob(['c'.repeat(900)]), 'c');
  form.append('source', new Blob(['s'.repeat(1_100)]), 's');
  expect(await (await call('/v1/parts', { method: 'POST', body: form })).json()).toMatchObject({
    appleId: 'a@example.com',
    profile: { bytes: 700 },
    platform: 'ios',
    certs: { bytes: 900 },
    source: { bytes: 1_100 },
  });
});

test('multipart: fields and files in any order, sizes, repeated parts, truncation', async () => {
  const send = (form: FormData) => call('/v1/parts', { method: 'POST', body: form });
  const form = new FormData();
  form.append('source', new Blob(['x'.repeat(100_000)]), '../../etc/passwd');
  form.append('platform', 'ios');
  expect(await (await send(form)).json()).toMatchObject({ source: { bytes: 100_000 }, platform: 'ios' });

  const large = new FormData();
  large.append('source', new Blob(['x'.repeat(250_000)]), 'a.zip');
  expect(await (await send(large)).json()).toMatchObject({ status: 413, part: 'source' });

  form.append('platform', 'android');
  expect(await (await send(form)).json()).toMatchObject({ reason: 'too_many_parts' });

  const unknown = new FormData();
  unknown.append('other', new Blob(['x']), 'a');
  expect(await (await send(unknown)).json()).toMatchObject({ reason: 'unknown_part' });

  const long = new FormData();
  long.append('note', 'y'.repeat(70_000));
  expect(await (await send(long)).json()).toMatchObject({ reason: 'field_too_long' });

  const cut = await call('/v1/parts', {
    method: 'POST',
    headers: { 'content-type': 'multipart/form-data; boundary=b' },
    body: '--b\r\ncontent-disposition: form-data; name="source"; filename="a"\r\n\r\nabc',
  });
  expect(await cut.json()).toMatchObject({ status: 400, reason: 'multipart_truncated' });
  expect(
    await (
      await call('/v1/parts', { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } })
    ).json(),
  ).toMatchObject({ status: 415 });
});

test('a refusal in the middle of a slow multipart body is said at once', async () => {
  const body = `--b\r\ncontent-disposition: form-data; name="other"; filename="a"\r\n\r\n${'x'.repeat(1000)}`;
  const headers = `host: localhost\r\nauthorization: Bearer ${key}\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: 900000`;
  const began = performance.now();
  expect(await raw([`POST /v1/parts HTTP/1.1\r\n${headers}\r\n\r\n${body}`])).toContain('unknown_part');
  // Well under the stall time; the drain of an early refusal is in it.
  expect(performance.now() - began).toBeLessThan(1000);
});

test('HEAD tells the length GET would have; a strange content type is for the route to judge', async () => {
  const head = await call('/v1/file', { method: 'HEAD' });
  expect([head.status, head.headers.get('content-length'), head.headers.get('etag')]).toEqual([200, '100000', '"x"']);
  expect(await (await call('/v1/file')).text()).toHaveLength(100_000);
  const twice = await post({ name: 'one' }, { 'content-type': 'application/json, application/json' });
  expect([twice.status, (await problemIn(twice)).reason]).toEqual([415, 'wrong_content_type']);
  const bytes = await call('/v1/bytes', {
    method: 'POST',
    body: '{}',
    headers: { 'content-type': 'application/json, application/json' },
  });
  expect(await bytes.json()).toEqual({ bytes: 2, type: 'application/json, application/json' });
});

test('a parked call ends with its client', async () => {
  const aborter = new AbortController();
  const waiting = call('/v1/wait', { signal: aborter.signal }).catch(() => undefined);
  await until(() => parkedNow === 1);
  aborter.abort();
  await waiting;
  await until(() => parkedNow === 0 && sent.at(-1) === false);
});

test('an event stream is framed', async () => {
  const response = await call('/v1/feed');
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  expect(await response.text()).toBe('id: 1\nevent: hello\ndata: a\ndata: b\n\n');
});

test('sockets: credential, echo, oversized frame, unknown path', async () => {
  const { WebSocket } = await import('ws');
  const open = (path: string, headers = {}) => new WebSocket(`${http.url.replace('http', 'ws')}${path}`, { headers });
  const socket = open('/v1/socket', { authorization: `Bearer ${key}` });
  const heard: string[] = [];
  socket.on('message', (data: Buffer) => void heard.push(data.toString()));
  await until(() => heard.length === 1);
  socket.send('hi');
  await until(() => heard.length === 2);
  expect(heard).toEqual(['test', 'hi']);
  const closed = new Promise((resolve) => void socket.on('close', resolve));
  socket.send('x'.repeat(2000));
  expect(await closed).toBe(1009);
  for (const [path, status] of [
    ['/v1/socket', 401],
    ['/v1/nothing', 404],
  ] as const) {
    const refused = open(path);
    refused.on('error', () => undefined);
    expect(
      await new Promise(
        (resolve) => void refused.on('unexpected-response', (_, response) => resolve(response.statusCode)),
      ),
    ).toBe(status);
  }
});

test('a strange host is refused, probes are not', async () => {
  const text = await raw(['GET /v1/admin HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n']);
  expect(text).toContain('HTTP/1.1 421');
  expect(await raw(['GET /health HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n'])).toContain('200 OK');
  expect(await raw(['GET /v1/../health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n'])).toContain(
    'HTTP/1.1 400',
  );
  expect(await raw(['GET /%zz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n'])).toContain('HTTP/1.1 400');
  expect(await raw(['nonsense\r\n\r\n'])).toContain('bad_http');
  expect(await raw([`GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`])).toContain(
    'HTTP/1.1 431',
  );
});

test('health, readiness, metrics, reference', async () => {
  http.health(() => ({ ok: true, fields: { queue: { pending: 0 } } }));
  expect(await (await call('/health', { key: null })).json()).toMatchObject({
    status: 'ok',
    version: 'test',
    queue: { pending: 0 },
  });
  expect((await call('/ready', { key: null })).status).toBe(200);
  expect(await (await call('/metrics', { key: null })).text()).toContain(
    'muster_http_request_seconds_count{route="/v1/things",method="POST",status="201"}',
  );
  const document = http.openapi();
  expect(await (await call('/openapi.json', { key: null })).json()).toEqual(document);
  expect(document['paths']).toMatchObject({
    '/v1/things': {
      post: {
        requestBody: {
          content: { 'application/json': { schema: { properties: { name: { type: 'string', maxLength: 10 } } } } },
        },
      },
    },
    '/v1/things/{id}': {
      get: {
        parameters: [
          { in: 'query', name: 'limit' },
          { in: 'path', name: 'id' },
        ],
      },
    },
  });
  expect(Object.keys(document['paths'] as object)).not.toContain('/api/old/thing');
  const page = await call('/docs', { key: null });
  expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
  expect(await page.text()).not.toMatch(/https?:\/\//);
  expect((await call('/docs/swagger-ui-bundle.js', { key: null })).status).toBe(200);
  expect((await call('/docs/start.js', { key: null })).status).toBe(200);
});

/** Sends bytes as they are and reads until the server closes. */
async function raw(chunks: readonly string[]): Promise<string> {
  const socket = connect(http.ports[0] ?? 0, '127.0.0.1');
  let text = '';
  socket.on('data', (data) => {
    text += String(data);
  });
  socket.on('error', () => undefined);
  for (const chunk of chunks) socket.write(chunk);
  await new Promise((resolve) => void socket.on('close', resolve));
  return text;
}
