import { createHash } from 'node:crypto';
import { assert, reach } from '#kernel/base';
import type { BlobFacts, BlobWriter } from './blobs.ts';
import { type Objects, type Part, PartBuffer, partBytes } from './s3-parts.ts';

/* A writer is always in one phase:
 *  open      – parts go to a multipart upload of the key, which shows nothing; a small blob is still all in memory.
 *  committed – the upload was completed, or the small blob put. Left never.
 *  broken    – the store failed or the writer was disposed; the upload was aborted. Left never.
 */
export class S3Writer implements BlobWriter {
  readonly #objects: Objects;
  readonly #name: string;
  readonly #onUpload: (uploadId: string, open: boolean) => void;
  readonly #hash = createHash('sha256');
  readonly #buffer = new PartBuffer();
  readonly #parts: Part[] = [];
  #uploadId: string | undefined;
  #phase: 'open' | 'committed' | 'broken' = 'open';
  #taking = false;
  #bytes = 0;

  /** `onUpload` is told of the upload while it is this writer's, so that the sweep leaves it alone. */
  constructor(objects: Objects, name: string, onUpload: (uploadId: string, open: boolean) => void) {
    this.#objects = objects;
    this.#name = name;
    this.#onUpload = onUpload;
  }

  get bytes(): number {
    return this.#bytes;
  }

  async write(chunk: Uint8Array): Promise<void> {
    await this.#alone(async () => {
      this.#bytes += chunk.length;
      this.#hash.update(chunk);
      this.#buffer.add(chunk);
      while (this.#buffer.bytes >= partBytes) await this.#putPart(partBytes);
    });
  }

  async commit(): Promise<BlobFacts> {
    await this.#alone(async () => {
      await reach('blob.staged');
      if (this.#uploadId === undefined) await this.#objects.put(this.#name, this.#buffer.whole());
      else {
        if (this.#buffer.bytes > 0) await this.#putPart(this.#buffer.bytes);
        await this.#objects.completeUpload(this.#name, this.#uploadId, this.#parts);
      }
      await reach('blob.renamed');
    });
    this.#phase = 'committed';
    if (this.#uploadId !== undefined) this.#onUpload(this.#uploadId, false);
    return { bytes: this.#bytes, sha256: this.#hash.digest('hex') };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#phase === 'open') await this.#abandon();
  }

  async #putPart(size: number): Promise<void> {
    if (this.#uploadId === undefined) {
      this.#uploadId = await this.#objects.beginUpload(this.#name);
      this.#onUpload(this.#uploadId, true);
    }
    const number = this.#parts.length + 1;
    this.#parts.push(await this.#objects.putPart(this.#name, this.#uploadId, number, this.#buffer.take(size)));
  }

  async #alone(work: () => Promise<void>): Promise<void> {
    assert(
      this.#phase === 'open' && !this.#taking,
      `a blob writer takes one chunk at a time and none when ${this.#phase}`,
    );
    this.#taking = true;
    try {
      await work();
    } catch (error) {
      await this.#abandon();
      throw error;
    } finally {
      this.#taking = false;
    }
  }

  async #abandon(): Promise<void> {
    this.#phase = 'broken';
    if (this.#uploadId === undefined) return;
    await this.#objects.abortUpload(this.#name, this.#uploadId).catch(() => undefined); // the sweep takes what stays
    this.#onUpload(this.#uploadId, false);
  }
}
