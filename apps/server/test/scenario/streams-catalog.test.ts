/* The list of streams, their rules, bulk changes and what is public, over real sockets. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '#test/server';
import { until } from '#test/until';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

type Item = {
  path: string;
  url: string;
  version: number;
  retention: object | null;
  ttlSeconds: number | null;
  expiresAt: string | null;
  closed: boolean;
  messages: number;
};
type Page = { items: Item[]; nextCursor: string | null };
type Job = {
  jobId: string;
  state: string;
  matched: number;
  changed: number;
  skipped: number;
  refused: { path: string; reason: string }[];
};

const make = async (path: string, headers: Record<string, string> = {}): Promise<void> => {
  const made = await server.call(`/v1/stream/${path}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', ...headers },
    body: '[1,2]',
  });
  expect(made.status).toBe(201);
};
const at = (path: string): string => `/v1/streams/${encodeURIComponent(path)}`;
const list = (query: string, key = server.key) =>
  server.ask<Page & { reason?: string }>(`/v1/streams?${query}`, { key });
const finished = async (body: object): Promise<Job> => {
  const { status, body: job } = await server.ask<Job>('/v1/streams/bulk', { json: body });
  expect(status).toBe(202);
  let now = job;
  await until(async () => {
    now = (await server.ask<Job>(`/v1/streams/bulk/${job.jobId}`)).body;
    return now.state === 'done';
  });
  return now;
};

test('a list by path, in pages, by prefix and state', async () => {
  for (const name of ['a', 'b', 'c', 'd', 'e'])
    await make(`list/${name}`, name === 'c' ? { 'stream-closed': 'true' } : {});
  const first = await list('prefix=list/&limit=2');
  expect(first.body.items.map(({ path }) => path)).toEqual(['list/a', 'list/b']);
  const second = await list(`prefix=list/&limit=2&cursor=${first.body.nextCursor}`);
  expect(second.body.items.map(({ path }) => path)).toEqual(['list/c', 'list/d']);
  const third = await list(`prefix=list/&limit=2&cursor=${second.body.nextCursor}`);
  expect(third.body).toMatchObject({ items: [{ path: 'list/e' }], nextCursor: null });
  expect((await list('prefix=list/&closed=true')).body.items.map(({ path }) => path)).toEqual(['list/c']);
  const open = await list('prefix=list/&closed=false&limit=3');
  expect(open.body.items.map(({ path }) => path)).toEqual(['list/a', 'list/b', 'list/d']);
  expect(
    (await list(`prefix=list/&closed=false&limit=3&cursor=${open.body.nextCursor}`)).body.items.map(({ path }) => path),
  ).toEqual(['list/e']);
  for (const query of ['cursor=%00', 'cursor=a b', 'limit=0', 'limit=201', 'closed=maybe', 'other=1'])
    expect((await list(query)).status, query).toBe(400);
});

test('one stream: any path as one segment, all that is known of it', async () => {
  const path = 'one/späße & 100%/x';
  await make(path.split('/').map(encodeURIComponent).join('/'), { 'stream-ttl': '3600' });
  const { status, body } = await server.ask<Item>(at(path));
  expect(status).toBe(200);
  expect(body).toMatchObject({
    path,
    messages: 2,
    closed: false,
    ttlSeconds: 3600,
    expiresAt: null,
    retention: null,
    version: 1,
  });
  expect((await server.call(`${body.url}?offset=-1`)).status).toBe(200);
  const long = `one/${'ä'.repeat(250)}`;
  await make(long.split('/').map(encodeURIComponent).join('/'));
  expect((await server.ask<Item>(at(long))).body.path).toBe(long);
  expect(await server.ask(at('one/none'))).toMatchObject({ status: 404, body: { reason: 'stream_unknown' } });
});

test('rules change under their version; an old one is told the new', async () => {
  await make('rules/a');
  const patch = (json: object, version?: number) =>
    server.ask<Item & { reason?: string; currentVersion?: number }>(at('rules/a'), {
      method: 'PATCH',
      json,
      ...(version === undefined ? {} : { headers: { 'if-match': `"${version}"` } }),
    });
  const once = await patch({ retention: { maxMessages: 1 }, ttlSeconds: 60 }, 1);
  expect(once).toMatchObject({ status: 200, body: { version: 2, retention: { maxMessages: 1 }, ttlSeconds: 60 } });
  expect(await patch({ ttlSeconds: null }, 1)).toMatchObject({ status: 409, body: { reason: 'version_conflict' } });
  const soon = new Date(Date.now() + 3_600_000).toISOString();
  expect(await patch({ expiresAt: soon, retention: null })).toMatchObject({
    status: 200,
    body: { expiresAt: soon, ttlSeconds: null, retention: null, version: 3 },
  });
  for (const json of [
    {},
    { ttlSeconds: 0 },
    { ttlSeconds: 5, expiresAt: soon },
    { retention: {} },
    { retention: { maxBytes: 0 } },
    { expiresAt: '2001-01-01T00:00:00Z' },
    { contentType: 'x' },
  ])
    expect((await patch(json)).status, JSON.stringify(json)).toBe(400);
  const { body: audit } = await server.ask<{ items: { action: string; before: object }[] }>(
    '/v1/audit?action=stream.changed',
  );
  expect(audit.items).toHaveLength(2);
  const operator = await server.makeKey('streams:operate');
  expect(
    (await server.call(at('rules/a'), { method: 'PATCH', key: operator.secret, json: { ttlSeconds: 5 } })).status,
  ).toBe(403);
});

test('bulk: a count first, then the change, told as it goes; what is refused is named', async () => {
  for (const name of ['a', 'b', 'c']) await make(`bulk/${name}`);
  await make('bulkier');
  const body = { action: 'close', filter: { prefix: 'bulk/' } };
  expect(await finished({ ...body, dryRun: true })).toMatchObject({ matched: 3, changed: 0, skipped: 0 });
  expect((await list('prefix=bulk/&closed=true')).body.items).toEqual([]);
  expect(await finished(body)).toMatchObject({ matched: 3, changed: 3, skipped: 0, refused: [] });
  expect((await list('prefix=bulk/&closed=true')).body.items).toHaveLength(3);
  expect(await finished(body)).toMatchObject({ matched: 3, changed: 3 });
  expect(
    await finished({ action: 'retain', filter: { prefix: 'bulk/' }, retention: { maxMessages: 1 } }),
  ).toMatchObject({ changed: 3 });
  expect((await server.ask<Item>(at('bulk/b'))).body.retention).toEqual({ maxMessages: 1 });
  expect(await finished({ action: 'delete', filter: { prefix: 'bulk/' } })).toMatchObject({ matched: 3, changed: 3 });
  expect((await list('prefix=bulk')).body.items.map(({ path }) => path)).toEqual(['bulkier']);
  for (const wrong of [
    { action: 'delete', filter: { prefix: '' } },
    { action: 'retain', filter: { prefix: 'a' } },
    { action: 'close', filter: { prefix: 'a' }, retention: null },
    { action: 'wipe', filter: { prefix: 'a' } },
  ])
    expect((await server.call('/v1/streams/bulk', { json: wrong })).status, JSON.stringify(wrong)).toBe(400);
  expect((await server.call('/v1/streams/bulk/job_00000000000000000000000000')).status).toBe(404);
});

test('bulk: more streams than one page, and the same key twice is one job', async () => {
  await Promise.all(Array.from({ length: 450 }, (_, i) => make(`many/${i}`)));
  const send = () =>
    server.ask<Job>('/v1/streams/bulk', {
      json: { action: 'delete', filter: { prefix: 'many/' } },
      headers: { 'idempotency-key': 'bulk-many' },
    });
  const [one, two] = [await send(), await send()];
  expect(two.body.jobId).toBe(one.body.jobId);
  await until(async () => (await server.ask<Job>(`/v1/streams/bulk/${one.body.jobId}`)).body.state === 'done', {
    withinMs: 30_000,
  });
  expect((await server.ask<Job>(`/v1/streams/bulk/${one.body.jobId}`)).body).toMatchObject({
    matched: 450,
    changed: 450,
  });
  expect((await list('prefix=many/')).body.items).toEqual([]);
});

test('public paths: anybody reads them, at once, and nothing of a room unless it is named', async () => {
  await make('open/a');
  await make('shut/a');
  const status = async (path: string): Promise<number> =>
    (await fetch(`${server.url}/v1/stream/${path}?offset=-1`)).status;
  expect(await status('open/a')).toBe(401);
  const put = (publicRead: string[], version?: number) =>
    server.ask<{ publicRead: string[]; version: number; reason?: string }>('/v1/stream-settings', {
      method: 'PUT',
      json: { publicRead },
      ...(version === undefined ? {} : { headers: { 'if-match': `"${version}"` } }),
    });
  expect(await put(['open/**'], 0)).toMatchObject({ status: 200, body: { publicRead: ['open/**'], version: 1 } });
  expect([await status('open/a'), await status('shut/a'), await status('builds/events')]).toEqual([200, 401, 401]);
  expect((await fetch(`${server.url}/v1/stream/open/a?offset=-1`)).headers.get('cache-control')).toContain('public');
  expect(await put(['**'], 0)).toMatchObject({ status: 409, body: { reason: 'version_conflict' } });
  expect(await put(['**'])).toMatchObject({ status: 200, body: { version: 2 } });
  expect([await status('shut/a'), await status('builds/events')]).toEqual([200, 401]);
  expect((await put(['a//b'])).status).toBe(400);
  const admin = await server.makeKey('streams:admin');
  expect(
    (
      await server.call('/v1/stream-settings', {
        method: 'PUT',
        key: admin.secret,
        json: { publicRead: ['builds/**'] },
      })
    ).status,
  ).toBe(403);
  expect(await put([])).toMatchObject({ status: 200 });
  expect(await status('open/a')).toBe(401);
  expect((await server.ask('/v1/stream-settings')).body).toEqual({ publicRead: [], version: 3 });
});

test('two nodes on one database: what one makes public, the other shows', async () => {
  await using other = await startServer({ database: server.database });
  const path = 'nodes/a';
  await other.call(`/v1/stream/${path}`, { method: 'PUT', headers: { 'content-type': 'text/plain' }, body: 'x' });
  const status = async (): Promise<number> => (await fetch(`${other.url}/v1/stream/${path}?offset=-1`)).status;
  expect(await status()).toBe(401);
  await server.ask('/v1/stream-settings', { method: 'PUT', json: { publicRead: ['nodes/*'] } });
  await until(async () => (await status()) === 200, { withinMs: 10_000 });
  await server.ask('/v1/stream-settings', { method: 'PUT', json: { publicRead: [] } });
  await until(async () => (await status()) === 401, { withinMs: 10_000 });
});
