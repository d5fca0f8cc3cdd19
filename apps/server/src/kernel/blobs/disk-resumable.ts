import { constants } from 'node:fs';
import { type FileHandle, rm } from 'node:fs/promises';
import { conflict, invalid, must, reach } from '#kernel/base';
import type { Appended, BlobFacts, BlobKey, ResumableBlob } from './blobs.ts';
import { chunksUntilCut, release } from './chunks.ts';
import { type DiskFiles, syncFolder, writeFully } from './disk-files.ts';
import { publish } from './disk-writer.ts';
import { gone, storeFault } from './faults.ts';
import { hashFile, type RunningHashes } from './running-hashes.ts';

/** A part is synced at least this often while it grows, so that the last sync of a big append is short. */
const syncEveryBytes = 16 * 1024 * 1024;

/**
 * Who uses which part, in this process: a data folder belongs to one process (operate.md §11), so this is the whole
 * truth. The number is what the part's user has acknowledged so far.
 */
export type PartsInUse = Map<BlobKey, { acknowledged: number }>;

/* The staged part is a file that only grows. Its length is the offset:
 *  absent   – nothing stored yet, or finished (then the key is published).
 *  idle     – every byte in it is synced, and `offset` says so.
 *  in use   – one append or finish holds the key in `inUse`; bytes past `acknowledged` may still be lost.
 * An append that fails on the disk cuts the file back to what was acknowledged; kill -9 may leave more than that, which
 * `offset` first syncs and then reports.
 */
export class DiskResumable implements ResumableBlob {
  readonly #files: DiskFiles;
  readonly #key: BlobKey;
  readonly #inUse: PartsInUse;
  readonly #hashes: RunningHashes;

  constructor(files: DiskFiles, key: BlobKey, inUse: PartsInUse, hashes: RunningHashes) {
    this.#files = files;
    this.#key = key;
    this.#inUse = inUse;
    this.#hashes = hashes;
  }

  async offset(): Promise<number> {
    const user = this.#inUse.get(this.#key);
    if (user) return user.acknowledged;
    try {
      await using part = await this.#open(constants.O_RDWR);
      if (!part) return (await this.#files.stat(this.#files.pathOf(this.#key)))?.bytes ?? 0;
      const { size } = await part.stat();
      await part.sync();
      return size;
    } catch (error) {
      throw storeFault(error);
    }
  }

  append(source: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Appended> {
    return this.#alone(async (user) => {
      const part = await this.#openOrMake();
      try {
        user.acknowledged = (await part.stat()).size;
        return await this.#appendTo(part, user, source, bytesMax);
      } finally {
        await part.close();
      }
    });
  }

  async #appendTo(
    part: FileHandle,
    user: { acknowledged: number },
    source: AsyncIterable<Uint8Array>,
    bytesMax: number,
  ): Promise<Appended> {
    const start = user.acknowledged;
    const hash = this.#hashes.take(this.#key, start);
    let cut: { cause: unknown } | undefined;
    let tooMuch = false;
    let end = start;
    let synced = start;
    let flying: Promise<void> = Promise.resolve();
    let last: Uint8Array | undefined;
    const landed = async (): Promise<void> => {
      await flying;
      release(last);
      last = undefined;
    };
    try {
      for await (const chunk of chunksUntilCut(source, (cause) => (cut = { cause }))) {
        const room = start + bytesMax - end;
        const taken = chunk.length > room ? chunk.subarray(0, room) : chunk;
        tooMuch = chunk.length > room;
        await landed();
        flying = writeFully(part, taken, end);
        flying.catch(() => undefined); // seen by the next await
        hash?.update(taken);
        end += taken.length;
        last = chunk;
        if (tooMuch) break;
        if (end - synced < syncEveryBytes) continue;
        await landed();
        await part.datasync();
        synced = end;
      }
      await landed();
      await reach('blob.appended');
      await part.sync();
    } catch (error) {
      await flying.catch(() => undefined);
      // Frees the room for others; a part that cannot even be cut is longer than acknowledged, which is allowed.
      await part.truncate(start).catch(() => undefined);
      throw error;
    }
    user.acknowledged = end;
    if (hash) this.#hashes.keep(this.#key, end, hash);
    if (tooMuch) {
      throw invalid('size_exceeded', `More than the expected ${bytesMax} bytes were sent.`, { extra: { offset: end } });
    }
    return cut ? { offset: end, ended: 'cut', cause: cut.cause } : { offset: end, ended: 'whole' };
  }

  finish(): Promise<BlobFacts> {
    return this.#alone(async () => {
      const target = this.#files.pathOf(this.#key);
      const part = await this.#open(constants.O_RDWR);
      if (!part) return await this.#factsOfPublished(target);
      let facts: BlobFacts;
      try {
        const { size } = await part.stat();
        const running = this.#hashes.take(this.#key, size);
        await part.sync();
        facts = { bytes: size, sha256: running ? running.digest('hex') : await hashFile(part, size) };
      } finally {
        await part.close();
      }
      await reach('blob.staged');
      await publish(this.#files, this.#files.resumablePath(this.#key), target);
      return facts;
    });
  }

  /** A finish that was answered by a crash: the part is published already. */
  async #factsOfPublished(target: string): Promise<BlobFacts> {
    await using published = await this.#files.open(target, constants.O_RDONLY);
    if (!published) throw gone(this.#key);
    const { size } = await published.stat();
    return { bytes: size, sha256: await hashFile(published, size) };
  }

  discard(): Promise<void> {
    return this.#alone(async () => {
      this.#hashes.drop(this.#key);
      await rm(this.#files.resumablePath(this.#key), { force: true });
    });
  }

  #open(flags: number): Promise<FileHandle | undefined> {
    return this.#files.open(this.#files.resumablePath(this.#key), flags);
  }

  async #openOrMake(): Promise<FileHandle> {
    const existing = await this.#open(constants.O_RDWR);
    if (existing) return existing;
    if (await this.#files.stat(this.#files.pathOf(this.#key))) {
      throw conflict('upload_complete', 'This upload is finished; nothing can be added to it.');
    }
    const made = must(await this.#open(constants.O_RDWR | constants.O_CREAT), 'the staged part');
    await syncFolder(this.#files.staging); // or a power cut could take the name of bytes that were acknowledged
    return made;
  }

  async #alone<T>(work: (user: { acknowledged: number }) => Promise<T>): Promise<T> {
    if (this.#inUse.has(this.#key)) {
      throw conflict('upload_busy', 'Another request is using this upload right now.');
    }
    const user = { acknowledged: 0 };
    this.#inUse.set(this.#key, user);
    try {
      return await work(user);
    } catch (error) {
      throw storeFault(error);
    } finally {
      this.#inUse.delete(this.#key);
    }
  }
}
