import { createHash, type Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { BlobKey } from './blobs.ts';

/**
 * The sha256 of parts that are still growing, so that finishing a gigabyte does not read it all again. Only a saving:
 * an entry that is missing, or is about another length, means the part is hashed from the disk.
 */
export class RunningHashes {
  static readonly countMax = 256;
  readonly #hashes = new Map<BlobKey, { bytes: number; hash: Hash }>();

  /** The hash of exactly the first `bytes` bytes, taken out; a new one for an empty part. */
  take(key: BlobKey, bytes: number): Hash | undefined {
    const kept = this.#hashes.get(key);
    this.#hashes.delete(key);
    if (bytes === 0) return createHash('sha256');
    return kept?.bytes === bytes ? kept.hash : undefined;
  }

  keep(key: BlobKey, bytes: number, hash: Hash): void {
    this.#hashes.delete(key);
    this.#hashes.set(key, { bytes, hash });
    if (this.#hashes.size <= RunningHashes.countMax) return;
    for (const oldest of this.#hashes.keys()) {
      this.#hashes.delete(oldest);
      return;
    }
  }

  drop(key: BlobKey): void {
    this.#hashes.delete(key);
  }
}

const hashChunkBytes = 1024 * 1024;

/** sha256 of the first `bytes` bytes of an open file, one megabyte in memory at a time. */
export async function hashFile(file: FileHandle, bytes: number): Promise<string> {
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafe(Math.min(hashChunkBytes, Math.max(1, bytes)));
  for (let position = 0; position < bytes; ) {
    const { bytesRead } = await file.read(chunk, 0, Math.min(chunk.length, bytes - position), position);
    if (bytesRead === 0) throw new Error(`the file ended at ${position} of ${bytes} bytes`);
    hash.update(chunk.subarray(0, bytesRead));
    position += bytesRead;
  }
  return hash.digest('hex');
}
