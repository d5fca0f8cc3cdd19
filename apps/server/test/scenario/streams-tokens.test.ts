/* Browser tokens over real sockets: made, narrow, renewed, ended; and credential × operation × prefix as one table. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '#test/server';
import { until } from '#test/until';

let server: TestServer;
let operator: { id: string; secret: string };
beforeAll(async () => {
  server = await startServer({ env: { MUSTER_AUTH_FAILURES_PER_MINUTE_MAX: '10000' } });
  operator = await server.makeKey('streams:operate');
  for (const path of ['support/42/chat', 'support/43/chat', 'public/news'])
    await server.call(`/v1/stream/${path}`, {
      method: 'PUT',
      headers: { 'content-type': 'text/plain' },
      body: 'hello',
    });
  await server.ask('/v1/stream-settings', { method: 'PUT', json: { publicRead: ['public/**'] } });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

type Token = { token: string; expiresAt: string; refreshAt: string };
const mint = (json: object, key = operator.secret) =>
  server.ask<Token & { reason?: string }>('/v1/stream-tokens', { json, key });
const read = async (
  path: string,
  key: string | null,
  query = 'offset=-1',
): Promise<{ status: number; reason?: string; text: string }> => {
  const response = await server.call(`/v1/stream/${path}?${query}`, { key });
  const text = await response.text();
  return { status: response.status, text, ...(response.ok ? {} : (JSON.parse(text) as { reason: string })) };
};
const append = (path: string, key: string | null, headers: Record<string, string> = {}) =>
  server.call(`/v1/stream/${path}`, {
    method: 'POST',
    key,
    headers: { 'content-type': 'text/plain', ...headers },
    body: 'x',
  });

test('a token reads and appends what it names and nothing else', async () => {
  const { status, body } = await mint({
    paths: ['support/42/**'],
    operations: ['read', 'append'],
    ttlMs: 60_000,
    producerPrefix: 'web-',
  });
  expect(status).toBe(201);
  expect(Date.parse(body.refreshAt)).toBeLessThan(Date.parse(body.expiresAt));
  expect(await read('support/42/chat', body.token)).toMatchObject({ status: 200, text: 'hello' });
  expect(await read('support/43/chat', body.token)).toMatchObject({ status: 403, reason: 'token_path' });
  expect((await append('support/42/chat', body.token)).status).toBe(403);
  const asProducer = { 'producer-id': 'web-1', 'producer-epoch': '0', 'producer-seq': '0' };
  expect((await append('support/42/chat', body.token, asProducer)).status).toBe(200);
  expect((await append('support/42/chat', body.token, { ...asProducer, 'producer-id': 'other' })).status).toBe(403);
  for (const [method, path] of [
    ['PUT', 'support/42/new'],
    ['DELETE', 'support/42/chat'],
  ] as const)
    expect(
      (await server.call(`/v1/stream/${path}`, { method, key: body.token, headers: { 'content-type': 'text/plain' } }))
        .status,
    ).toBe(403);
  for (const path of ['/v1/streams', '/v1/me', '/v1/stream-settings', '/v1/keys', '/v1/builds', '/v1/workers'])
    expect((await server.call(path, { key: body.token })).status, path).toBe(403);
  expect((await mint({ paths: ['a'], operations: ['read'] }, body.token)).status).toBe(403);
  expect((await server.call('/v1/stream/__ds/subscriptions/x', { key: body.token })).status).toBe(403);
});

test('a room shows a token what its maker may see there, and no more', async () => {
  const both = await server.makeKey('streams:operate', 'builds:read');
  const rights = { paths: ['builds/**'], operations: ['read', 'append'] };
  const narrow = (await mint(rights)).body.token;
  const wide = (await mint(rights, both.secret)).body.token;
  expect((await read('builds/events', narrow)).status).toBe(403);
  expect((await read('builds/events', wide)).status).toBe(200);
  expect((await append('builds/events', wide)).status).toBe(403);
  const elsewhere = (await mint({ ...rights, paths: ['a/**'] }, both.secret)).body.token;
  expect(await read('builds/events', elsewhere)).toMatchObject({ status: 403, reason: 'token_path' });
});

test('what is no token to ask for', async () => {
  const wrong = [
    {},
    { paths: [], operations: ['read'] },
    { paths: ['a'], operations: [] },
    { paths: ['a'], operations: ['delete'] },
    { paths: ['/a'], operations: ['read'] },
    { paths: ['a*b'], operations: ['read'] },
    { paths: Array.from({ length: 21 }, (_, i) => `p${i}`), operations: ['read'] },
    { paths: ['a'], operations: ['read'], ttlMs: 86_400_001 },
    { paths: ['a'], operations: ['read'], ttlMs: 0 },
    { paths: ['a'], operations: ['read'], producerPrefix: 'a b' },
    { paths: ['a'], operations: ['read'], scopes: ['streams:admin'] },
  ];
  for (const json of wrong) expect((await mint(json)).status, JSON.stringify(json)).toBe(400);
  const reader = await server.makeKey('streams:read');
  expect(await mint({ paths: ['a'], operations: ['read'] }, reader.secret)).toMatchObject({
    status: 403,
    body: { reason: 'missing_scope' },
  });
});

test('renewal: the token itself is the credential; the same or less, never more', async () => {
  const renew = (token: string, json: object = {}) =>
    server.ask<Token & { reason?: string }>('/v1/stream-tokens/refresh', { key: token, json });
  const { body } = await mint({ paths: ['support/42/**'], operations: ['read'], renewable: true, ttlMs: 5000 });
  const next = await renew(body.token, { ttlMs: 120_000 });
  expect(next.status).toBe(201);
  expect(await read('support/42/chat', next.body.token)).toMatchObject({ status: 200 });
  const narrower = await renew(next.body.token, { paths: ['support/42/chat'] });
  expect(narrower.status).toBe(201);
  expect(await renew(narrower.body.token, { paths: ['support/42/**'] })).toMatchObject({
    status: 403,
    body: { reason: 'token_path' },
  });
  expect(await renew(body.token, { operations: ['append'] })).toMatchObject({
    status: 403,
    body: { reason: 'token_path' },
  });
  const { body: once } = await mint({ paths: ['a'], operations: ['read'] });
  expect(await renew(once.token)).toMatchObject({ status: 403, body: { reason: 'token_not_renewable' } });
  expect(await renew(operator.secret)).toMatchObject({ status: 403, body: { reason: 'wrong_credential_kind' } });
});

test('a live read ends when its user is revoked, and when the key of its token is', async () => {
  const key = await server.makeKey('streams:operate');
  const follow = async (subject: string) => {
    const { body } = await mint({ paths: ['support/42/**'], operations: ['read'], subject }, key.secret);
    const response = await fetch(`${server.url}/v1/stream/support/42/chat?offset=now&live=sse&token=${body.token}`);
    expect(response.status).toBe(200);
    return { token: body.token, over: response.text() };
  };
  const [ann, bob] = [await follow('ann'), await follow('bob')];
  expect((await server.call('/v1/end-users/ann/revoke-tokens', { method: 'POST', key: operator.secret })).status).toBe(
    204,
  );
  await ann.over;
  expect(await read('support/42/chat', ann.token)).toMatchObject({ status: 401, reason: 'revoked_credential' });
  expect(await read('support/42/chat', bob.token)).toMatchObject({ status: 200 });
  expect((await server.call(`/v1/keys/${key.id}/revoke`, { method: 'POST' })).status).toBe(200);
  await bob.over;
  expect(await read('support/42/chat', bob.token)).toMatchObject({ status: 401, reason: 'revoked_credential' });
});

test('token= is for live reads and browser tokens, and stands in no log line', async () => {
  const { body } = await mint({ paths: ['support/42/**'], operations: ['read'] });
  expect(await read('support/42/chat', null, `offset=now&live=long-poll&timeout=1s&token=${body.token}`)).toMatchObject(
    { status: 204 },
  );
  expect(await read('support/42/chat', null, `offset=-1&token=${body.token}`)).toMatchObject({ status: 401 });
  expect(await read('support/42/chat', null, `offset=-1&live=long-poll&token=${operator.secret}`)).toMatchObject({
    status: 401,
  });
  await until(() => server.logs.some(({ msg }) => msg === 'request'), { withinMs: 3000 }).catch(() => undefined);
  const said = JSON.stringify(server.logs);
  expect(said).not.toContain(body.token);
  expect(said).not.toContain(body.token.split('.')[2]);
  expect(said).not.toContain(operator.secret);
});

test('the public keys are open to all, from any page', async () => {
  const response = await fetch(`${server.url}/v1/jwks.json`, { headers: { origin: 'https://elsewhere.example' } });
  expect(response.headers.get('content-type')).toContain('application/jwk-set+json');
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  expect(((await response.json()) as { keys: unknown[] }).keys).toHaveLength(1);
});

describe('credential × operation × prefix', () => {
  const credentials = [
    'nobody',
    'read',
    'operate',
    'admin',
    'other area',
    'token read',
    'token append',
    'token both',
    'expired token',
    'forged token',
  ] as const;
  const operations = ['read', 'append', 'create', 'delete', 'list', 'mint', 'subscribe'] as const;
  /** Status of each operation in the order above; at `in/…`, `out/…` (which tokens do not name) and `public/…`. */
  const table: Record<(typeof credentials)[number], { in: string; out: string; public: string }> = {
    nobody: {
      in: '401 401 401 401 401 401 401',
      out: '401 401 401 401 401 401 401',
      public: '200 401 401 401 401 401 401',
    },
    read: {
      in: '200 403 403 403 200 403 403',
      out: '200 403 403 403 200 403 403',
      public: '200 403 403 403 200 403 403',
    },
    operate: {
      in: '200 204 201 403 200 201 201',
      out: '200 204 201 403 200 201 201',
      public: '200 204 201 403 200 201 201',
    },
    admin: {
      in: '200 204 201 204 200 201 201',
      out: '200 204 201 204 200 201 201',
      public: '200 204 201 204 200 201 201',
    },
    'other area': {
      in: '403 403 403 403 403 403 403',
      out: '403 403 403 403 403 403 403',
      public: '200 403 403 403 403 403 403',
    },
    'token read': {
      in: '200 403 403 403 403 403 403',
      out: '403 403 403 403 403 403 403',
      public: '200 403 403 403 403 403 403',
    },
    'token append': {
      in: '403 204 403 403 403 403 403',
      out: '403 403 403 403 403 403 403',
      public: '200 403 403 403 403 403 403',
    },
    'token both': {
      in: '200 204 403 403 403 403 403',
      out: '403 403 403 403 403 403 403',
      public: '200 403 403 403 403 403 403',
    },
    'expired token': {
      in: '401 401 401 401 401 401 401',
      out: '401 401 401 401 401 401 401',
      public: '401 401 401 401 401 401 401',
    },
    'forged token': {
      in: '401 401 401 401 401 401 401',
      out: '401 401 401 401 401 401 401',
      public: '401 401 401 401 401 401 401',
    },
  };
  const secrets = new Map<string, string | null>([['nobody', null]]);
  beforeAll(async () => {
    for (const level of ['read', 'operate', 'admin'])
      secrets.set(level, (await server.makeKey(`streams:${level}`)).secret);
    secrets.set('other area', (await server.makeKey('builds:admin')).secret);
    const tokenOf = async (...rights: string[]) => (await mint({ paths: ['in/**'], operations: rights })).body.token;
    secrets.set('token read', await tokenOf('read'));
    secrets.set('token append', await tokenOf('append'));
    secrets.set('token both', await tokenOf('read', 'append'));
    const { body } = await mint({ paths: ['**'], operations: ['read', 'append'], ttlMs: 1000 });
    secrets.set('expired token', body.token);
    const [head = '', claims = '', signature = ''] = (secrets.get('token both') ?? '').split('.');
    const wider = Buffer.from(Buffer.from(claims, 'base64url').toString().replace('in/**', '**')).toString('base64url');
    secrets.set('forged token', `${head}.${wider}.${signature}`);
    await until(async () => (await read('in/none', body.token)).status === 401);
  });

  let made = 0;
  const act: Record<(typeof operations)[number], (path: string, key: string | null) => Promise<Response>> = {
    read: (path, key) => server.call(`/v1/stream/${path}?offset=-1`, { key }),
    append: (path, key) => append(path, key),
    create: (path, key) =>
      server.call(`/v1/stream/${path}/new`, { method: 'PUT', key, headers: { 'content-type': 'text/plain' } }),
    delete: (path, key) => server.call(`/v1/stream/${path}`, { method: 'DELETE', key }),
    list: (path, key) => server.call(`/v1/streams?prefix=${path}`, { key }),
    mint: (path, key) => server.call('/v1/stream-tokens', { key, json: { paths: [path], operations: ['read'] } }),
    subscribe: (path, key) =>
      server.call(`/v1/stream/__ds/subscriptions/s${(made += 1)}`, {
        method: 'PUT',
        key,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ type: 'pull-wake', streams: [path], wake_stream: `${path}-wakes` }),
      }),
  };

  test.each(credentials)('%s', async (credential) => {
    for (const prefix of ['in', 'out', 'public'] as const) {
      const statuses: number[] = [];
      for (const operation of operations) {
        const path = `${prefix}/${credential.replaceAll(' ', '-')}`;
        await server.call(`/v1/stream/${path}`, { method: 'PUT', headers: { 'content-type': 'text/plain' } });
        await server.call(`/v1/stream/${path}/new`, { method: 'DELETE' });
        statuses.push((await act[operation](path, secrets.get(credential) ?? null)).status);
      }
      expect(statuses.join(' '), `${credential} at ${prefix}/`).toBe(table[credential][prefix]);
    }
  });
});
