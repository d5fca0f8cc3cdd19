import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { arm, newId } from '#kernel/base';
import { type BlobStore, openS3Blobs, putBlob } from '#kernel/blobs';
import { type FakeS3, fakeS3 } from '#test/fake-s3';
import { blobStoreContract } from './blob-store.ts';

const open = ({ endpoint, bucket, credentials }: FakeS3, prefix = 'muster/'): Promise<BlobStore> =>
  openS3Blobs({ endpoint, bucket, credentials, region: 'us-east-1', prefix });

blobStoreContract('s3', async () => {
  const fake = await fakeS3();
  return {
    open: () => open(fake),
    corrupt: (key) => {
      fake.objects.get(`muster/data/${key}`)!.body[1000]! ^= 1;
      return Promise.resolve();
    },
    close: async () => fake[Symbol.asyncDispose](),
  };
});

describe('s3 only', async () => {
  const fake = await fakeS3();
  const store = await open(fake, '');
  afterAll(async () => {
    await store[Symbol.asyncDispose]();
    await fake[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    Object.assign(fake, { fault: () => undefined, slow: false });
    fake.requests.length = 0;
    fake.objects.clear();
    fake.uploads.clear();
  });
  const MB = 1024 * 1024;
  const key = (): string => `t/${newId('blob')}`;
  async function* pieces(bytes: Buffer, size = 300_000): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }

  it('sends a small blob in one request, a big one in parts', async () => {
    await putBlob(store, key(), pieces(randomBytes(MB)), MB);
    expect(fake.requests.map((line) => line.split(' ')[0])).toEqual(['PUT']);
    fake.requests.length = 0;
    await putBlob(store, key(), pieces(randomBytes(20 * MB)), 20 * MB);
    expect(fake.requests.filter((line) => line.includes('partNumber'))).toHaveLength(3);
    expect(fake.uploads.size).toBe(0);
  });

  it('aborts the upload when a part fails for good, and tries again when it fails once', async () => {
    let failures = 1;
    fake.fault = (line) =>
      line.includes('partNumber=2') && failures-- > 0 ? { status: 503, code: 'SlowDown' } : undefined;
    await putBlob(store, key(), pieces(randomBytes(20 * MB)), 20 * MB);
    failures = 99;
    const failed = putBlob(store, key(), pieces(randomBytes(20 * MB)), 20 * MB);
    await expect(failed).rejects.toMatchObject({ code: 'unavailable', reason: 'storage_error', retryAfterMs: 5000 });
    expect(fake.uploads.size).toBe(0);
  });

  it.each([
    ['disk_full', { status: 507, code: 'XMinioStorageFull' }],
    ['storage_error', { status: 403, code: 'AccessDenied' }],
    ['storage_error', 'cut' as const],
  ])('says %s for %j', async (reason, fault) => {
    fake.fault = () => fault;
    const said = { code: 'unavailable', reason };
    await expect(putBlob(store, key(), pieces(randomBytes(10)), 10)).rejects.toMatchObject(said);
    await expect(store.read(key())).rejects.toMatchObject(said);
    await expect(store.stat(key())).rejects.toMatchObject(said);
    await expect(store.list('t/')).rejects.toMatchObject(said);
    await expect(store.remove(key())).rejects.toMatchObject(said);
    await expect((await store.resumable(key())).offset()).rejects.toMatchObject(said);
  });

  it('reads from a slow store at its pace', async () => {
    const k = key();
    const bytes = randomBytes(2 * MB);
    await putBlob(store, k, pieces(bytes), bytes.length);
    fake.slow = true;
    expect((await buffer(await store.read(k))).equals(bytes)).toBe(true);
  });

  it.each(['blob.appended', 'blob.staged', 'blob.renamed'])(
    'is right after a stop at %s of a resumable blob',
    async (point) => {
      const k = key();
      const bytes = randomBytes(19 * MB);
      const send = async (on: BlobStore, from: number, to: number): Promise<number> =>
        (await (await on.resumable(k)).append(pieces(bytes.subarray(from, to)), bytes.length)).offset;
      expect(await send(store, 0, 9 * MB)).toBe(9 * MB);
      {
        using _stop = arm(point, () => Promise.reject(new Error('killed')));
        const work = async (): Promise<unknown> => {
          await send(store, 9 * MB, bytes.length);
          return (await store.resumable(k)).finish();
        };
        await expect(work()).rejects.toThrow('killed');
      }
      const restarted = await open(fake, '');
      const offset = await (await restarted.resumable(k)).offset();
      expect(offset).toBeGreaterThanOrEqual(9 * MB);
      if (offset < bytes.length) await send(restarted, offset, bytes.length);
      const facts = await (await restarted.resumable(k)).finish();
      expect(facts.bytes).toBe(bytes.length);
      expect((await buffer(await restarted.read(k))).equals(bytes)).toBe(true);
      expect(fake.uploads.size).toBe(0);
      expect([...fake.objects.keys()].filter((name) => name.startsWith('tmp/'))).toEqual([]);
      await restarted[Symbol.asyncDispose]();
    },
  );

  it('goes on after a finish that was cut off between its last part and its end', async () => {
    const k = key();
    const bytes = randomBytes(9 * MB);
    const part = await store.resumable(k);
    await part.append(pieces(bytes.subarray(0, 8.5 * MB)), bytes.length);
    fake.fault = (line) => (line.startsWith('POST') ? { status: 400, code: 'Nope' } : undefined);
    await expect(part.finish()).rejects.toMatchObject({ reason: 'storage_error' });
    fake.fault = () => undefined;
    expect(await part.offset()).toBe(8.5 * MB);
    await part.append(pieces(bytes.subarray(8.5 * MB)), bytes.length);
    await part.finish();
    expect((await buffer(await store.read(k))).equals(bytes)).toBe(true);
  });

  it('sweeps uploads that a dead process left, not those of a writer at work', async () => {
    await using writer = await store.create(key());
    await writer.write(randomBytes(9 * MB));
    fake.uploads.set('dead', { key: 'data/t/dead', parts: new Map(), at: Date.now() - 25 * 3_600_000 });
    fake.uploads.set('young', { key: 'data/t/young', parts: new Map(), at: Date.now() - 3_600_000 });
    for (const upload of fake.uploads.values()) if (upload.key !== 'data/t/young') upload.at = 0;
    expect((await store.sweepStaging(3_600_000)).removed).toBe(1);
    expect([...fake.uploads.keys()].includes('dead')).toBe(false);
    expect(fake.uploads.size).toBe(2);
    expect((await writer.commit()).bytes).toBe(9 * MB);
  });
});
