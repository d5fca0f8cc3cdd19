import type { Readable } from 'node:stream';
import { type Clock, systemClock } from '#kernel/base';
import {
  type BlobEntry,
  type BlobKey,
  type BlobStore,
  type BlobWriter,
  type ByteRange,
  blobListMax,
  type ResumableBlob,
} from './blobs.ts';
import { gone } from './faults.ts';
import { checkKey, checkPrefix, clampRange } from './keys.ts';
import { RunningHashes } from './running-hashes.ts';
import { connectS3, type S3Options } from './s3-client.ts';
import { Objects } from './s3-parts.ts';
import { S3Resumable } from './s3-resumable.ts';
import { S3Writer } from './s3-writer.ts';

/** An upload of another process that nobody refers to and that is this old was left by one that died. */
const uploadStaleMs = 24 * 3_600_000;
const stagedListMax = 1000;

export type S3BlobOptions = S3Options & { clock?: Clock };

/** Blobs as objects in one bucket of AWS S3 or of a store that speaks its language. Failures are `unavailable` `storage_error`. */
export async function openS3Blobs(options: S3BlobOptions): Promise<BlobStore> {
  const s3 = await connectS3(options);
  return new S3Blobs(new Objects(s3), s3.prefix, options.clock ?? systemClock, () => s3.client.destroy());
}

class S3Blobs implements BlobStore {
  readonly kind = 's3';
  readonly #objects: Objects;
  readonly #prefix: string;
  readonly #clock: Clock;
  readonly #close: () => void;
  /** Multipart uploads of writers in this process. */
  readonly #writing = new Set<string>();
  readonly #inUse = new Map<BlobKey, { acknowledged: number }>();
  readonly #hashes = new RunningHashes();

  constructor(objects: Objects, prefix: string, clock: Clock, close: () => void) {
    this.#objects = objects;
    this.#prefix = prefix;
    this.#clock = clock;
    this.#close = close;
  }

  async create(key: BlobKey): Promise<BlobWriter> {
    return Promise.resolve(
      new S3Writer(this.#objects, this.#nameOf(key), (uploadId, open) =>
        open ? this.#writing.add(uploadId) : this.#writing.delete(uploadId),
      ),
    );
  }

  async resumable(key: BlobKey): Promise<ResumableBlob> {
    return Promise.resolve(this.#resumable(checkKey(key)));
  }

  #resumable(key: BlobKey): S3Resumable {
    const folder = this.#stagingOf(key);
    const names = { target: this.#nameOf(key), state: `${folder}state`, tailPrefix: `${folder}tail-` };
    return new S3Resumable(this.#objects, key, names, this.#inUse, this.#hashes);
  }

  async stat(key: BlobKey): Promise<{ bytes: number } | undefined> {
    const bytes = await this.#objects.size(this.#nameOf(key));
    return bytes === undefined ? undefined : { bytes };
  }

  async read(key: BlobKey, range?: ByteRange): Promise<Readable> {
    const name = this.#nameOf(key);
    const stream = await this.#objects.read(name, range && (await this.#rangeOf(key, range)));
    if (!stream) throw gone(key);
    return stream;
  }

  async #rangeOf(key: BlobKey, range: ByteRange): Promise<string> {
    const bytes = await this.#objects.size(this.#nameOf(key));
    if (bytes === undefined) throw gone(key);
    const { start, end } = clampRange(range, bytes);
    return `bytes=${start}-${end}`;
  }

  async remove(key: BlobKey): Promise<void> {
    await this.#objects.remove(this.#nameOf(key));
  }

  async list(prefix: string, after?: BlobKey): Promise<BlobEntry[]> {
    const root = `${this.#prefix}data/`;
    const found = await this.#objects.list(
      root + checkPrefix(prefix),
      after === undefined ? undefined : root + checkKey(after),
      blobListMax,
    );
    return found.map(({ name, ...rest }) => ({ key: name.slice(root.length), ...rest }));
  }

  /** A bucket has no end that it tells of. */
  freeBytes(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async sweepStaging(resumableOlderThanMs: number): Promise<{ removed: number; bytes: number }> {
    const swept = { removed: 0, bytes: 0 };
    const referred = new Set<string>();
    for (const [key, { modifiedAt, names }] of await this.#stagedKeys()) {
      const { uploadId, parts } = await this.#uploadOf(key, names);
      if (uploadId !== undefined) referred.add(uploadId);
      const touchedAt = Math.max(modifiedAt, ...parts.map((part) => part.modifiedAt));
      if (this.#inUse.has(key) || this.#clock.now() - touchedAt < resumableOlderThanMs) continue;
      const resumable = this.#resumable(key);
      swept.bytes += await resumable.offset();
      await resumable.discard();
      swept.removed += 1;
    }
    for (const { name, uploadId, begunAt } of await this.#objects.uploads(`${this.#prefix}data/`)) {
      const mine = this.#writing.has(uploadId) || referred.has(uploadId);
      if (mine || this.#clock.now() - begunAt < uploadStaleMs) continue;
      await this.#objects.abortUpload(name, uploadId);
      swept.removed += 1;
    }
    return swept;
  }

  /** Keys with staged objects, and when the youngest of them was written. */
  async #stagedKeys(): Promise<Map<BlobKey, { modifiedAt: number; names: string[] }>> {
    const root = `${this.#prefix}tmp/`;
    const keys = new Map<BlobKey, { modifiedAt: number; names: string[] }>();
    for (const { name, modifiedAt } of await this.#objects.list(root, undefined, stagedListMax)) {
      const key = name.slice(root.length, name.lastIndexOf('/')).replaceAll('.', '/');
      const known = keys.get(key) ?? { modifiedAt: 0, names: [] };
      keys.set(key, { modifiedAt: Math.max(known.modifiedAt, modifiedAt), names: [...known.names, name] });
    }
    return keys;
  }

  async #uploadOf(
    key: BlobKey,
    names: readonly string[],
  ): Promise<{ uploadId: string | undefined; parts: readonly { modifiedAt: number }[] }> {
    const state = `${this.#stagingOf(key)}state`;
    const text = names.includes(state) ? await this.#objects.bytes(state) : undefined;
    if (!text) return { uploadId: undefined, parts: [] };
    const { uploadId } = JSON.parse(text.toString()) as { uploadId: string };
    return { uploadId, parts: (await this.#objects.parts(this.#nameOf(key), uploadId)) ?? [] };
  }

  #nameOf(key: BlobKey): string {
    return `${this.#prefix}data/${checkKey(key)}`;
  }

  /** `.` is not in a key's alphabet, so two keys never share a folder. */
  #stagingOf(key: BlobKey): string {
    return `${this.#prefix}tmp/${key.replaceAll('/', '.')}/`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#close();
    return Promise.resolve();
  }
}
