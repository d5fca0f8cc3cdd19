import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '#kernel/base';
import { type BlobStore, blobListMax, putBlob, verified } from '#kernel/blobs';
import { until } from '#test/until';

export type BlobStoreMaker = {
  /** Opens a store on the place given first, as a restarted process would. */
  open(): Promise<BlobStore>;
  /** Damages a stored blob behind the store's back. */
  corrupt(key: string): Promise<void>;
  close(): Promise<void>;
};

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const key = (): string => `test/${newId('blob')}`;
const MB = 1024 * 1024;

/** Copies: what a store is given is the store's, and its memory may be gone afterwards. */
async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield Uint8Array.from(bytes.subarray(at, at + size));
}

/** A source that breaks off after `bytes`, as a socket does. */
async function* cutAfter(bytes: Buffer, size = 64 * 1024): AsyncGenerator<Uint8Array> {
  yield* pieces(bytes, size);
  throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
}

/** What every blob store promises (blobs.ts). `make` is called once. */
export function blobStoreContract(name: string, make: () => Promise<BlobStoreMaker>): void {
  describe(`blob store: ${name}`, () => {
    let maker: BlobStoreMaker;
    let store: BlobStore;
    const bytesOf = async (k: string): Promise<Buffer> => buffer(await store.read(k));

    beforeAll(async () => {
      maker = await make();
      store = await maker.open();
    });
    afterAll(async () => {
      await store[Symbol.asyncDispose]();
      await maker.close();
    });

    describe('create', () => {
      it.each([0, 1, 65_536, 3 * MB + 17, 17 * MB + 3])('keeps %i bytes and says their sha256', async (size) => {
        const k = key();
        const bytes = randomBytes(size);
        const facts = await putBlob(store, k, pieces(bytes, 100_000), size);
        expect(facts).toEqual({ bytes: size, sha256: sha256(bytes) });
        expect(await store.stat(k)).toEqual({ bytes: size });
        expect((await bytesOf(k)).equals(bytes)).toBe(true);
      });

      it('shows nothing before commit', async () => {
        const k = key();
        await using writer = await store.create(k);
        await writer.write(Buffer.from('half'));
        expect(writer.bytes).toBe(4);
        expect(await store.stat(k)).toBeUndefined();
        await expect(store.read(k)).rejects.toMatchObject({ code: 'notFound', reason: 'blob_gone' });
        expect((await store.list(k)).length).toBe(0);
        await writer.commit();
        expect(await store.stat(k)).toEqual({ bytes: 4 });
      });

      it('leaves nothing behind without commit, and disposing twice is harmless', async () => {
        const k = key();
        const writer = await store.create(k);
        await writer.write(randomBytes(6 * MB));
        await writer[Symbol.asyncDispose]();
        await writer[Symbol.asyncDispose]();
        expect(await store.stat(k)).toBeUndefined();
        expect((await store.sweepStaging(0)).removed).toBe(0);
      });

      it('refuses more than bytesMax and keeps nothing', async () => {
        const k = key();
        await expect(putBlob(store, k, pieces(randomBytes(100), 10), 95)).rejects.toMatchObject({
          code: 'invalid',
          reason: 'size_exceeded',
          status: 413,
        });
        expect(await store.stat(k)).toBeUndefined();
      });

      it('leaves a refused Node stream for its owner', async () => {
        const source = Readable.from([randomBytes(10), randomBytes(10)], { objectMode: false });
        await expect(putBlob(store, key(), source, 5)).rejects.toMatchObject({ reason: 'size_exceeded' });
        expect(source.destroyed).toBe(false);
        source.resume();
        await new Promise((resolve) => source.once('end', resolve));
      });

      it('replaces a blob whole, and a reader of the old one still gets the old one', async () => {
        const k = key();
        const [old, young] = [randomBytes(2 * MB), randomBytes(1 * MB)];
        await putBlob(store, k, pieces(old, MB), old.length);
        const reading = await store.read(k);
        await putBlob(store, k, pieces(young, MB), young.length);
        expect(sha256(await buffer(reading))).toBe(sha256(old));
        expect(sha256(await bytesOf(k))).toBe(sha256(young));
      });

      it('writes many blobs at once', async () => {
        const all = Array.from({ length: 20 }, () => ({ k: key(), bytes: randomBytes(300_000) }));
        await Promise.all(all.map(({ k, bytes }) => putBlob(store, k, pieces(bytes, 65_536), bytes.length)));
        for (const { k, bytes } of all) expect(sha256(await bytesOf(k))).toBe(sha256(bytes));
      });
    });

    describe('read', () => {
      const bytes = randomBytes(700_001);
      const k = key();
      beforeAll(() => putBlob(store, k, pieces(bytes, 65_536), bytes.length));

      it.each([
        [0, 0],
        [0, 700_000],
        [5, 9],
        [300_000, 600_000],
        [700_000, 700_000],
        [699_999, 9_999_999],
      ])('gives the range %i-%i', async (start, end) => {
        const part = await buffer(await store.read(k, { start, end }));
        expect(part.equals(bytes.subarray(start, end + 1))).toBe(true);
      });

      it.each([
        [700_001, 700_002],
        [9, 5],
        [-1, 5],
        [0.5, 5],
        [Number.NaN, 5],
      ])('refuses the range %d-%d with 416', async (start, end) => {
        await expect(store.read(k, { start, end })).rejects.toMatchObject({
          code: 'invalid',
          reason: 'range_outside',
          status: 416,
          extra: { bytes: bytes.length },
        });
      });

      it('says blob_gone for what is not there, with and without a range', async () => {
        await expect(store.read(key())).rejects.toMatchObject({ reason: 'blob_gone' });
        await expect(store.read(key(), { start: 0, end: 1 })).rejects.toMatchObject({ reason: 'blob_gone' });
      });

      it('can be destroyed half-way', async () => {
        const stream = await store.read(k);
        for await (const _ of stream) break;
        await until(() => stream.destroyed);
      });
    });

    describe('verified', () => {
      it('passes a whole blob', async () => {
        const k = key();
        const bytes = randomBytes(2 * MB + 5);
        const facts = await putBlob(store, k, pieces(bytes, 65_536), bytes.length);
        const found: unknown[] = [];
        expect((await buffer(verified(await store.read(k), facts, (e) => found.push(e)))).equals(bytes)).toBe(true);
        const empty = await putBlob(store, key(), pieces(Buffer.alloc(0), 1), 0);
        expect((await buffer(verified(Readable.from([]), empty, (e) => found.push(e)))).length).toBe(0);
        expect(found).toEqual([]);
      });

      it('breaks a damaged one before its last byte', async () => {
        const k = key();
        const bytes = randomBytes(1 * MB);
        const facts = await putBlob(store, k, pieces(bytes, 65_536), bytes.length);
        await maker.corrupt(k);
        const found: string[] = [];
        let sent = 0;
        const reading = async (): Promise<void> => {
          for await (const chunk of verified(await store.read(k), facts, (e) => found.push(e.reason))) {
            sent += (chunk as Buffer).length;
          }
        };
        await expect(reading()).rejects.toMatchObject({ code: 'internal', reason: 'blob_corrupt' });
        expect(sent).toBeLessThan(bytes.length);
        expect(found).toEqual(['blob_corrupt']);
      });

      it.each([-1, 1])('breaks one whose size is off by %i', async (off) => {
        const k = key();
        const bytes = randomBytes(500_000);
        const facts = await putBlob(store, k, pieces(bytes, 65_536), bytes.length);
        const wrong = { ...facts, bytes: facts.bytes + off };
        await expect(buffer(verified(await store.read(k), wrong, () => undefined))).rejects.toMatchObject({
          reason: 'blob_corrupt',
        });
      });
    });

    describe('resumable', () => {
      it('grows over cuts and restarts, then publishes', async () => {
        const k = key();
        const bytes = randomBytes(21 * MB + 11);
        const first = await store.resumable(k);
        expect(await first.offset()).toBe(0);
        expect(await first.append(pieces(bytes.subarray(0, 1000), 77), bytes.length)).toEqual({
          offset: 1000,
          ended: 'whole',
        });
        const cut = await first.append(cutAfter(bytes.subarray(1000, 9 * MB)), bytes.length);
        expect(cut).toMatchObject({ offset: 9 * MB, ended: 'cut', cause: { code: 'ECONNRESET' } });
        expect(await store.stat(k)).toBeUndefined();

        await store[Symbol.asyncDispose]();
        store = await maker.open();
        const again = await store.resumable(k);
        expect(await again.offset()).toBe(9 * MB);
        await again.append(pieces(bytes.subarray(9 * MB), 65_536), bytes.length);
        expect(await again.offset()).toBe(bytes.length);
        expect(await again.finish()).toEqual({ bytes: bytes.length, sha256: sha256(bytes) });
        expect(sha256(await bytesOf(k))).toBe(sha256(bytes));
      });

      it('hashes without reading again what one process appended', async () => {
        const k = key();
        const bytes = randomBytes(300_000);
        for (const at of [0, 100_000, 200_000]) {
          const part = await store.resumable(k);
          await part.append(pieces(bytes.subarray(at, at + 100_000), 9999), 100_000);
        }
        expect(await (await store.resumable(k)).finish()).toEqual({ bytes: 300_000, sha256: sha256(bytes) });
      });

      it('finishing again, as after a crash, gives the same facts; appending is refused', async () => {
        const k = key();
        const bytes = randomBytes(200_000);
        const part = await store.resumable(k);
        await part.append(pieces(bytes, 65_536), bytes.length);
        const facts = await part.finish();
        const later = await store.resumable(k);
        expect(await later.finish()).toEqual(facts);
        expect(await later.offset()).toBe(bytes.length);
        await expect(later.append(pieces(bytes, 65_536), bytes.length)).rejects.toMatchObject({
          code: 'conflict',
          reason: 'upload_complete',
        });
        await later.discard();
        expect(await store.stat(k)).toEqual({ bytes: bytes.length });
      });

      it('refuses the second user, and the first is unharmed', async () => {
        const k = key();
        const bytes = randomBytes(100_000);
        const turns = { begun: Promise.withResolvers<void>(), go: Promise.withResolvers<void>() };
        async function* slow(): AsyncGenerator<Buffer> {
          yield bytes.subarray(0, 50_000);
          turns.begun.resolve();
          await turns.go.promise;
          yield bytes.subarray(50_000);
        }
        const appending = (await store.resumable(k)).append(slow(), bytes.length);
        await turns.begun.promise;
        const second = await store.resumable(k);
        const busy = { code: 'conflict', reason: 'upload_busy' };
        await expect(second.append(pieces(bytes, 10), 10)).rejects.toMatchObject(busy);
        await expect(second.finish()).rejects.toMatchObject(busy);
        await expect(second.discard()).rejects.toMatchObject(busy);
        expect(await second.offset()).toBe(0);
        turns.go.resolve();
        expect(await appending).toEqual({ offset: bytes.length, ended: 'whole' });
        expect((await second.finish()).sha256).toBe(sha256(bytes));
      });

      it('does not store bytes past bytesMax', async () => {
        const k = key();
        const bytes = randomBytes(200_000);
        const part = await store.resumable(k);
        await part.append(pieces(bytes.subarray(0, 50_000), 10_000), 50_000);
        await expect(part.append(pieces(bytes.subarray(50_000), 30_000), 100_000)).rejects.toMatchObject({
          code: 'invalid',
          reason: 'size_exceeded',
          extra: { offset: 150_000 },
        });
        expect(await part.offset()).toBe(150_000);
        expect(await part.finish()).toEqual({ bytes: 150_000, sha256: sha256(bytes.subarray(0, 150_000)) });
      });

      it('discards, and says gone when nothing was ever stored', async () => {
        const k = key();
        const part = await store.resumable(k);
        await part.discard();
        await expect(part.finish()).rejects.toMatchObject({ code: 'notFound', reason: 'blob_gone' });
        await part.append(pieces(randomBytes(6 * MB), MB), 6 * MB);
        await part.discard();
        expect(await part.offset()).toBe(0);
        await expect(part.finish()).rejects.toMatchObject({ reason: 'blob_gone' });
        expect(await store.stat(k)).toBeUndefined();
      });

      it('starts anew after discard', async () => {
        const k = key();
        const part = await store.resumable(k);
        await part.append(pieces(randomBytes(1000), 10), 1000);
        await part.discard();
        await part.append(pieces(Buffer.from('abc'), 1), 3);
        expect(await part.finish()).toEqual({ bytes: 3, sha256: sha256(Buffer.from('abc')) });
      });
    });

    describe('remove, list, room, sweep', () => {
      it('removes, and removing what is not there is not an error', async () => {
        const k = key();
        await putBlob(store, k, pieces(Buffer.from('x'), 1), 1);
        await store.remove(k);
        await store.remove(k);
        expect(await store.stat(k)).toBeUndefined();
      });

      it('lists by prefix in key order, in pages', async () => {
        const base = `list-${newId('blob')}`;
        const names = ['a', 'a-b', 'a/1', 'a/2/3', 'b', 'ab/1', 'zz'].map((n) => `${base}/${n}`);
        for (const k of names) {
          if (k !== `${base}/a` && k !== `${base}/b`) await putBlob(store, k, pieces(Buffer.from(k), 9), 99);
        }
        const keys = async (prefix: string, after?: string): Promise<string[]> =>
          (await store.list(prefix, after)).map((e) => e.key);
        const want = names.filter((k) => k !== `${base}/a` && k !== `${base}/b`).sort();
        expect(await keys(`${base}/`)).toEqual(want);
        expect(await keys(base)).toEqual(want);
        expect(await keys(`${base}/a/`)).toEqual([`${base}/a/1`, `${base}/a/2/3`]);
        expect(await keys(`${base}/a/2`)).toEqual([`${base}/a/2/3`]);
        expect(await keys(`${base}/`, `${base}/a/1`)).toEqual(want.filter((k) => k > `${base}/a/1`));
        expect(await keys(`${base}/none`)).toEqual([]);
        expect(blobListMax).toBeGreaterThan(want.length);
        const [entry] = await store.list(`${base}/zz`);
        expect(entry?.bytes).toBe(`${base}/zz`.length);
        expect(entry?.modifiedAt).toBeGreaterThan(1_600_000_000_000);
      });

      it('does not show staged parts in list', async () => {
        const k = key();
        const part = await store.resumable(k);
        await part.append(pieces(randomBytes(1000), 100), 1000);
        expect(await store.list(k)).toEqual([]);
        await part.discard();
      });

      it('says how much room there is, or that it cannot know', async () => {
        const free = await store.freeBytes();
        if (store.kind === 'disk') expect(free).toBeGreaterThan(0);
        else expect(free).toBeUndefined();
      });

      it('sweeps old parts, and neither young nor used ones', async () => {
        const [young, old] = [await store.resumable(key()), await store.resumable(key())];
        await young.append(pieces(randomBytes(1000), 100), 1000);
        expect(await store.sweepStaging(3_600_000)).toEqual({ removed: 0, bytes: 0 });
        expect(await young.offset()).toBe(1000);
        await old.append(pieces(randomBytes(6 * MB), MB), 6 * MB);
        const swept = await store.sweepStaging(-1000);
        expect(swept.removed).toBe(2);
        expect(swept.bytes).toBe(6 * MB + 1000);
        expect(await old.offset()).toBe(0);
      });
    });

    it.each([
      '',
      '/',
      'a//b',
      '../x',
      'a/../b',
      'a/./b',
      '.',
      'A',
      'a b',
      'a\0b',
      'a.b',
      '/a',
      'a/',
      'ä',
      'a\\b',
      'x'.repeat(121),
      'a/b/c/d/e/f/g',
      'ab/'.repeat(70),
    ])('refuses the key %j', async (bad) => {
      const refused = { code: 'internal', reason: 'bad_blob_key' };
      await expect((async () => store.stat(bad))()).rejects.toMatchObject(refused);
      await expect((async () => store.read(bad))()).rejects.toMatchObject(refused);
      await expect((async () => store.create(bad))()).rejects.toMatchObject(refused);
      await expect((async () => store.resumable(bad))()).rejects.toMatchObject(refused);
      await expect((async () => store.remove(bad))()).rejects.toMatchObject(refused);
    });
  });
}
