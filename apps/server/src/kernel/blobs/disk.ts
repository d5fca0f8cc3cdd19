import { constants } from 'node:fs';
import { readdir, rm, statfs } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { type Clock, newId, systemClock } from '#kernel/base';
import type { BlobEntry, BlobKey, BlobStore, BlobWriter, ByteRange, ResumableBlob } from './blobs.ts';
import { DiskFiles, syncFolder } from './disk-files.ts';
import { listDisk } from './disk-list.ts';
import { DiskResumable, type PartsInUse } from './disk-resumable.ts';
import { DiskWriter } from './disk-writer.ts';
import { gone, storeFault } from './faults.ts';
import { checkKey, checkPrefix, clampRange } from './keys.ts';
import { RunningHashes } from './running-hashes.ts';

/** A write that was not touched for this long was left by a process that died. */
const writerStaleMs = 60 * 60_000;
const readChunkBytes = 128 * 1024;

export type DiskBlobOptions = {
  /** The store's own folder; made when missing. One process uses it at a time. */
  folder: string;
  clock?: Clock;
};

/** Blobs as files. Errors of the file system leave as `unavailable` `disk_full` or `storage_error`. */
export async function openDiskBlobs(options: DiskBlobOptions): Promise<BlobStore> {
  try {
    return new DiskBlobs(await DiskFiles.at(options.folder), options.clock ?? systemClock);
  } catch (error) {
    throw storeFault(error);
  }
}

class DiskBlobs implements BlobStore {
  readonly kind = 'disk';
  readonly #files: DiskFiles;
  readonly #clock: Clock;
  readonly #writing = new Set<string>();
  readonly #inUse: PartsInUse = new Map();
  readonly #hashes = new RunningHashes();

  constructor(files: DiskFiles, clock: Clock) {
    this.#files = files;
    this.#clock = clock;
  }

  async create(key: BlobKey): Promise<BlobWriter> {
    const name = newId('blob');
    this.#writing.add(`${name}.part`);
    try {
      return await DiskWriter.open(this.#files, key, name, () => this.#writing.delete(`${name}.part`));
    } catch (error) {
      this.#writing.delete(`${name}.part`);
      throw error;
    }
  }

  resumable(key: BlobKey): Promise<ResumableBlob> {
    return Promise.resolve(new DiskResumable(this.#files, checkKey(key), this.#inUse, this.#hashes));
  }

  stat(key: BlobKey): Promise<{ bytes: number } | undefined> {
    return guarded(async () => {
      const found = await this.#files.stat(this.#files.pathOf(key));
      return found && { bytes: found.bytes };
    });
  }

  read(key: BlobKey, range?: ByteRange): Promise<Readable> {
    return guarded(async () => {
      const handle = await this.#files.open(this.#files.pathOf(key), constants.O_RDONLY);
      if (!handle) throw gone(key);
      try {
        const part = range ? clampRange(range, (await handle.stat()).size) : {};
        return handle.createReadStream({ highWaterMark: readChunkBytes, ...part });
      } catch (error) {
        await handle.close();
        throw error;
      }
    });
  }

  remove(key: BlobKey): Promise<void> {
    return guarded(async () => {
      const file = this.#files.pathOf(key);
      if (!(await this.#files.stat(file))) return;
      await rm(file, { force: true });
      await syncFolder(path.dirname(file));
    });
  }

  list(prefix: string, after?: BlobKey): Promise<BlobEntry[]> {
    return guarded(() => listDisk(this.#files, checkPrefix(prefix), after));
  }

  freeBytes(): Promise<number | undefined> {
    return guarded(async () => {
      const { bavail, bsize } = await statfs(this.#files.staging);
      return bavail * bsize;
    });
  }

  sweepStaging(resumableOlderThanMs: number): Promise<{ removed: number; bytes: number }> {
    return guarded(async () => {
      const swept = { removed: 0, bytes: 0 };
      for (const name of await readdir(this.#files.staging)) {
        const bytes = name.endsWith('.up')
          ? await this.#sweepPart(name, resumableOlderThanMs)
          : await this.#sweepFile(name, writerStaleMs);
        if (bytes === undefined) continue;
        swept.removed += 1;
        swept.bytes += bytes;
      }
      return swept;
    });
  }

  /** Holds the part while it looks and removes, so that an append cannot start in between. */
  async #sweepPart(name: string, olderThanMs: number): Promise<number | undefined> {
    const key = name.slice(0, -'.up'.length).replaceAll('.', '/');
    if (this.#inUse.has(key)) return undefined;
    this.#inUse.set(key, { acknowledged: 0 });
    try {
      const bytes = await this.#sweepFile(name, olderThanMs);
      if (bytes !== undefined) this.#hashes.drop(key);
      return bytes;
    } finally {
      this.#inUse.delete(key);
    }
  }

  async #sweepFile(name: string, olderThanMs: number): Promise<number | undefined> {
    if (this.#writing.has(name)) return undefined;
    const file = path.join(this.#files.staging, name);
    const found = await this.#files.stat(file);
    if (!found || this.#clock.now() - found.modifiedAt < olderThanMs) return undefined;
    await rm(file, { force: true });
    return found.bytes;
  }

  /** Holds nothing of its own: writers and streams belong to who opened them. */
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storeFault(error);
  }
}
