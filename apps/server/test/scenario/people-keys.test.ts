/* Keys that people make, what they were used for, saved views, and what of it all is in the audit. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '#kernel/base';
import { sql } from '#kernel/db';
import { goodPassword, type PeopleServer, startPeople, type TestBrowser } from '#test/people';
import { until } from '#test/until';

let ahead = 0;
const clock = {
  ...systemClock,
  now: () => systemClock.now() + ahead,
  // What keys were used for is written every ten seconds; here sooner.
  after: (ms: number, act: () => void) => systemClock.after(ms === 10_000 ? 100 : ms, act),
};
let server: PeopleServer;
let ada: TestBrowser;
let admin: TestBrowser;
let operator: TestBrowser;
let viewer: TestBrowser & { id: string };
beforeAll(async () => {
  server = await startPeople({ options: { clock } });
  ada = await server.setUp();
  admin = await server.member('admin', 'alma@example.com');
  operator = await server.member('operator', 'olga@example.com');
  viewer = await server.member('viewer', 'vera@example.com');
});
afterAll(() => server[Symbol.asyncDispose]());

type Key = {
  id: string;
  start: string;
  secret: string;
  lastUsedAt: string | null;
  lastUsedFrom: string | null;
  requests: { total: number; failed: number };
};
const make = (by: TestBrowser, ...scopes: string[]) => by.api<Key>('/v1/keys', { json: { name: 'k', scopes } });

describe('keys', () => {
  test('hold what their maker holds at most; what reaches the installation is made by who administers it', async () => {
    expect((await make(operator, 'builds:read')).body).toMatchObject({
      reason: 'missing_scope',
      scope: 'accounts:admin',
    });
    expect((await make(admin, 'builds:admin')).status).toBe(201);
    expect(await make(admin, 'accounts:admin')).toMatchObject({
      status: 403,
      body: { reason: 'not_installation_admin' },
    });
    const made = await make(ada, 'accounts:admin', 'builds:admin');
    expect(made.status).toBe(201);
    const rotate = (by: TestBrowser, id: string) => by.api<Key>(`/v1/keys/${id}/rotate`, { json: {} });
    expect(await rotate(admin, made.body.id)).toMatchObject({
      status: 403,
      body: { reason: 'not_installation_admin' },
    });
    // The secret that was refused was never made.
    expect((await server.ask('/v1/me', { key: made.body.secret })).status).toBe(200);
    const { secret } = await server.makeKey('accounts:admin');
    const byKey = await server.ask('/v1/keys', { json: { name: 'x', scopes: ['builds:read'] }, key: secret });
    expect(byKey).toMatchObject({ status: 403, body: { reason: 'missing_scope', scope: 'builds:read' } });
  });

  test('with an admin scope want a fresh password, to be made and to get a new secret; others do not', async () => {
    const [strong, weak] = [await make(ada, 'builds:admin'), await make(ada, 'builds:read')];
    ahead = 11 * 60_000;
    expect(await make(ada, 'builds:admin')).toMatchObject({ status: 403, body: { reason: 'password_needed' } });
    const rotate = (id: string) => ada.api<Key>(`/v1/keys/${id}/rotate`, { json: { overlapMs: 60_000 } });
    expect(await rotate(strong.body.id)).toMatchObject({ status: 403, body: { reason: 'password_needed' } });
    const next = await rotate(weak.body.id);
    expect(next.status).toBe(200);
    ahead = 0;
    for (const key of [weak.body.secret, next.body.secret])
      expect((await server.ask('/v1/me', { key })).status).toBe(200);
    expect((await ada.api(`/v1/keys/${weak.body.id}/revoke`, { method: 'POST' })).status).toBe(200);
    for (const key of [weak.body.secret, next.body.secret])
      expect((await server.ask('/v1/me', { key })).status).toBe(401);
  });

  test('tell what they were used for: counts of a day, and the last calls, failed ones besides', async () => {
    const { body: key } = await make(ada, 'builds:read', 'streams:read');
    expect(key.secret.startsWith(`${key.start}_`)).toBe(true);
    for (let i = 0; i < 8; i++) await server.ask('/v1/builds', { key: key.secret });
    for (const path of ['/v1/keys', '/v1/builds/x']) await server.ask(path, { key: key.secret });
    expect((await server.call('/v1/stream/nothing/here', { key: key.secret })).status).toBe(404);
    const listed = (): Promise<Key | undefined> =>
      ada.api<{ items: Key[] }>('/v1/keys').then(({ body }) => body.items.find(({ id }) => id === key.id));
    await until(async () => (await listed())?.requests.total === 11, { withinMs: 20_000 });
    expect(await listed()).toMatchObject({
      requests: { total: 11, failed: 3 },
      lastUsedFrom: '127.0.0.1',
      lastUsedAt: expect.any(String),
    });
    const calls = await ada.api<{ items: Record<string, unknown>[]; nextCursor: string | null }>(
      `/v1/keys/${key.id}/requests?limit=6`,
    );
    expect(calls.body.items.map(({ route, status }) => [route, status])).toEqual([
      [expect.stringMatching(/stream/), 404],
      ['/v1/builds/:id', 404],
      ['/v1/keys', 403],
      ['/v1/builds', 200],
      ['/v1/builds', 200],
      ['/v1/builds', 200],
    ]);
    expect(calls.body.items[2]).toMatchObject({ method: 'GET', address: '127.0.0.1', requestId: expect.any(String) });
    const rest = await ada.api<{ items: unknown[]; nextCursor: null }>(
      `/v1/keys/${key.id}/requests?cursor=${calls.body.nextCursor}`,
    );
    // Of each span between two writes some are kept; how many spans there were is the machine's affair.
    expect(rest.body.nextCursor).toBeNull();
    expect(rest.body.items.length).toBeGreaterThanOrEqual(2);
    expect(rest.body.items.length).toBeLessThanOrEqual(5);
    expect((await ada.api('/v1/keys/key_00000000000000000000000000/requests')).status).toBe(404);
    expect((await ada.api(`/v1/keys/${key.id}/requests?cursor=x`)).status).toBe(400);
    expect((await operator.api(`/v1/keys/${key.id}/requests`)).status).toBe(403);
  });
});

describe('views', () => {
  const view = (more: object = {}) => ({ name: 'Broken', page: 'builds', search: 'state=failed', ...more });
  const put = (by: TestBrowser, id: string, json: unknown = view()) =>
    by.api(`/v1/views/${id}`, { method: 'PUT', json });
  const names = async (by: TestBrowser, query = ''): Promise<string[]> =>
    (await by.api<{ items: { id: string }[] }>(`/v1/views${query}`)).body.items.map(({ id }) => id);

  test('are one’s own, whatever the role, or everybody’s, with the right to share', async () => {
    expect(await put(viewer, 'mine')).toMatchObject({ status: 200, body: { id: 'mine', shared: false } });
    expect(await put(viewer, 'ours', view({ shared: true }))).toMatchObject({
      status: 403,
      body: { reason: 'missing_scope', scope: 'accounts:operate' },
    });
    expect((await put(operator, 'ours', view({ shared: true, page: 'gallery/bots' }))).status).toBe(200);
    expect(await names(viewer)).toEqual(['mine', 'ours']);
    expect(await names(operator)).toEqual(['ours']);
    expect(await names(viewer, '?page=builds')).toEqual(['mine']);
    // Somebody else's own one is not there, by its id either.
    expect((await put(operator, 'mine')).status).toBe(404);
    expect((await operator.api('/v1/views/mine', { method: 'DELETE' })).status).toBe(404);
    expect((await viewer.api('/v1/views/ours', { method: 'DELETE' })).status).toBe(403);
    expect((await put(admin, 'ours', view({ name: 'All', shared: true }))).status).toBe(200);
    expect((await admin.api('/v1/views/ours', { method: 'DELETE' })).status).toBe(204);
    expect((await viewer.api('/v1/views/mine', { method: 'DELETE' })).status).toBe(204);
    expect(await names(viewer)).toEqual([]);
  });

  test('bad names, pages and ids are refused, and there are so many at most', async () => {
    for (const bad of [
      view({ name: ' ' }),
      view({ page: '/builds' }),
      view({ page: '../x' }),
      view({ search: 'x'.repeat(4097) }),
    ])
      expect((await put(viewer, 'bad', bad)).status, JSON.stringify(bad).slice(0, 80)).toBe(400);
    expect((await put(viewer, 'a.b')).status).toBe(404);
    await server.database.db.transaction((tx) =>
      tx.query(sql`insert into saved_views (project_id, id, owner_id, shared, name, page, search, updated_at)
        select 'prj_00000000000000000000000000', 'v' || n, ${viewer.id}, false, 'v', 'builds', '', now() from generate_series(1, 200) n`),
    );
    expect(await put(viewer, 'more')).toMatchObject({ status: 429, body: { reason: 'views_full' } });
    expect((await put(viewer, 'v7', view({ name: 'Changed' }))).status).toBe(200);
  });
});

describe('the audit', () => {
  type Row = { action: string; actor: string; subject: string; outcome: string; after: unknown; at: string };
  const rows = async (query: string, by = ada): Promise<Row[]> =>
    (await by.api<{ items: Row[] }>(`/v1/audit?limit=200&${query}`)).body.items;

  test('holds what was refused, with whom and what', async () => {
    ahead = 11 * 60_000;
    await ada.api('/v1/invites', { json: { role: 'viewer' } });
    ahead = 0;
    await ada.api('/v1/keys', { json: {}, headers: { origin: 'https://evil.example' } });
    await until(async () => (await rows('outcome=refused')).some(({ subject }) => subject === 'password_needed'));
    expect((await rows('outcome=refused')).find(({ subject }) => subject === 'password_needed')).toMatchObject({
      actor: expect.stringMatching(/^person:usr_/),
      // One a second of each cause is kept, whoever it was.
      after: { call: expect.stringMatching(/^POST \/v1\//) },
    });
    // Whose page it was nobody knows, so it belongs to no project.
    await until(async () => (await rows('of=installation')).some(({ subject }) => subject === 'cross_site'));
    await server.browser().signIn('nobody@example.com', 'not the right one');
    await until(async () => (await rows('of=installation')).some(({ subject }) => subject === 'wrong_password'));
    expect(await admin.api('/v1/audit?of=installation')).toMatchObject({
      status: 403,
      body: { reason: 'not_installation_admin' },
    });
  });

  test('is narrowed by who, what, on what and when, and leaves as lines', async () => {
    const { body: me } = await admin.api<{ id: string }>('/v1/me');
    const mine = await rows(`actor=person:${me.id}&action=key.created`);
    expect(mine.length).toBeGreaterThan(0);
    expect(mine.every(({ actor, action }) => actor === `person:${me.id}` && action === 'key.created')).toBe(true);
    const [first] = mine;
    expect((await rows(`subject=${first?.subject}`)).every(({ subject }) => subject === first?.subject)).toBe(true);
    expect(await rows(`until=${new Date(0).toISOString()}`)).toEqual([]);
    expect((await rows(`since=${first?.at}&actor=person:${me.id}`)).length).toBeGreaterThan(0);
    const lines = await ada.get('/v1/audit?action=key.created', { accept: 'application/x-ndjson' });
    expect(lines.headers.get('content-disposition')).toContain('audit.ndjson');
    const all = (await lines.text())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Row);
    expect(all.length).toBeGreaterThanOrEqual(mine.length);
    expect(all.every(({ action }) => action === 'key.created')).toBe(true);
    expect((await operator.api('/v1/audit')).status).toBe(403);
  });

  test('no secret is in it: of keys, of links, of passwords', async () => {
    const { body: key } = await make(ada, 'builds:read');
    const { body: invite } = await ada.api<{ url: string }>('/v1/invites', { json: { role: 'viewer' } });
    const text = await (await ada.get('/v1/audit', { accept: 'application/x-ndjson' })).text();
    expect(text).toContain('invite.created');
    for (const secret of [key.secret, invite.url.split('/').at(-1) ?? '', goodPassword])
      expect(text).not.toContain(secret);
  });
});
