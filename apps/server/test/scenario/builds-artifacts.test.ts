import { createHash, randomBytes } from 'node:crypto';
import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '#kernel/db';
import { type Answered, type Attempt, type BuildsServer, buildsServer, type TestWorker } from '#test/builds-server';
import { testDatabase } from '#test/database';
import { RawRequest } from '#test/raw-http';
import { until } from '#test/until';

const database = await testDatabase();
let server: BuildsServer;
let worker: TestWorker;
beforeAll(async () => {
  server = await buildsServer(database, { artifactBytesMax: 2 ** 20, artifactsBytesMax: 3 * 2 ** 20 });
  worker = await server.worker({ seats: 32 });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const digestHeader = (bytes: Uint8Array): string => `sha-256=:${createHash('sha256').update(bytes).digest('base64')}:`;

async function held(): Promise<Attempt> {
  await server.submitted();
  return await worker.claim();
}
const put = (
  { buildId, term, token }: Attempt,
  name: string,
  body: Uint8Array,
  headers: Record<string, string> = {},
): Promise<Answered> =>
  server.call('PUT', `/v1/builds/${buildId}/artifacts/${name}?term=${term}`, {
    body,
    token,
    headers: { 'content-type': 'application/gzip', ...headers },
  });
async function stored(bytes: Uint8Array, name = 'app.tgz'): Promise<Attempt & { path: string }> {
  const attempt = await held();
  expect((await put(attempt, name, bytes)).status).toBe(201);
  return { ...attempt, path: `/v1/builds/${attempt.buildId}/artifacts/${name}` };
}
const get = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> =>
  fetch(`${server.url}${path}`, { method, headers: { authorization: `Bearer ${server.key}`, ...headers } });
const bytesOf = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer());
const blobOf = async (buildId: string): Promise<string> => {
  const [row] = await server.db.query<{ blob: string }>(
    sql`select blob from build_artifacts where build_id = ${buildId}`,
  );
  return row?.blob ?? '';
};
async function fileOf(blob: string): Promise<string> {
  const names = await readdir(server.blobsFolder, { recursive: true, withFileTypes: true });
  const found = names.find((entry) => entry.isFile() && entry.name.includes(blob.slice(-26)));
  if (!found) throw new Error(`no file for ${blob}`);
  return join(found.parentPath, found.name);
}

describe('an artifact', () => {
  test('is stored once, listed, downloaded by readers, and costs what was sent', async () => {
    const bytes = randomBytes(300_000);
    const attempt = await held();
    const first = await put(attempt, 'app-1.0.tgz', bytes, { 'content-digest': digestHeader(bytes) });
    expect(first).toMatchObject({
      status: 201,
      body: {
        name: 'app-1.0.tgz',
        term: 1,
        sizeBytes: 300_000,
        sha256: sha256(bytes),
        contentType: 'application/gzip',
        primary: false,
        available: true,
      },
    });
    expect(await put(attempt, 'app-1.0.tgz', bytes)).toMatchObject({ status: 200, body: { id: first.body['id'] } });
    expect(await put(attempt, 'app-1.0.tgz', randomBytes(10))).toMatchObject({
      status: 409,
      body: { reason: 'artifact_differs' },
    });
    expect((await server.blobs.list('builds/artifact/')).length).toBe(1);
    await worker.finish(attempt, [first.body['id']]);

    const download = await get(`/v1/builds/${attempt.buildId}/artifacts/app-1.0.tgz`);
    expect(download.status).toBe(200);
    expect(Object.fromEntries(download.headers)).toMatchObject({
      'content-length': '300000',
      etag: `"sha256-${sha256(bytes)}"`,
      'accept-ranges': 'bytes',
      'content-disposition': 'attachment; filename="app-1.0.tgz"',
      'x-content-type-options': 'nosniff',
    });
    expect(sha256(await bytesOf(download))).toBe(sha256(bytes));
    const build = async (): Promise<Answered['body']> =>
      (await server.call('GET', `/v1/builds/${attempt.buildId}`)).body;
    await until(async () => (await build())['cost'].sentBytes === 300_000);
    expect(await build()).toMatchObject({ state: 'succeeded', artifacts: [{ name: 'app-1.0.tgz', primary: true }] });
    expect((await build())['cost'].storedBytes).toBeGreaterThan(300_000);
    expect(
      await server.db.query(
        sql`select quantity::int from usage_entries where meter = 'build.transfer' and source = ${`build:${attempt.buildId}`}`,
      ),
    ).toEqual([{ quantity: 300_000 }]);
  });

  test('from an upload: the same row, however often it is said', async () => {
    const bytes = randomBytes(50_000);
    const { buildId, term, token } = await held();
    const upload = await server.call('POST', '/v1/uploads', {
      token,
      body: { purpose: 'artifact', sizeBytes: bytes.length },
    });
    const uploadId: string = upload.body['id'];
    await server.call('PATCH', `/v1/uploads/${uploadId}`, {
      token,
      body: bytes,
      headers: { 'content-type': 'application/offset+octet-stream', 'upload-offset': '0' },
    });
    await server.call('POST', `/v1/uploads/${uploadId}/complete`, { token, body: { sha256: sha256(bytes) } });
    const add = (): Promise<Answered> =>
      server.call('POST', `/v1/builds/${buildId}/artifacts`, { token, body: { uploadId, name: 'x.bin', term } });
    const first = await add();
    expect(first).toMatchObject({ status: 201, body: { name: 'x.bin', sha256: sha256(bytes) } });
    expect(await add()).toMatchObject({ status: 200, body: { id: first.body['id'] } });
    expect(await bytesOf(await get(`/v1/builds/${buildId}/artifacts/x.bin`))).toEqual(bytes);
  });

  test('of a second attempt may have the same name; the newest successful one is what download gives', async () => {
    const attempt = await stored(Buffer.from('first try'), 'out.txt');
    await server.call('POST', `/v1/workers/me/builds/${attempt.buildId}/abandon`, {
      token: worker.token,
      body: { term: 1, reason: 'test' },
    });
    const other = await server.worker();
    const again = await other.claim();
    expect([again.buildId, again.term]).toEqual([attempt.buildId, 2]);
    expect((await put(attempt, 'late.txt', Buffer.from('x'))).body).toMatchObject({ reason: 'stale_term', term: 2 });
    const second = await put(again, 'out.txt', Buffer.from('second try'));
    expect(second.status).toBe(201);
    await other.finish(again, [second.body['id']]);
    expect((await bytesOf(await get(attempt.path))).toString()).toBe('second try');
    expect((await bytesOf(await get(`${attempt.path}?term=1`))).toString()).toBe('first try');
  });

  test('only the holder stores: not a key, not another worker, not after the end', async () => {
    const attempt = await held();
    const url = `/v1/builds/${attempt.buildId}/artifacts/x?term=1`;
    const other = await server.worker();
    for (const token of [server.key, other.token]) {
      expect(await server.call('PUT', url, { body: 'x', token })).toMatchObject({
        status: 403,
        body: { reason: 'not_holder' },
      });
    }
    const { accessToken } = await server.submitted({ build: { requires: { nobody: 'has' } } });
    expect((await server.call('PUT', url, { body: 'x', token: accessToken })).status).toBe(403);
    expect(
      (await server.call('PUT', url.replace('term=1', 'term=2'), { body: 'x', token: attempt.token })).body,
    ).toMatchObject({ reason: 'stale_term' });
    await server.call('POST', `/v1/workers/me/builds/${attempt.buildId}/fail`, {
      token: worker.token,
      body: { term: 1, failure: { code: 'command_failed', detail: 'x' } },
    });
    expect((await server.call('PUT', url, { body: 'x', token: worker.token })).body).toMatchObject({
      reason: 'finished',
    });
  });

  test('64 per build and so many bytes together, no more', async () => {
    const attempt = await held();
    for (let n = 0; n < 64; n++) expect((await put(attempt, `f${n}`, Buffer.from(String(n)))).text).toContain('art_');
    expect(await put(attempt, 'f64', Buffer.from('x'))).toMatchObject({
      status: 429,
      body: { reason: 'artifacts_full' },
    });
    const big = await held();
    for (let n = 0; n < 3; n++) expect((await put(big, `f${n}`, Buffer.alloc(2 ** 20, n))).text).toContain('art_');
    expect(await put(big, 'f3', Buffer.from('x'))).toMatchObject({ status: 429, body: { reason: 'artifacts_full' } });
  });
});

describe('range-and-etag', () => {
  const bytes = randomBytes(100_000);
  let path = '';
  const etag = `"sha256-${sha256(bytes)}"`;
  beforeAll(async () => {
    ({ path } = await stored(bytes));
  });

  test.each([
    ['bytes=0-99', 0, 100],
    ['bytes=99999-', 99_999, 100_000],
    ['bytes=-10', 99_990, 100_000],
    ['bytes=50000-999999', 50_000, 100_000],
  ])('%s is that part', async (range, start, end) => {
    const part = await get(path, { range });
    expect([part.status, part.headers.get('content-range'), part.headers.get('content-length')]).toEqual([
      206,
      `bytes ${start}-${end - 1}/100000`,
      String(end - start),
    ]);
    expect(await bytesOf(part)).toEqual(bytes.subarray(start, end));
  });

  test('If-None-Match is 304 without a body, If-Range of another version gives the whole', async () => {
    const same = await get(path, { 'if-none-match': etag });
    expect([same.status, (await bytesOf(same)).length, same.headers.get('etag')]).toEqual([304, 0, etag]);
    expect((await get(path, { 'if-range': etag, range: 'bytes=0-9' })).status).toBe(206);
    const other = await get(path, { 'if-range': '"sha256-old"', range: 'bytes=0-9' });
    expect([other.status, (await bytesOf(other)).length]).toEqual([200, 100_000]);
    expect((await get(path, { range: 'bytes=0-1,5-6' })).status).toBe(200);
  });

  test('HEAD says everything and sends nothing', async () => {
    const head = await get(path, {}, 'HEAD');
    expect([
      head.status,
      head.headers.get('content-length'),
      head.headers.get('etag'),
      head.headers.get('accept-ranges'),
    ]).toEqual([200, '100000', etag, 'bytes']);
    expect((await bytesOf(head)).length).toBe(0);
    expect((await get(path, { range: 'bytes=0-9' }, 'HEAD')).headers.get('content-length')).toBe('10');
  });
});

describe('bad input (§6)', () => {
  test('row 28: a range outside the file is 416 and says the size', async () => {
    const { path } = await stored(Buffer.from('0123456789'));
    for (const range of ['bytes=10-', 'bytes=10-20', 'bytes=-0']) {
      const answer = await get(path, { range });
      expect([answer.status, answer.headers.get('content-range')]).toEqual([416, 'bytes */10']);
      expect(await answer.json()).toMatchObject({ reason: 'range_outside', bytes: 10 });
    }
  });

  test('row 29: a file that is gone is 404 artifact_gone and counted; its row stays', async () => {
    const { path, buildId } = await stored(Buffer.from('soon gone'));
    await rm(await fileOf(await blobOf(buildId)));
    const before = await server.metric('muster_builds_artifact_gone_total');
    for (const method of ['GET', 'HEAD']) expect((await get(path, {}, method)).status).toBe(404);
    expect(await (await get(path)).json()).toMatchObject({ reason: 'artifact_gone' });
    expect(await server.metric('muster_builds_artifact_gone_total')).toBe(before + 3);
    expect((await server.call('GET', `/v1/builds/${buildId}`)).body['artifacts']).toHaveLength(1);
  });

  test.each([20, 500_000])(
    'row 30: %d damaged bytes: the connection breaks before the last one, and it is counted',
    async (size) => {
      const bytes = randomBytes(size);
      const { path, buildId } = await stored(bytes);
      const file = await open(await fileOf(await blobOf(buildId)), 'r+');
      await file.write(Buffer.from([(bytes[3] ?? 0) ^ 1]), 0, 1, 3);
      await file.close();
      const before = await server.metric('muster_builds_blob_corrupt_total');
      using raw = new RawRequest(server.url);
      await raw.head('GET', path, { authorization: `Bearer ${server.key}`, connection: 'close' });
      await raw.closed();
      const { status, text } = await raw.answer();
      // A file of one chunk is found out before the head of the answer has left.
      expect([status, status === 500 || text.length < size]).toEqual([size === 20 ? 500 : 200, true]);
      expect(await server.metric('muster_builds_blob_corrupt_total')).toBe(before + 1);
      expect(server.complaints().some((line) => line.includes('blob_corrupt') && line.includes(buildId))).toBe(true);
    },
  );

  test.each(['.hidden', 'a%2Fb', '..', 'a b', 'x'.repeat(121), 'ümlaut'])(
    'row 54: the name %s is refused',
    async (name) => {
      const attempt = await held();
      const { status, body } = await put(attempt, encodeURIComponent(decodeURIComponent(name)), Buffer.from('x'));
      // A name of dots never reaches the route: the URL itself means something else.
      if (name === '..') expect(status).toBeGreaterThanOrEqual(400);
      else expect([status, body['reason']]).toEqual([400, 'bad_name']);
    },
  );

  test('row 55: an artifact over the limit is 413, declared or not, and leaves nothing', async () => {
    const attempt = await held();
    const files = (await server.blobs.list('builds/artifact/')).length;
    expect(await put(attempt, 'big', Buffer.alloc(2 ** 20 + 1))).toMatchObject({
      status: 413,
      body: { reason: 'artifact_too_large' },
    });
    using raw = new RawRequest(server.url);
    await raw.head('PUT', `/v1/builds/${attempt.buildId}/artifacts/big?term=1`, {
      authorization: `Bearer ${attempt.token}`,
      'transfer-encoding': 'chunked',
    });
    await raw.send(`${(2 ** 20 + 1).toString(16)}\r\n`);
    await raw.send(Buffer.alloc(2 ** 20 + 1));
    await raw.send('\r\n');
    expect(await raw.answer()).toMatchObject({ status: 413, text: expect.stringContaining('artifact_too_large') });
    expect((await server.blobs.list('builds/artifact/')).length).toBe(files);
    expect(await server.blobs.sweepStaging(-1)).toMatchObject({ removed: 0 });
  });

  test('row 20: an artifact with another digest than said is refused and removed', async () => {
    const attempt = await held();
    const files = (await server.blobs.list('builds/artifact/')).length;
    expect(
      await put(attempt, 'x', Buffer.from('x'), { 'content-digest': digestHeader(Buffer.from('y')) }),
    ).toMatchObject({ status: 400, body: { reason: 'digest_mismatch' } });
    expect(await put(attempt, 'x', Buffer.from('x'), { 'content-digest': 'sha-256=nonsense' })).toMatchObject({
      status: 400,
      body: { reason: 'bad_digest' },
    });
    expect((await server.blobs.list('builds/artifact/')).length).toBe(files);
  });

  test('an artifact nobody stored, a term nobody had', async () => {
    const { buildId, path } = await stored(Buffer.from('x'));
    expect((await get(`/v1/builds/${buildId}/artifacts/nope`)).status).toBe(404);
    expect((await get(`${path}?term=9`)).status).toBe(404);
    expect((await get(`${path}?term=x`)).status).toBe(400);
  });
});
