import { afterAll, expect, test } from 'vitest';
import { arm } from '#kernel/base';
import { sql } from '#kernel/db';
import { type BuildsServer, buildsServer, sourceZip } from '#test/builds-server';
import { testDatabase } from '#test/database';
import { openGate } from '#test/gate';
import { formType, RawRequest } from '#test/raw-http';
import { until } from '#test/until';

const database = await testDatabase();
const servers: BuildsServer[] = [];
const serverWith = async (config: Parameters<typeof buildsServer>[1]): Promise<BuildsServer> => {
  const server = await buildsServer(database, config);
  servers.push(server);
  return server;
};
afterAll(async () => {
  for (const server of servers) await server[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

/** A submit of which only the head was sent: refused now means refused before the body. */
async function headOnly(server: BuildsServer, token: string, bytes = 5_000): Promise<{ status: number; text: string }> {
  using raw = new RawRequest(server.url);
  await raw.head('POST', '/v1/builds', {
    authorization: `Bearer ${token}`,
    'content-type': formType,
    'content-length': bytes,
    expect: '100-continue',
  });
  return await raw.answer();
}

test('row 23: a full project queue is 429 before the file is read, says when to come back, and others go on', async () => {
  const server = await serverWith({ queuedMax: 3 });
  const token = await server.keyWith(['builds:operate'], await server.project());
  for (let n = 0; n < 3; n++) await server.submitted({ token });
  const refused = await server.submit({ token });
  expect(refused).toMatchObject({ status: 429, body: { reason: 'queue_full', retryAfterMs: 5_000 } });
  expect(refused.headers.get('retry-after')).toBe('5');
  expect(await headOnly(server, token)).toMatchObject({ status: 429, text: expect.stringContaining('queue_full') });
  expect((await server.submit()).status).toBe(201);
});

test('row 23: a full line of one key is 429, another key goes on', async () => {
  const server = await serverWith({});
  const build = { concurrency: { key: 'deploy' } };
  for (let n = 0; n < 100; n++) await server.submitted({ build });
  expect(await server.submit({ build })).toMatchObject({ status: 429, body: { reason: 'key_backlog_full' } });
  expect((await server.submit({ build: { concurrency: { key: 'other' } } })).status).toBe(201);
  expect((await server.submit({ build: { concurrency: { key: 'deploy', mode: 'cancelOlder' } } })).status).toBe(201);
});

test('row 23: the pace of a key is limited, each key for itself', async () => {
  const server = await serverWith({ submitsPerSecond: 1, submitsBurst: 2 });
  const other = await server.keyWith(['builds:operate']);
  expect([(await server.submit()).status, (await server.submit()).status]).toEqual([201, 201]);
  expect(await server.submit()).toMatchObject({ status: 429, body: { reason: 'rate' } });
  expect(await headOnly(server, server.key)).toMatchObject({ status: 429 });
  expect((await server.submit({ token: other })).status).toBe(201);
});

test('stored bytes are limited per project, before reading when declared', async () => {
  const server = await serverWith({ storedBytesMax: 3_000 });
  const token = await server.keyWith(['builds:operate'], await server.project());
  const source = Buffer.concat([sourceZip(), Buffer.alloc(1_200)]);
  await server.submitted({ token, source });
  expect(await headOnly(server, token, 3_000)).toMatchObject({
    status: 429,
    text: expect.stringContaining('storage_full'),
  });
  expect((await server.submit({ token, source: sourceZip() })).status).toBe(201);
});

test('row 24: too little disk is 503 before the body is read', async () => {
  const server = await serverWith({ freeBytesMin: 2 ** 60 });
  expect(await headOnly(server, server.key)).toMatchObject({ status: 503, text: expect.stringContaining('disk_low') });
  expect(await server.call('POST', '/v1/uploads', { body: { purpose: 'source', sizeBytes: 10 } })).toMatchObject({
    status: 503,
    body: { reason: 'disk_low' },
  });
});

test('row 25: Postgres away at submit is 503 with Retry-After 2; the repeat makes one build', async () => {
  await using gate = await openGate(database.options);
  const server = await buildsServer({ ...database, options: { ...database.options, ...gate.connection } });
  try {
    const countBuilds = async (): Promise<unknown> =>
      await database.db.query(sql`select count(*)::int as n from builds`);
    const [before] = (await countBuilds()) as { n: number }[];
    const headers = { 'idempotency-key': 'while-away' };
    await server.call('GET', '/v1/builds');
    gate.shut();
    const early = await server.submit({ headers });
    expect([early.status, early.body['reason'], early.headers.get('retry-after')]).toEqual([503, 'store_down', '2']);
    gate.open();
    await until(async () => (await server.call('GET', '/v1/builds')).status === 200);

    const files = (await server.blobs.list('builds/')).length;
    const shut = arm('submit.blob-renamed', () => gate.shut());
    const late = await server.submit({ headers });
    shut[Symbol.dispose]();
    expect([late.status, late.body['reason'], late.headers.get('retry-after')]).toEqual([503, 'store_down', '2']);
    // Whether the row was committed is not known: the file stays for the sweep.
    expect((await server.blobs.list('builds/')).length).toBe(files + 1);
    gate.open();
    await until(async () => (await server.call('GET', '/v1/builds')).status === 200);
    expect((await server.submit({ headers })).status).toBe(201);
    expect(await countBuilds()).toEqual([{ n: (before?.n ?? 0) + 1 }]);
  } finally {
    gate.open();
    await server[Symbol.asyncDispose]();
  }
});
