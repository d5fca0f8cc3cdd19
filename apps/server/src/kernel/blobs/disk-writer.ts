import { createHash } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { assert, reach } from '#kernel/base';
import type { BlobFacts, BlobKey, BlobWriter } from './blobs.ts';
import { release } from './chunks.ts';
import { type DiskFiles, newFileFlags, syncFolder, writeFully } from './disk-files.ts';
import { codeOf, storeFault } from './faults.ts';

/* A writer is always in one phase:
 *  open      – the staged file grows; at most one chunk is on its way to the disk while the next is hashed.
 *  committed – published under its key; the handle is closed. Left never.
 *  broken    – the disk failed or the writer was disposed; the staged file is gone. Left never.
 */
export class DiskWriter implements BlobWriter {
  readonly #files: DiskFiles;
  readonly #handle: FileHandle;
  readonly #staged: string;
  readonly #target: string;
  readonly #onClose: () => void;
  readonly #hash = createHash('sha256');
  #phase: 'open' | 'committed' | 'broken' = 'open';
  #bytes = 0;
  #taking = false;
  #flying: Promise<void> = Promise.resolve();
  /** The chunk that is on its way to the disk. */
  #last: Uint8Array | undefined;

  private constructor(files: DiskFiles, handle: FileHandle, staged: string, target: string, onClose: () => void) {
    this.#files = files;
    this.#handle = handle;
    this.#staged = staged;
    this.#target = target;
    this.#onClose = onClose;
  }

  /** `name` is a fresh name for the staged file; `onClose` runs once, when it is gone or published. */
  static async open(files: DiskFiles, key: BlobKey, name: string, onClose: () => void): Promise<DiskWriter> {
    const target = files.pathOf(key);
    const staged = files.writerPath(name);
    try {
      return new DiskWriter(files, await open(staged, newFileFlags, 0o600), staged, target, onClose);
    } catch (error) {
      throw storeFault(error);
    }
  }

  get bytes(): number {
    return this.#bytes;
  }

  async write(chunk: Uint8Array): Promise<void> {
    assert(
      this.#phase === 'open' && !this.#taking,
      `a blob writer takes one chunk at a time and none when ${this.#phase}`,
    );
    this.#taking = true;
    try {
      await this.#landed();
      const position = this.#bytes;
      this.#bytes += chunk.length;
      this.#last = chunk;
      this.#flying = writeFully(this.#handle, chunk, position);
      this.#flying.catch(() => undefined); // seen by the next call
      this.#hash.update(chunk);
    } catch (error) {
      await this.#abandon();
      throw storeFault(error);
    } finally {
      this.#taking = false;
    }
  }

  async commit(): Promise<BlobFacts> {
    assert(this.#phase === 'open' && !this.#taking, `a blob writer commits once, and not when ${this.#phase}`);
    this.#taking = true;
    try {
      await this.#landed();
      await this.#handle.sync();
      await reach('blob.staged');
      await publish(this.#files, this.#staged, this.#target);
      await this.#handle.close();
    } catch (error) {
      await this.#abandon();
      throw storeFault(error);
    }
    this.#phase = 'committed';
    this.#onClose();
    return { bytes: this.#bytes, sha256: this.#hash.digest('hex') };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#phase === 'open') await this.#abandon();
  }

  async #landed(): Promise<void> {
    await this.#flying;
    release(this.#last);
    this.#last = undefined;
  }

  async #abandon(): Promise<void> {
    if (this.#phase !== 'open') return;
    this.#phase = 'broken';
    await this.#flying.catch(() => undefined);
    await this.#handle.close().catch(() => undefined);
    await rm(this.#staged, { force: true }).catch(() => undefined); // the sweep takes what stays
    this.#onClose();
  }
}

/** Moves a synced staged file under its key and makes the move itself durable. */
export async function publish(files: DiskFiles, staged: string, target: string): Promise<void> {
  await files.makeFolderOf(target);
  try {
    await rename(staged, target);
  } catch (error) {
    // Somebody removed the empty folder between the two calls: make it again, once.
    if (codeOf(error) !== 'ENOENT') throw error;
    await files.makeFolderOf(target);
    await rename(staged, target);
  }
  await reach('blob.renamed');
  await syncFolder(path.dirname(target));
}
