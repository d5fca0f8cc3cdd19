import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { arm } from '#kernel/base';
import { sql } from '#kernel/db';
import { type Answered, type BuildsServer, buildsServer, sourceZip } from '#test/builds-server';
import { testDatabase } from '#test/database';
import { RawRequest } from '#test/raw-http';
import { certsZip } from '#test/tiny-zip';
import { until } from '#test/until';

const database = await testDatabase();
let server: BuildsServer;
beforeAll(async () => {
  server = await buildsServer(database, { chunkBytesMax: 2 ** 20 });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const chunkType = 'application/offset+octet-stream';
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
/** An archive of `bytes` bytes that no compression helps. */
const bigSource = (bytes: number): Buffer => Buffer.concat([Buffer.from('1f8b0800', 'hex'), randomBytes(bytes - 4)]);

async function open(sizeBytes: number, more: object = {}): Promise<string> {
  const { status, body, text } = await server.call('POST', '/v1/uploads', {
    body: { purpose: 'source', sizeBytes, ...more },
  });
  if (status !== 201) throw new Error(text);
  return body['id'];
}
const patch = (
  id: string,
  offset: number,
  bytes: Uint8Array,
  headers: Record<string, string> = {},
): Promise<Answered> =>
  server.call('PATCH', `/v1/uploads/${id}`, {
    body: bytes,
    headers: { 'content-type': chunkType, 'upload-offset': String(offset), ...headers },
  });
const offsetOf = async (id: string): Promise<number> =>
  Number((await server.call('HEAD', `/v1/uploads/${id}`)).headers.get('upload-offset'));
const complete = (id: string, body: object = {}): Promise<Answered> =>
  server.call('POST', `/v1/uploads/${id}/complete`, { body });
async function uploaded(bytes: Uint8Array, more: object = {}): Promise<string> {
  const id = await open(bytes.length, more);
  expect((await patch(id, 0, bytes)).status).toBe(204);
  expect((await complete(id)).status).toBe(200);
  return id;
}
/** Starts a chunk by hand and leaves it half sent; the server is writing it. */
async function halfChunk(id: string, offset: number, bytes: Uint8Array, sent: number): Promise<RawRequest> {
  const raw = new RawRequest(server.url);
  const writing = new Promise<void>((resolve) => {
    const point = arm('chunk.half', () => {
      point[Symbol.dispose]();
      resolve();
    });
  });
  await raw.head('PATCH', `/v1/uploads/${id}`, {
    authorization: `Bearer ${server.key}`,
    'content-type': chunkType,
    'upload-offset': offset,
    'content-length': bytes.length,
  });
  await raw.send(bytes.subarray(0, sent));
  await writing;
  return raw;
}

/** Asks with an offset that is never right, so that asking changes nothing. */
const refusal = async (id: string): Promise<string> => (await patch(id, 1, Buffer.from('x'))).body['reason'];
const idle = (id: string): Promise<void> => until(async () => (await refusal(id)) === 'offset_mismatch');

describe('an upload', () => {
  test('submit-resumable-after-cut: three pieces, one cut between, one build of exactly those bytes', async () => {
    const source = bigSource(700_000);
    const opened = await server.call('POST', '/v1/uploads', {
      body: { purpose: 'source', sizeBytes: source.length, sha256: sha256(source) },
    });
    expect(opened).toMatchObject({
      status: 201,
      body: { purpose: 'source', state: 'open', offset: 0, sizeBytes: 700_000, chunkBytesMax: 2 ** 20 },
    });
    const id: string = opened.body['id'];
    const first = await patch(id, 0, source.subarray(0, 200_000));
    expect([first.status, first.headers.get('upload-offset')]).toEqual([204, '200000']);

    const raw = await halfChunk(id, 200_000, source.subarray(200_000), 150_000);
    expect(await refusal(id)).toBe('upload_busy');
    raw.cut();
    await idle(id);
    const offset = await offsetOf(id);
    expect(offset).toBeGreaterThan(200_000);
    expect(offset).toBeLessThanOrEqual(350_000);

    expect((await complete(id)).body).toMatchObject({ reason: 'upload_incomplete', offset });
    expect((await patch(id, offset, source.subarray(offset))).status).toBe(204);
    const done = await complete(id, { sha256: sha256(source) });
    expect(done).toMatchObject({ status: 200, body: { sha256: sha256(source), sizeBytes: 700_000 } });
    expect(await complete(id)).toMatchObject({ status: 200, body: done.body });

    const built = await server.call('POST', '/v1/builds', {
      body: { source: { uploadId: id }, requires: { big: 'disk' } },
    });
    expect(built).toMatchObject({
      status: 201,
      body: { source: { sha256: sha256(source), sizeBytes: 700_000, format: 'tar.gz' } },
    });
    const download = await fetch(`${server.url}/v1/builds/${built.body['id']}/source`, {
      headers: { authorization: `Bearer ${server.key}` },
    });
    expect(sha256(Buffer.from(await download.arrayBuffer()))).toBe(sha256(source));
  });

  test('a bundle lies encrypted on disk from its first byte, and its build can be read by nobody but its holder', async () => {
    const zip = certsZip('a-secret-password');
    const id = await open(zip.length, { purpose: 'certs' });
    await patch(id, 0, zip.subarray(0, 50));
    await patch(id, 50, zip.subarray(50));
    const staged = await onDisk();
    expect(staged.length).toBeGreaterThan(zip.length - 1);
    expect(staged.includes(Buffer.from('a-secret-password'))).toBe(false);
    expect(staged.includes(zip.subarray(0, 30))).toBe(false);
    expect(await complete(id)).toMatchObject({ status: 200, body: { sha256: sha256(zip) } });
    const sealed = await onDisk();
    expect(sealed.includes(Buffer.from('a-secret-password'))).toBe(false);

    const built = await server.call('POST', '/v1/builds', {
      body: { source: { uploadId: await uploaded(sourceZip()) }, certs: { uploadId: id }, requires: { certs: 'here' } },
    });
    expect(built).toMatchObject({ status: 201, body: { certs: true } });
    const worker = await server.worker({ labels: { certs: 'here' } });
    const { token, buildId } = await worker.claim();
    expect((await server.call('GET', `/v1/builds/${buildId}/certs`, { token })).body).toMatchObject({
      p12Password: 'a-secret-password',
    });
  });

  test('DELETE forgets it', async () => {
    await server.blobs.sweepStaging(-1);
    const id = await open(100);
    await patch(id, 0, Buffer.alloc(50));
    expect((await server.call('DELETE', `/v1/uploads/${id}`)).status).toBe(204);
    expect((await server.call('HEAD', `/v1/uploads/${id}`)).status).toBe(404);
    expect(await server.blobs.sweepStaging(-1)).toMatchObject({ removed: 0 });
  });

  test('at most so many are open, exactly, also at once; a finished one gives its place back', async () => {
    const full = await buildsServer(database, { uploadsOpenMax: 3 });
    try {
      const token = await full.keyWith(['builds:operate'], await full.project());
      const body = { purpose: 'source', sizeBytes: 4 };
      const opened = await Promise.all(
        Array.from({ length: 8 }, () => full.call('POST', '/v1/uploads', { token, body })),
      );
      expect(opened.filter((answer) => answer.status === 201)).toHaveLength(3);
      expect(opened.find((answer) => answer.status !== 201)).toMatchObject({
        status: 429,
        body: { reason: 'uploads_full' },
      });
      const id = opened.find((answer) => answer.status === 201)?.body['id'];
      await full.call('DELETE', `/v1/uploads/${id}`, { token });
      expect((await full.call('POST', '/v1/uploads', { token, body })).status).toBe(201);
    } finally {
      await full[Symbol.asyncDispose]();
    }
  });

  test('a worker may upload artifacts only, and sees its own uploads only', async () => {
    const worker = await server.worker();
    const { token } = worker;
    expect(
      await server.call('POST', '/v1/uploads', { token, body: { purpose: 'source', sizeBytes: 5 } }),
    ).toMatchObject({ status: 403 });
    const mine = await server.call('POST', '/v1/uploads', { token, body: { purpose: 'artifact', sizeBytes: 5 } });
    expect(mine.status).toBe(201);
    const other = await server.worker();
    expect((await server.call('GET', `/v1/uploads/${mine.body['id']}`, { token: other.token })).status).toBe(404);
    expect((await server.call('GET', `/v1/uploads/${mine.body['id']}`, { token })).status).toBe(200);
  });

  async function onDisk(): Promise<Buffer> {
    const names = await readdir(server.blobsFolder, { recursive: true, withFileTypes: true });
    return Buffer.concat(
      await Promise.all(
        names.filter((entry) => entry.isFile()).map((entry) => readFile(join(entry.parentPath, entry.name))),
      ),
    );
  }
});

describe('bad input (§6)', () => {
  test('row 14: a client that goes mid-chunk keeps what was synced', async () => {
    const bytes = bigSource(400_000);
    const id = await open(bytes.length);
    const raw = await halfChunk(id, 0, bytes, 300_000);
    expect(await refusal(id)).toBe('upload_busy');
    raw.cut();
    await idle(id);
    expect(await offsetOf(id)).toBeGreaterThan(0);
  });

  test('row 16: a stalled sender is given up, and the offset is kept', async () => {
    const bytes = bigSource(100_000);
    const id = await open(bytes.length);
    using raw = await halfChunk(id, 0, bytes, 60_000);
    expect(await raw.answer()).toMatchObject({ status: 400, text: expect.stringContaining('upload_stalled') });
    expect(await offsetOf(id)).toBe(60_000);
    expect((await patch(id, 60_000, bytes.subarray(60_000))).status).toBe(204);
    expect(await complete(id)).toMatchObject({ status: 200, body: { sha256: sha256(bytes) } });
  });

  test('row 17: a chunk at a wrong offset says the right one', async () => {
    const id = await open(100);
    await patch(id, 0, Buffer.alloc(40));
    expect(await patch(id, 0, Buffer.alloc(40))).toMatchObject({
      status: 409,
      body: { reason: 'offset_mismatch', offset: 40 },
    });
    expect(await patch(id, 41, Buffer.alloc(10))).toMatchObject({ status: 409, body: { offset: 40 } });
    expect((await patch(id, 40, Buffer.alloc(60))).status).toBe(204);
  });

  test('row 18: the second of two at once is told so, the first is not harmed', async () => {
    const bytes = bigSource(300_000);
    const id = await open(bytes.length);
    using raw = await halfChunk(id, 0, bytes, 100_000);
    expect(await refusal(id)).toBe('upload_busy');
    expect(await patch(id, 0, bytes)).toMatchObject({ status: 409, body: { reason: 'upload_busy' } });
    expect(await complete(id)).toMatchObject({ status: 409, body: { reason: 'upload_busy' } });
    expect(await server.call('DELETE', `/v1/uploads/${id}`)).toMatchObject({
      status: 409,
      body: { reason: 'upload_busy' },
    });
    await raw.send(bytes.subarray(100_000));
    expect(await raw.answer()).toMatchObject({ status: 204 });
    expect(await complete(id)).toMatchObject({ status: 200, body: { sha256: sha256(bytes) } });
  });

  test('row 19: bytes past the size are not stored', async () => {
    const bytes = bigSource(1_000);
    const id = await open(bytes.length);
    expect(await patch(id, 0, Buffer.concat([bytes, Buffer.from('more')]))).toMatchObject({
      status: 400,
      body: { reason: 'size_exceeded' },
    });
    expect(await offsetOf(id)).toBe(1_000);
    expect(await complete(id)).toMatchObject({ status: 200, body: { sha256: sha256(bytes) } });
  });

  test('row 20: another digest than promised removes the upload', async () => {
    await server.blobs.sweepStaging(-1);
    for (const promise of ['at open', 'at complete']) {
      const wrong = 'a'.repeat(64);
      const id = await open(10, promise === 'at open' ? { sha256: wrong } : {});
      await patch(id, 0, bigSource(10));
      expect(await complete(id, promise === 'at open' ? {} : { sha256: wrong })).toMatchObject({
        status: 400,
        body: { reason: 'digest_mismatch' },
      });
      expect((await server.call('HEAD', `/v1/uploads/${id}`)).status).toBe(404);
    }
    expect(await server.blobs.sweepStaging(-1)).toMatchObject({ removed: 0 });
  });

  test('row 21: unknown, expired, of another project: 404; used: 409', async () => {
    const source = sourceZip();
    const id = await uploaded(source);
    const submit = (uploadId: string, token?: string) =>
      server.call('POST', '/v1/builds', { body: { source: { uploadId } }, ...(token ? { token } : {}) });
    expect(await submit('upl_00000000000000000000000000')).toMatchObject({
      status: 404,
      body: { reason: 'no_such_upload' },
    });
    const stranger = await server.keyWith(['builds:operate'], await server.project());
    expect((await submit(id, stranger)).status).toBe(404);
    expect((await server.call('GET', `/v1/uploads/${id}`, { token: stranger })).status).toBe(404);
    expect((await patch(id, source.length, Buffer.alloc(0))).body).toMatchObject({ reason: 'upload_complete' });
    expect((await submit(id)).status).toBe(201);
    expect(await submit(id)).toMatchObject({ status: 409, body: { reason: 'upload_used' } });
    expect(await complete(id)).toMatchObject({ status: 409, body: { reason: 'upload_used' } });
    expect(await server.call('DELETE', `/v1/uploads/${id}`)).toMatchObject({
      status: 409,
      body: { reason: 'upload_used' },
    });

    const late = await uploaded(source);
    await server.db.query(sql`update build_uploads set expires_at = now() where id = ${late}`);
    expect((await submit(late)).status).toBe(404);
    const unfinished = await open(10);
    expect((await submit(unfinished)).status).toBe(404);
  });

  test('one upload, five submits at once: one build', async () => {
    const id = await uploaded(sourceZip());
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => server.call('POST', '/v1/builds', { body: { source: { uploadId: id } } })),
    );
    expect(answers.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([201, 409, 409, 409, 409]);
  });

  test('sizes over the limit of their purpose are 413; a chunk over its limit too', async () => {
    for (const [purpose, sizeBytes] of [
      ['source', 501 * 2 ** 20],
      ['certs', 11 * 2 ** 20],
      ['artifact', 2 ** 30 + 1],
    ] as const) {
      expect(await server.call('POST', '/v1/uploads', { body: { purpose, sizeBytes } })).toMatchObject({
        status: 413,
        body: { reason: `${purpose}_too_large` },
      });
    }
    const id = await open(3 * 2 ** 20);
    expect((await patch(id, 0, Buffer.alloc(2 ** 20 + 1))).status).toBe(413);
  });

  test('a chunk says its offset and its type', async () => {
    const id = await open(10);
    expect((await patch(id, 0, Buffer.alloc(1), { 'content-type': 'text/plain' })).status).toBe(415);
    expect(await patch(id, 0, Buffer.alloc(1), { 'upload-offset': '-1' })).toMatchObject({
      status: 400,
      body: { reason: 'bad_offset' },
    });
  });

  test('a source that is no archive, a bundle that is none: refused at completion and removed', async () => {
    const files = (await server.blobs.list('builds/')).length;
    const text = await open(5);
    await patch(text, 0, Buffer.from('hello'));
    expect(await complete(text)).toMatchObject({ status: 400, body: { reason: 'source_format' } });
    const bundle = await open(5, { purpose: 'certs' });
    await patch(bundle, 0, Buffer.from('hello'));
    expect(await complete(bundle)).toMatchObject({ status: 400, body: { reason: 'certs_invalid' } });
    expect((await server.blobs.list('builds/')).length).toBe(files);
  });
});
