import type { Hash } from 'node:crypto';
import { conflict, invalid, reach } from '#kernel/base';
import type { Appended, BlobFacts, BlobKey, ResumableBlob } from './blobs.ts';
import { chunksUntilCut } from './chunks.ts';
import { gone } from './faults.ts';
import type { RunningHashes } from './running-hashes.ts';
import { type Objects, type Part, PartBuffer, partBytes } from './s3-parts.ts';

/** Where a resumable blob keeps what it knows: the id of its upload, and the bytes that are too few for a part. */
export type ResumableNames = { target: string; state: string; tailPrefix: string };

type Taken = { bytes: number; tooMuch: boolean; cut: { cause: unknown } | undefined };
type Staged = { uploadId: string | undefined; parts: Part[]; tail: { name: string; bytes: number } | undefined };

/* Everything a restart needs lies in the store:
 *  state object    – the id of the multipart upload. Written before the first part.
 *  parts           – all of `partBytes`, in order; S3 keeps them until the upload is completed or aborted.
 *  tail object     – what came after the last part. Its name ends with the number of bytes in the parts: a tail that names
 *                    another number was overtaken by a part that contains it, and does not count.
 * So the offset is the sum of the parts and of the tail that fits, at every instant, whatever was interrupted.
 *
 * One user at a time is enforced within this process. Over several processes the owner of the upload's row sees to it.
 */
export class S3Resumable implements ResumableBlob {
  readonly #objects: Objects;
  readonly #key: BlobKey;
  readonly #names: ResumableNames;
  readonly #inUse: Map<BlobKey, { acknowledged: number }>;
  readonly #hashes: RunningHashes;

  constructor(
    objects: Objects,
    key: BlobKey,
    names: ResumableNames,
    inUse: Map<BlobKey, { acknowledged: number }>,
    hashes: RunningHashes,
  ) {
    this.#objects = objects;
    this.#key = key;
    this.#names = names;
    this.#inUse = inUse;
    this.#hashes = hashes;
  }

  async offset(): Promise<number> {
    const user = this.#inUse.get(this.#key);
    if (user) return user.acknowledged;
    const staged = await this.#staged();
    if (staged) return offsetOf(staged);
    return (await this.#objects.size(this.#names.target)) ?? 0;
  }

  append(source: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Appended> {
    return this.#alone(async (user) => {
      const staged = (await this.#staged()) ?? (await this.#begin());
      const start = offsetOf(staged);
      user.acknowledged = start;
      const hash = this.#hashes.take(this.#key, start);
      const buffer = new PartBuffer();
      if (staged.tail) buffer.add((await this.#objects.bytes(staged.tail.name)) ?? Buffer.alloc(0));
      const taken = await this.#take(staged, buffer, source, bytesMax, hash);
      await this.#putTail(staged, buffer);
      const offset = start + taken.bytes;
      user.acknowledged = offset;
      if (hash) this.#hashes.keep(this.#key, offset, hash);
      if (taken.tooMuch) {
        throw invalid('size_exceeded', `More than the expected ${bytesMax} bytes were sent.`, { extra: { offset } });
      }
      return taken.cut ? { offset, ended: 'cut', cause: taken.cut.cause } : { offset, ended: 'whole' };
    });
  }

  /** Reads the source into parts. */
  async #take(
    staged: Staged,
    buffer: PartBuffer,
    source: AsyncIterable<Uint8Array>,
    bytesMax: number,
    hash: Hash | undefined,
  ): Promise<Taken> {
    const taken: Taken = { bytes: 0, tooMuch: false, cut: undefined };
    for await (const chunk of chunksUntilCut(source, (cause) => (taken.cut = { cause }))) {
      const room = bytesMax - taken.bytes;
      taken.tooMuch = chunk.length > room;
      const part = taken.tooMuch ? chunk.subarray(0, room) : chunk;
      taken.bytes += part.length;
      hash?.update(part);
      buffer.add(part);
      while (buffer.bytes >= partBytes) await this.#putPart(staged, buffer.take(partBytes));
      if (taken.tooMuch) break;
    }
    return taken;
  }

  async #putPart(staged: Staged, body: Buffer): Promise<void> {
    if (staged.uploadId === undefined) {
      staged.uploadId = await this.#objects.beginUpload(this.#names.target);
      await this.#objects.put(this.#names.state, Buffer.from(JSON.stringify({ uploadId: staged.uploadId })));
    }
    const number = staged.parts.length + 1;
    staged.parts.push(await this.#objects.putPart(this.#names.target, staged.uploadId, number, body));
  }

  async #putTail(staged: Staged, buffer: PartBuffer): Promise<void> {
    await reach('blob.appended');
    const name = `${this.#names.tailPrefix}${bytesOf(staged.parts)}`;
    const old = staged.tail;
    if (buffer.bytes > 0) await this.#objects.put(name, buffer.whole());
    staged.tail = buffer.bytes > 0 ? { name, bytes: buffer.bytes } : undefined;
    if (old && old.name !== name) await this.#objects.remove(old.name);
  }

  finish(): Promise<BlobFacts> {
    return this.#alone(async () => {
      const staged = await this.#staged();
      if (!staged || offsetOf(staged) === 0) return await this.#factsOfPublished();
      const bytes = offsetOf(staged);
      const hash = this.#hashes.take(this.#key, bytes);
      const tail = staged.tail ? await this.#objects.bytes(staged.tail.name) : undefined;
      await reach('blob.staged');
      if (staged.uploadId === undefined) await this.#objects.put(this.#names.target, tail ?? Buffer.alloc(0));
      else {
        if (tail) await this.#putPart(staged, tail);
        await this.#objects.completeUpload(this.#names.target, staged.uploadId, staged.parts);
      }
      await reach('blob.renamed');
      await this.#forget(staged);
      return hash ? { bytes, sha256: hash.digest('hex') } : await this.#factsOfPublished();
    });
  }

  async #factsOfPublished(): Promise<BlobFacts> {
    const facts = await this.#objects.facts(this.#names.target);
    if (!facts) throw gone(this.#key);
    return facts;
  }

  discard(): Promise<void> {
    return this.#alone(async () => {
      this.#hashes.drop(this.#key);
      const staged = await this.#staged();
      if (!staged) return;
      if (staged.uploadId !== undefined) await this.#objects.abortUpload(this.#names.target, staged.uploadId);
      await this.#forget(staged);
    });
  }

  /** Tail first: a state without its upload says "over", a tail without its state would say "begun". */
  async #forget(staged: Staged): Promise<void> {
    for (const { name } of await this.#objects.list(this.#names.tailPrefix, undefined, 100))
      await this.#objects.remove(name);
    if (staged.uploadId !== undefined) await this.#objects.remove(this.#names.state);
  }

  /** What the store knows; `undefined` when nothing is staged, also after a finish that was cut off half-way. */
  async #staged(): Promise<Staged | undefined> {
    const state = await this.#objects.bytes(this.#names.state);
    const uploadId = state ? (JSON.parse(state.toString()) as { uploadId: string }).uploadId : undefined;
    const parts = uploadId === undefined ? [] : await this.#objects.parts(this.#names.target, uploadId);
    const over =
      parts === undefined || (uploadId === undefined && (await this.#objects.size(this.#names.target)) !== undefined);
    if (over) {
      await this.#forget({ uploadId, parts: [], tail: undefined });
      return undefined;
    }
    // A short last part was put by a finish that was cut off; its bytes are still in the tail.
    if ((parts.at(-1)?.bytes ?? partBytes) < partBytes) parts.pop();
    const fits = `${this.#names.tailPrefix}${bytesOf(parts)}`;
    const tail = (await this.#objects.list(fits, undefined, 10)).find(({ name }) => name === fits);
    return uploadId === undefined && !tail ? undefined : { uploadId, parts, tail };
  }

  async #begin(): Promise<Staged> {
    if ((await this.#objects.size(this.#names.target)) !== undefined) {
      throw conflict('upload_complete', 'This upload is finished; nothing can be added to it.');
    }
    return { uploadId: undefined, parts: [], tail: undefined };
  }

  async #alone<T>(work: (user: { acknowledged: number }) => Promise<T>): Promise<T> {
    if (this.#inUse.has(this.#key)) {
      throw conflict('upload_busy', 'Another request is using this upload right now.');
    }
    const user = { acknowledged: 0 };
    this.#inUse.set(this.#key, user);
    try {
      return await work(user);
    } finally {
      this.#inUse.delete(this.#key);
    }
  }
}

const bytesOf = (parts: readonly Part[]): number => parts.reduce((sum, part) => sum + part.bytes, 0);
const offsetOf = ({ parts, tail }: Staged): number => bytesOf(parts) + (tail?.bytes ?? 0);
