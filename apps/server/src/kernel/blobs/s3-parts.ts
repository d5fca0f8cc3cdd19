import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { must } from '#kernel/base';
import type { BlobFacts } from './blobs.ts';
import { orAbsent, type S3, s3Fault } from './s3-client.ts';

/** S3 wants 5 MiB at least in every part but the last, and takes 10 000 of them: 78 GiB. */
export const partBytes = 8 * 1024 * 1024;

export type Part = { number: number; etag: string; bytes: number; modifiedAt: number };

/** The calls on one bucket, by object name. What is not there is `undefined`; failures are `unavailable`. */
export class Objects {
  readonly #s3: S3;

  constructor(s3: S3) {
    this.#s3 = s3;
  }

  async put(name: string, body: Uint8Array): Promise<void> {
    const { client, sdk, bucket } = this.#s3;
    await this.#run(() => client.send(new sdk.PutObjectCommand({ Bucket: bucket, Key: name, Body: body })));
  }

  async size(name: string): Promise<number | undefined> {
    const { client, sdk, bucket } = this.#s3;
    const head = await orAbsent(() => client.send(new sdk.HeadObjectCommand({ Bucket: bucket, Key: name })));
    return head?.ContentLength;
  }

  async read(name: string, range?: string): Promise<Readable | undefined> {
    const { client, sdk, bucket } = this.#s3;
    const input = { Bucket: bucket, Key: name, ...(range === undefined ? {} : { Range: range }) };
    const got = await orAbsent(() => client.send(new sdk.GetObjectCommand(input)));
    if (!got) return undefined;
    if (!(got.Body instanceof Readable)) throw s3Fault(new Error('no readable body'));
    return got.Body;
  }

  async bytes(name: string): Promise<Buffer | undefined> {
    const stream = await this.read(name);
    if (!stream) return undefined;
    const chunks: Buffer[] = [];
    for await (const chunk of failing(stream)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  async facts(name: string): Promise<BlobFacts | undefined> {
    const stream = await this.read(name);
    if (!stream) return undefined;
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of failing(stream)) {
      hash.update(chunk);
      bytes += chunk.length;
    }
    return { bytes, sha256: hash.digest('hex') };
  }

  async remove(name: string): Promise<void> {
    const { client, sdk, bucket } = this.#s3;
    await orAbsent(() => client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key: name })));
  }

  /** One page of objects in the order of their names; fewer than `max` means the end. */
  async list(
    prefix: string,
    after: string | undefined,
    max: number,
  ): Promise<{ name: string; bytes: number; modifiedAt: number }[]> {
    const { client, sdk, bucket } = this.#s3;
    const found: { name: string; bytes: number; modifiedAt: number }[] = [];
    let token: string | undefined;
    do {
      const input = {
        Bucket: bucket,
        Prefix: prefix,
        MaxKeys: max - found.length,
        ...(token === undefined ? {} : { ContinuationToken: token }),
        ...(token !== undefined || after === undefined ? {} : { StartAfter: after }),
      };
      const page = await this.#run(() => client.send(new sdk.ListObjectsV2Command(input)));
      for (const { Key, Size, LastModified } of page.Contents ?? []) {
        found.push({
          name: must(Key, 'the key of an object'),
          bytes: Size ?? 0,
          modifiedAt: LastModified?.getTime() ?? 0,
        });
      }
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined && found.length < max);
    return found;
  }

  async beginUpload(name: string): Promise<string> {
    const { client, sdk, bucket } = this.#s3;
    const begun = await this.#run(() =>
      client.send(new sdk.CreateMultipartUploadCommand({ Bucket: bucket, Key: name })),
    );
    return must(begun.UploadId, 'the id of a multipart upload');
  }

  async putPart(name: string, uploadId: string, number: number, body: Uint8Array): Promise<Part> {
    const { client, sdk, bucket } = this.#s3;
    const input = { Bucket: bucket, Key: name, UploadId: uploadId, PartNumber: number, Body: body };
    const put = await this.#run(() => client.send(new sdk.UploadPartCommand(input)));
    return { number, etag: must(put.ETag, 'the tag of a part'), bytes: body.length, modifiedAt: 0 };
  }

  /** The parts of an upload in order; `undefined` when it is over. */
  async parts(name: string, uploadId: string): Promise<Part[] | undefined> {
    const { client, sdk, bucket } = this.#s3;
    const parts: Part[] = [];
    let marker: string | undefined;
    do {
      const input = {
        Bucket: bucket,
        Key: name,
        UploadId: uploadId,
        ...(marker === undefined ? {} : { PartNumberMarker: marker }),
      };
      const page = await orAbsent(() => client.send(new sdk.ListPartsCommand(input)));
      if (!page) return undefined;
      for (const { PartNumber, ETag, Size, LastModified } of page.Parts ?? []) {
        parts.push({
          number: must(PartNumber, 'the number of a part'),
          etag: must(ETag, 'the tag of a part'),
          bytes: Size ?? 0,
          modifiedAt: LastModified?.getTime() ?? 0,
        });
      }
      marker = page.IsTruncated ? page.NextPartNumberMarker : undefined;
    } while (marker !== undefined);
    return parts.sort((a, b) => a.number - b.number);
  }

  async completeUpload(name: string, uploadId: string, parts: readonly Part[]): Promise<void> {
    const { client, sdk, bucket } = this.#s3;
    const input = {
      Bucket: bucket,
      Key: name,
      UploadId: uploadId,
      MultipartUpload: { Parts: parts.map(({ number, etag }) => ({ PartNumber: number, ETag: etag })) },
    };
    await this.#run(() => client.send(new sdk.CompleteMultipartUploadCommand(input)));
  }

  async abortUpload(name: string, uploadId: string): Promise<void> {
    const { client, sdk, bucket } = this.#s3;
    const input = { Bucket: bucket, Key: name, UploadId: uploadId };
    await orAbsent(() => client.send(new sdk.AbortMultipartUploadCommand(input)));
  }

  /** Unfinished uploads below a prefix; at most 1000, the sweep comes again. */
  async uploads(prefix: string): Promise<{ name: string; uploadId: string; begunAt: number }[]> {
    const { client, sdk, bucket } = this.#s3;
    const page = await this.#run(() =>
      client.send(new sdk.ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix })),
    );
    return (page.Uploads ?? []).map(({ Key, UploadId, Initiated }) => ({
      name: must(Key, 'the key of an upload'),
      uploadId: must(UploadId, 'the id of an upload'),
      begunAt: Initiated?.getTime() ?? 0,
    }));
  }

  async #run<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw s3Fault(error);
    }
  }
}

async function* failing(stream: Readable): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } catch (error) {
    throw s3Fault(error);
  }
}

/** Gathers chunks until there is enough for a part. Holds at most a part and a chunk. */
export class PartBuffer {
  #chunks: Uint8Array[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  add(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /** Everything, as one piece. */
  whole(): Buffer {
    return Buffer.concat(this.#chunks, this.#bytes);
  }

  /** The first `size` bytes, taken out. */
  take(size: number): Buffer {
    const all = this.whole();
    this.#chunks = size < all.length ? [all.subarray(size)] : [];
    this.#bytes = Math.max(0, all.length - size);
    return all.subarray(0, size);
  }
}
