import type { Readable } from 'node:stream';
import { Busboy, type BusboyFileStream, type BusboyHeaders, type BusboyInstance } from '@fastify/busboy';
import { asError, invalid, MusterError } from '#kernel/base';
import { isWhole, release } from '#kernel/blobs';
import { type BodyDeps, type BodySource, readBody, refusePacked } from './body.ts';
import { checkText } from './json.ts';

export type MultipartOptions = {
  /** Largest whole body. */
  bytesMax: number;
  /** Largest file of that part name; `undefined` refuses the name. */
  fileBytesMax: (name: string) => number | undefined;
  /** Default 20. */
  partsMax?: number;
  /** Default 64 KiB. */
  fieldBytesMax?: number;
  /** What a file over its size is called; default 413 `body_too_large`. */
  fileTooLarge?: (name: string, bytesMax: number) => MusterError;
  /** Default `refuse`: the same name twice is `too_many_parts`. */
  repeated?: 'refuse' | 'allow';
};

export type Part =
  | { readonly kind: 'field'; readonly name: string; readonly value: string }
  | {
      readonly kind: 'file';
      readonly name: string;
      /** A label from the sender, never a path. */
      readonly fileName: string;
      readonly contentType: string;
      /** To be read before the next part is asked for; what is left of it is skipped then. */
      readonly stream: AsyncIterable<Uint8Array>;
    };

const headerBytesMax = 32 * 1024;
const highWaterBytes = 64 * 1024;

const truncated = (cause: unknown): MusterError =>
  invalid('multipart_truncated', 'The multipart body ends before its closing boundary.', { cause });

/**
 * Parts in the order they came, one at a time: the body is read only as fast as the caller reads the current part.
 * Bytes, parts, fields and part headers are counted while reading.
 */
export async function* readMultipart(
  source: BodySource,
  options: MultipartOptions,
  deps: BodyDeps,
): AsyncGenerator<Part, void, void> {
  const { request } = source;
  const type = request.headers['content-type'] ?? '';
  if (!/^multipart\/form-data\s*;/i.test(type)) {
    throw invalid('wrong_content_type', 'This call takes multipart/form-data.', {
      status: 415,
      extra: { expected: ['multipart/form-data'] },
    });
  }
  refusePacked(request);
  const partsMax = options.partsMax ?? 20;
  const fieldBytesMax = options.fieldBytesMax ?? 64 * 1024;
  const parser = start(request.headers as BusboyHeaders, partsMax, fieldBytesMax);
  const parts = new PartQueue(parser, options, partsMax);
  const enough = new AbortController();
  const body = readBody(source, { bytesMax: options.bytesMax }, deps, 'upload', enough.signal);
  const feeding = feed(parser, body, parts);
  try {
    for (;;) {
      const part = await parts.next();
      if (!part) break;
      yield part;
      parts.skipRest(part);
    }
  } finally {
    parts.stop();
    // A refusal must not wait for a sender that waits for the refusal.
    enough.abort();
    await feeding;
  }
}

function start(headers: BusboyHeaders, partsMax: number, fieldBytesMax: number): BusboyInstance {
  try {
    return Busboy({
      headers,
      highWaterMark: highWaterBytes,
      fileHwm: highWaterBytes,
      limits: {
        parts: partsMax + 1,
        fieldSize: fieldBytesMax + 1,
        fieldNameSize: 200,
        headerPairs: 32,
        headerSize: headerBytesMax,
      },
    });
  } catch (error) {
    throw invalid('bad_multipart', `The multipart header cannot be read: ${asError(error).message}.`, { cause: error });
  }
}

async function feed(parser: BusboyInstance, body: AsyncIterable<Uint8Array>, parts: PartQueue): Promise<void> {
  try {
    for await (const chunk of body) {
      if (parts.stopped) return;
      parts.coming(chunk);
      if (!parser.write(chunk)) await parts.roomFor(parser);
    }
    if (!parts.stopped) parser.end();
  } catch (error) {
    parts.fail(asError(error));
  }
}

/** Turns the parser's events into parts to be awaited. Holds at most what one chunk of the body can start. */
class PartQueue {
  readonly #options: MultipartOptions;
  readonly #partsMax: number;
  readonly #ready: Part[] = [];
  readonly #names = new Set<string>();
  /** Files that were not read to their end. The parser runs ahead within a chunk, so there may be several. */
  readonly #open = new Map<Part, Readable>();
  /** Chunks of the body by their memory: what the parser gives out are parts of them. */
  readonly #chunks = new WeakMap<ArrayBufferLike, Uint8Array>();
  #seen = 0;
  #ended = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;
  #roomy: (() => void) | undefined;
  stopped = false;

  constructor(parser: BusboyInstance, options: MultipartOptions, partsMax: number) {
    this.#options = options;
    this.#partsMax = partsMax;
    parser.on('file', (name, stream, fileName, _encoding, contentType) =>
      this.#file(name, stream, fileName, contentType),
    );
    parser.on('field', (name, value, _nameTruncated, valueTruncated) => this.#field(name, value, valueTruncated));
    parser.on('partsLimit', () => this.fail(tooMany(partsMax)));
    parser.on('drain', () => this.#roomy?.());
    parser.on('error', (error) => this.fail(error instanceof MusterError ? error : truncated(error)));
    parser.on('finish', () => {
      this.#ended = true;
      this.#poke();
    });
  }

  async next(): Promise<Part | undefined> {
    for (;;) {
      if (this.#failure) throw this.#failure;
      const part = this.#ready.shift();
      if (part) return part;
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The parser is about to read this chunk of the body. */
  coming(chunk: Uint8Array): void {
    if (isWhole(chunk)) this.#chunks.set(chunk.buffer, chunk);
  }

  /** The caller is done with the part it has; bytes of it that it did not want must not block the next. */
  skipRest(part: Part): void {
    this.#open.get(part)?.resume();
    this.#open.delete(part);
  }

  fail(error: Error): void {
    this.#failure ??= error;
    for (const stream of this.#open.values()) stream.destroy(this.#failure);
    this.#poke();
  }

  stop(): void {
    this.stopped = true;
    for (const stream of this.#open.values()) stream.resume();
    this.#poke();
  }

  /** Resolves when the parser takes more, or when nobody wants more. */
  async roomFor(parser: BusboyInstance): Promise<void> {
    if (this.stopped || this.#failure || !parser.writableNeedDrain) return;
    await new Promise<void>((resolve) => {
      this.#roomy = resolve;
    });
  }

  #poke(): void {
    this.#wake?.();
    if (this.stopped || this.#failure) this.#roomy?.();
  }

  #push(part: Part): void {
    this.#ready.push(part);
    this.#poke();
  }

  #count(name: string): boolean {
    if (++this.#seen > this.#partsMax || (this.#options.repeated !== 'allow' && this.#names.has(name))) {
      this.fail(tooMany(this.#partsMax));
      return false;
    }
    this.#names.add(name);
    return true;
  }

  #field(name: string, value: string, valueTruncated: boolean): void {
    if (!this.#count(name)) return;
    const most = this.#options.fieldBytesMax ?? 64 * 1024;
    if (valueTruncated || Buffer.byteLength(value) > most) {
      return this.fail(
        invalid('field_too_long', `The field ${name} is longer than ${most} bytes.`, {
          errors: [{ pointer: `/${name}`, detail: 'too long' }],
        }),
      );
    }
    try {
      checkText(value, `/${name}`);
    } catch (error) {
      return this.fail(asError(error));
    }
    this.#push({ kind: 'field', name, value });
  }

  #file(name: string, stream: BusboyFileStream, fileName: string, contentType: string): void {
    // A part that breaks off must not crash the process: whoever reads the stream gets the error, the queue too.
    stream.on('error', (error) => this.fail(error instanceof MusterError ? error : truncated(error)));
    const bytesMax = this.#options.fileBytesMax(name);
    if (bytesMax === undefined) {
      stream.resume();
      return this.fail(
        invalid('unknown_part', `There is no file part ${JSON.stringify(name.slice(0, 64))} here.`, {
          errors: [{ pointer: `/${name}`, detail: 'unknown part' }],
        }),
      );
    }
    if (!this.#count(name)) return void stream.resume();
    const part: Part = { kind: 'file', name, fileName, contentType, stream: this.#counted(name, stream, bytesMax) };
    this.#open.set(part, stream);
    this.#push(part);
  }

  async *#counted(name: string, stream: BusboyFileStream, bytesMax: number): AsyncGenerator<Uint8Array, void, void> {
    let bytes = 0;
    let before: Uint8Array | undefined;
    try {
      for await (const piece of stream as AsyncIterable<Buffer>) {
        bytes += piece.length;
        if (bytes > bytesMax) throw this.#tooLarge(name, bytesMax);
        // A file that goes on in another chunk has left the one before, all of which the parser has read: its memory can
        // go, because the caller gets bytes of its own.
        const chunk = this.#chunks.get(piece.buffer);
        if (chunk !== before) release(before);
        before = chunk;
        yield chunk ? Buffer.from(piece) : piece;
      }
    } catch (error) {
      // The parser's own words for a cut are not ours; the failure that came first is.
      throw this.#failure ?? (error instanceof MusterError ? error : truncated(error));
    }
    if (this.#failure) throw this.#failure;
  }

  #tooLarge(name: string, bytesMax: number): MusterError {
    return (
      this.#options.fileTooLarge?.(name, bytesMax) ??
      invalid('body_too_large', `The part ${name} is larger than the ${bytesMax} bytes allowed here.`, {
        status: 413,
        extra: { bytesMax, part: name },
      })
    );
  }
}

const tooMany = (partsMax: number): MusterError =>
  invalid('too_many_parts', `A body may have ${partsMax} parts, each name once.`, { extra: { partsMax } });
