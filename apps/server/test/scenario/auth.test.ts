import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { sql } from '#kernel/db';
import { startServer } from '#test/server';
import { until } from '#test/until';

const server = await startServer();
afterAll(() => server[Symbol.asyncDispose]());

type Key = {
  id: string;
  secret: string;
  scopes: string[];
  revokedAt: string | null;
  previousUntil: string | null;
  fromEnvironment: boolean;
  lastUsedAt: string | null;
};
type Problem = { reason: string; code: string; scope?: string; errors?: { pointer: string; detail: string }[] };

test('the first start without a key makes one, leaves it to the owner, and says where', async () => {
  await using fresh = await startServer({ firstKey: true });
  const file = join(fresh.dataDir, 'first-key');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, 'utf8')).toBe(`${fresh.key}\n`);
  expect(fresh.app.facts).toContainEqual(['admin key', `in ${file}`]);
  const me = await fresh.ask('/v1/me');
  expect(me.body).toMatchObject({
    kind: 'key',
    name: 'first key',
    scopes: expect.arrayContaining(['builds:admin', 'accounts:admin']),
  });
  expect(JSON.stringify(fresh.logs)).not.toContain(fresh.key);
});

test('a key from the environment is listed as such and cannot be revoked here', async () => {
  const { body } = await server.ask<{ items: Key[] }>('/v1/keys');
  const given = body.items.find((key) => key.fromEnvironment);
  expect(given).toBeDefined();
  expect(await server.ask(`/v1/keys/${given?.id}/revoke`, { method: 'POST' })).toMatchObject({
    status: 409,
    body: { reason: 'key_from_environment' },
  });
});

test('create, use, rotate, revoke; every change is in the audit, no secret is', async () => {
  const made = await server.ask<Key>('/v1/keys', { json: { name: 'ci', scopes: ['builds:read'] } });
  expect(made.status).toBe(201);
  const { id, secret } = made.body;
  expect((await server.ask('/v1/me', { key: secret })).body).toMatchObject({ id, name: 'ci', scopes: ['builds:read'] });

  const rotated = await server.ask<Key>(`/v1/keys/${id}/rotate`, { json: { overlapMs: 60_000 } });
  expect(rotated.body.secret).not.toBe(secret);
  expect(rotated.body.previousUntil).not.toBeNull();
  for (const key of [secret, rotated.body.secret]) expect((await server.call('/v1/me', { key })).status).toBe(200);

  expect((await server.ask<Key>(`/v1/keys/${id}/revoke`, { method: 'POST' })).body.revokedAt).not.toBeNull();
  for (const key of [secret, rotated.body.secret])
    expect(await server.ask('/v1/me', { key })).toMatchObject({ status: 401 });
  expect(await server.ask(`/v1/keys/${id}/rotate`, { json: {} })).toMatchObject({
    status: 409,
    body: { reason: 'key_revoked' },
  });

  const audit = await server.ask<{ items: { action: string; address: string; requestId: string }[] }>(
    `/v1/audit?subject=${id}`,
  );
  expect(audit.body.items.map(({ action }) => action)).toEqual(['key.revoked', 'key.rotated', 'key.created']);
  expect(audit.body.items[0]).toMatchObject({ address: '127.0.0.1', requestId: expect.stringMatching(/^req_/) });
  expect(JSON.stringify(audit.body)).not.toContain(secret.slice(13));
  const exported = await (
    await server.call(`/v1/audit?subject=${id}`, { headers: { accept: 'application/x-ndjson' } })
  ).text();
  expect(
    exported
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { action: string }).action),
  ).toEqual(['key.revoked', 'key.rotated', 'key.created']);
});

test('a revocation reaches another node within a second', async () => {
  await using other = await startServer({ database: server.database, env: { MUSTER_API_KEY: server.key } });
  const { id, secret } = await server.makeKey('builds:read');
  expect((await other.call('/v1/me', { key: secret })).status).toBe(200);
  await server.call(`/v1/keys/${id}/revoke`, { method: 'POST' });
  // On a quiet machine. Without the hint it would be a minute.
  await until(async () => (await other.call('/v1/me', { key: secret })).status === 401, { withinMs: 10_000 });
});

test('none, malformed, unknown and expired are 401 with their reason; too small is 403 naming the scope', async () => {
  const reasonOf = async (key: string | null) => (await server.ask<Problem>('/v1/me', { key })).body.reason;
  expect(await reasonOf(null)).toBe('no_credential');
  expect(await reasonOf('mst_nonsense')).toBe('malformed_credential');
  const { secret } = await server.makeKey('builds:admin');
  expect(await reasonOf(`${secret.slice(0, -1)}${secret.endsWith('0') ? '1' : '0'}`)).toBe('malformed_credential');
  const ending = await server.ask<Key>('/v1/keys', {
    json: { name: 'short', scopes: ['builds:read'], expiresAt: new Date(Date.now() + 300).toISOString() },
  });
  await until(async () => (await reasonOf(ending.body.secret)) === 'expired_credential', { withinMs: 5000 });
  const small = await server.ask<Problem>('/v1/keys', { key: secret });
  expect(small).toMatchObject({
    status: 403,
    body: { code: 'forbidden', reason: 'missing_scope', scope: 'accounts:admin' },
  });
  expect((await server.call('/v1/me', { key: null })).headers.get('www-authenticate')).toContain('Bearer');
});

test('bad input names what is wrong and the nearest right thing', async () => {
  const bad = async (json: unknown) => (await server.ask<Problem>('/v1/keys', { json })).body;
  expect((await bad({ name: 'x', scopes: ['build:read'] })).errors?.[0]).toMatchObject({
    pointer: '/scopes/0',
    detail: expect.stringContaining('builds:read'),
  });
  expect((await bad({ nmae: 'x', scopes: ['builds:read'] })).errors).toContainEqual({
    pointer: '/nmae',
    detail: 'unknown field; did you mean name?',
  });
  expect(await bad({ name: 'x', scopes: ['builds:read'], addresses: ['10.0.0.0/99'] })).toMatchObject({
    reason: 'bad_address_range',
  });
  expect(await bad({ name: 'x', scopes: ['builds:read'], expiresAt: '2020-01-01T00:00:00Z' })).toMatchObject({
    reason: 'already_expired',
  });
  expect((await server.ask('/v1/keys/key_00000000000000000000000000/revoke', { method: 'POST' })).status).toBe(404);
  expect(await server.ask('/v1/audit?cursor=xx')).toMatchObject({ status: 400, body: { reason: 'bad_cursor' } });
});

test('nobody hands out more than they hold', async () => {
  const { secret } = await server.makeKey('accounts:admin');
  expect(await server.ask('/v1/keys', { key: secret, json: { name: 'more', scopes: ['builds:admin'] } })).toMatchObject(
    { status: 403, body: { scope: 'builds:admin' } },
  );
});

test('the same idempotency key makes one key, and shows its secret again', async () => {
  const headers = { 'idempotency-key': 'make-1' };
  const json = { name: 'once', scopes: ['builds:read'] };
  const both = await Promise.all([
    server.ask<Key>('/v1/keys', { json, headers }),
    server.ask<Key>('/v1/keys', { json, headers }),
  ]);
  expect(both[0].body).toEqual(both[1].body);
  expect(await server.ask('/v1/keys', { json: { ...json, name: 'other' }, headers })).toMatchObject({
    status: 409,
    body: { reason: 'idempotency_mismatch' },
  });
  const rows = await server.database.db.query<{ answer: Buffer }>(
    sql`select answer from idempotency_keys where key = 'make-1'`,
  );
  expect(Buffer.from(rows[0]?.answer ?? []).toString('latin1')).not.toContain(both[0].body.secret);
});

test('failures are limited per address, and a good key from there is never held back', async () => {
  await using strict = await startServer({ env: { MUSTER_AUTH_FAILURES_PER_MINUTE_MAX: '3' } });
  const statuses: number[] = [];
  for (let i = 0; i < 5; i++) statuses.push((await strict.call('/v1/me', { key: 'wrong' })).status);
  expect(statuses).toEqual([401, 401, 401, 429, 429]);
  expect((await strict.call('/v1/me', { key: 'wrong' })).headers.get('retry-after')).not.toBeNull();
  expect((await strict.call('/v1/me')).status).toBe(200);
});

test('every declared route refuses a caller without a credential, except the open ones', async () => {
  const document = server.app.http.openapi() as { paths: Record<string, Record<string, { security: unknown[] }>> };
  // Public keys are public; a browser asks with OPTIONS before it may show a credential.
  const open = ['/health', '/ready', '/v1/jwks.json', '/v1/stream/__ds/jwks.json'];
  let looked = 0;
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const method of Object.keys(operations)) {
      if (method === 'options') continue;
      const place = path.replaceAll(/\{\w+\}/g, 'x');
      const response = await server.call(place, { key: null, method: method.toUpperCase() });
      await response.body?.cancel();
      if (open.includes(path) || path === '/metrics') expect(response.status, `${method} ${path}`).toBe(200);
      else expect(response.status, `${method} ${path}`).toBe(401);
      looked += 1;
    }
  }
  expect(looked).toBeGreaterThan(8);
});
