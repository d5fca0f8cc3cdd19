import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { arm } from '#kernel/base';
import { sql } from '#kernel/db';
import { type BuildsServer, buildsServer, sourceZip } from '#test/builds-server';
import { testDatabase } from '#test/database';
import { formBody, formType, RawRequest } from '#test/raw-http';
import { certsZip } from '#test/tiny-zip';

const database = await testDatabase();
let server: BuildsServer;
beforeAll(async () => {
  server = await buildsServer(database);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const newKey = (): { 'idempotency-key': string } => ({ 'idempotency-key': randomBytes(8).toString('hex') });
const countBuilds = async (): Promise<number> =>
  (await server.db.query<{ n: number }>(sql`select count(*)::int as n from builds`))[0]?.n ?? -1;

test('idempotent-submit: the same fields and files give the first answer, token and all, and no second file', async () => {
  const headers = newKey();
  const submit = { build: { queue: 'once' }, certs: certsZip(), headers };
  const first = await server.submit(submit);
  const [rows, files] = [await countBuilds(), (await server.blobs.list('builds/')).length];
  const again = await server.submit(submit);
  expect([again.status, again.body]).toEqual([201, first.body]);
  expect(again.headers.get('idempotency-replayed')).toBe('true');
  expect([await countBuilds(), (await server.blobs.list('builds/')).length]).toEqual([rows, files]);
  const kept = await server.db.query<{ answer: Buffer }>(sql`select answer from idempotency_keys`);
  expect(kept.some((row) => row.answer.includes(first.body['accessToken']))).toBe(false);
  expect(
    (await server.call('GET', `/v1/builds/${first.body['id']}`, { token: again.body['accessToken'] })).status,
  ).toBe(200);
});

test('row 22: other fields or other files under the same key are 409, and the first build is untouched', async () => {
  const headers = newKey();
  const first = await server.submit({ build: { queue: 'a' }, certs: certsZip(), headers });
  const before = (await server.call('GET', `/v1/builds/${first.body['id']}`)).text;
  const files = (await server.blobs.list('builds/')).length;
  for (const other of [
    { build: { queue: 'b' }, certs: certsZip() },
    { build: { queue: 'a' }, certs: certsZip('x') },
    { build: { queue: 'a' }, certs: certsZip(), source: sourceZip('x') },
    { build: { queue: 'a' } },
  ]) {
    expect(await server.submit({ ...other, headers })).toMatchObject({
      status: 409,
      body: { reason: 'idempotency_mismatch' },
    });
  }
  expect((await server.call('GET', `/v1/builds/${first.body['id']}`)).text).toBe(before);
  expect((await server.blobs.list('builds/')).length).toBe(files);
});

test('ten of the same at once make one build', async () => {
  const headers = newKey();
  const rows = await countBuilds();
  const answers = await Promise.all(Array.from({ length: 10 }, () => server.submit({ headers })));
  expect(new Set(answers.map((answer) => answer.body['id'])).size).toBe(1);
  expect(await countBuilds()).toBe(rows + 1);
});

test('row 15: a client that went after the commit gets the first answer when it asks again', async () => {
  const headers = newKey();
  const body = formBody([
    { name: 'source', fileName: 's', value: sourceZip('gone') },
    { name: 'build', value: '{"queue":"gone"}' },
  ]);
  const rows = await countBuilds();
  const raw = new RawRequest(server.url);
  const committed = new Promise<void>((resolve) => {
    using _ = { [Symbol.dispose]: () => undefined };
    const armed = arm('submit.committed', () => {
      armed[Symbol.dispose]();
      raw.cut();
      resolve();
    });
  });
  await raw.head('POST', '/v1/builds', {
    authorization: `Bearer ${server.key}`,
    'content-type': formType,
    'content-length': body.length,
    ...headers,
  });
  await raw.send(body);
  await committed;
  const again = await server.call('POST', '/v1/builds', { body, headers: { 'content-type': formType, ...headers } });
  expect(again).toMatchObject({ status: 201, body: { queue: 'gone' } });
  expect(await countBuilds()).toBe(rows + 1);
});

test('as JSON: the content of an upload counts, not its id; a used one is no obstacle to a repeat', async () => {
  const upload = async (): Promise<string> => {
    const bytes = sourceZip('json');
    const { body } = await server.call('POST', '/v1/uploads', { body: { purpose: 'source', sizeBytes: bytes.length } });
    await server.call('PATCH', `/v1/uploads/${body['id']}`, {
      body: bytes,
      headers: { 'content-type': 'application/offset+octet-stream', 'upload-offset': '0' },
    });
    await server.call('POST', `/v1/uploads/${body['id']}/complete`, { body: {} });
    return body['id'];
  };
  const headers = newKey();
  const [one, two] = [await upload(), await upload()];
  const submit = (uploadId: string) => server.call('POST', '/v1/builds', { body: { source: { uploadId } }, headers });
  const first = await submit(one);
  expect(first.status).toBe(201);
  expect((await submit(one)).body).toEqual(first.body);
  expect((await submit(two)).body).toEqual(first.body);
  expect(
    await server.call('POST', '/v1/builds', { body: { source: { uploadId: two }, queue: 'other' }, headers }),
  ).toMatchObject({ status: 409, body: { reason: 'idempotency_mismatch' } });
});

test('retry, upload and bulk are repeated, not done again', async () => {
  const build = await server.submitted();
  await server.call('POST', `/v1/builds/${build.id}/cancel`, { body: {} });
  for (const [path, body] of [
    [`/v1/builds/${build.id}/retry`, { priority: 3 }],
    ['/v1/uploads', { purpose: 'source', sizeBytes: 10 }],
    ['/v1/builds/bulk', { action: 'addTags', ids: [build.id], tags: { a: 'b' } }],
  ] as const) {
    const headers = newKey();
    const first = await server.call('POST', path, { body, headers });
    expect(first.status).toBeLessThan(300);
    expect((await server.call('POST', path, { body, headers })).text).toBe(first.text);
    expect((await server.call('POST', path, { body: { ...body, extra: 1 }, headers })).status).toBe(400);
  }
});

test('one key for the retries of two builds is a mismatch, not the first answer', async () => {
  const ids = [(await server.submitted()).id, (await server.submitted()).id];
  for (const id of ids) await server.call('POST', `/v1/builds/${id}/cancel`, { body: {} });
  const headers = newKey();
  const retry = (id = ''): ReturnType<BuildsServer['call']> =>
    server.call('POST', `/v1/builds/${id}/retry`, { body: {}, headers });
  expect((await retry(ids[0])).status).toBe(201);
  expect(await retry(ids[1])).toMatchObject({ status: 409, body: { reason: 'idempotency_mismatch' } });
});

test('a key of another project is another key', async () => {
  const headers = newKey();
  const token = await server.keyWith(['builds:operate'], await server.project());
  const [mine, theirs] = [await server.submit({ headers }), await server.submit({ headers, token })];
  expect(theirs.body['id']).not.toBe(mine.body['id']);
});
