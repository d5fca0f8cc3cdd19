import { MusterError } from '@muster/protocol/errors';
import type { Connection } from '../base/connection.ts';
import { addressOf } from './address.ts';
import { bodyOf, type Content, encode, typeFor } from './content.ts';
import { type Batch, type FollowOptions, followStream, type ReadOptions } from './follow-stream.ts';
import { Producer, type ProducerOptions } from './producer.ts';

export type StreamConfiguration = {
  /** Default `application/octet-stream`. `application/json` streams take and give one value a message. */
  contentType?: string;
  /** Seconds without a read or write after which the stream goes away. */
  ttlSeconds?: number;
  /** Instant at which the stream goes away, ISO 8601. Not together with `ttlSeconds`. */
  expiresAt?: string;
  /** Nothing can be appended but what is given now. */
  closed?: boolean;
};
export type CreateOptions = StreamConfiguration & { data?: Content };
/** Where a fork parts from its source: an offset of the source (its tail when left out) and so many messages or bytes on. */
export type ForkOptions = CreateOptions & { at?: string; sub?: number };
export type AppendOptions = {
  contentType?: string;
  /** Together with the message, or alone when there is none: nothing can follow. */
  close?: boolean;
  /** Refused (`conflict` `tail_moved`) unless the stream ends here. */
  expectedOffset?: string;
  /** Refused (`conflict` `writer_seq`) unless it is greater, byte by byte, than the last one given. */
  writerSeq?: string;
  signal?: AbortSignal;
};
export type StreamHead = {
  contentType: string;
  /** The tail: what is appended next comes behind it. */
  next: string;
  /** The first offset that can be read; absent on servers that do not say. */
  first: string | undefined;
  closed: boolean;
  ttlSeconds: number | undefined;
  expiresAt: string | undefined;
};
export type StreamTail = { next: string; closed: boolean };

/** One stream: a URL that remembers its order. All of it works against any server of the Durable Streams protocol 1.0. */
export class Stream {
  readonly path: string;
  /** Where it is on the server, below its URL. */
  readonly address: string;
  readonly #connection: Connection;
  #contentType: string | undefined;

  /** `path`: 1-16 segments; `contentType` when it is known, else it is guessed from what is appended. */
  constructor(connection: Connection, path: string, contentType?: string) {
    this.path = path.replace(/^\/v1\/stream\//, '');
    this.address = addressOf(this.path);
    this.#connection = connection;
    this.#contentType = contentType;
  }

  /** Makes the stream, or makes sure that it is there with these settings: else `conflict` `stream_differs`. */
  async create(options: CreateOptions = {}): Promise<StreamTail & { created: boolean }> {
    return this.#put(options, {});
  }

  /**
   * Appends one message and resolves when it is safe on the server. Sent once: after `unavailable` it may be there or not.
   * Where that matters use a `producer`.
   */
  async append(data: Content, options: AppendOptions = {}): Promise<StreamTail> {
    return this.#post(data, options);
  }

  /** Ends the stream for ever, with a last message if there is one. What is there can still be read. */
  async close(data?: Content, options: AppendOptions = {}): Promise<StreamTail> {
    return this.#post(data, { ...options, close: true });
  }

  async head(signal?: AbortSignal): Promise<StreamHead> {
    const { headers } = await this.#connection
      .send('HEAD', this.address, { signal, cache: 'no-store' })
      .catch((error: unknown) => {
        throw this.#worded(error);
      });
    const ttl = headers.get('stream-ttl');
    this.#contentType = headers.get('content-type') ?? this.#contentType;
    return {
      contentType: this.#contentType ?? '',
      ...tailOf(headers),
      first: headers.get('stream-first-offset') ?? undefined,
      ttlSeconds: ttl === null ? undefined : Number(ttl),
      expiresAt: headers.get('stream-expires-at') ?? undefined,
    };
  }

  /** What is there by now, in parts, to the tail. Survives cuts like `follow`. */
  read<T = unknown>(options: ReadOptions = {}): AsyncGenerator<Batch<T>, void> {
    return this.follow<T>({ ...options, once: true });
  }

  /**
   * Everything from any point on, as it comes, until the stream is closed: over cuts, restarts and expired tokens.
   *
   * @example
   * for await (const { records, next } of client.stream('demo/log').follow<{ n: number }>({ from: kept })) {
   *   await store(records, next);
   * }
   */
  follow<T = unknown>(options: FollowOptions = {}): AsyncGenerator<Batch<T>, void> {
    const at = { connection: this.#connection, address: this.address, raw: options.raw === true };
    return followStream<T>(at, options);
  }

  /** Gone with everything in it. `notFound` when there is none. */
  async delete(signal?: AbortSignal): Promise<void> {
    await this.#connection.send('DELETE', this.address, { signal });
  }

  /** A new stream at `path` that begins with what this one holds, without copying, and then goes its own way. */
  async fork(path: string, { at, sub, ...options }: ForkOptions = {}): Promise<Stream> {
    const contentType = options.contentType ?? this.#contentType;
    const fork = new Stream(this.#connection, path, contentType);
    await fork.#put(options, {
      'stream-forked-from': this.address,
      ...(at === undefined ? {} : { 'stream-fork-offset': at }),
      ...(sub === undefined ? {} : { 'stream-fork-sub-offset': String(sub) }),
    });
    return fork;
  }

  /**
   * A writer that neither loses nor repeats: `id` names it to the server, one for each process that writes at the same time.
   * Without one it gets a name that nobody else has.
   */
  producer(id: string = crypto.randomUUID(), options: ProducerOptions = {}): Producer {
    const contentType = options.contentType ?? this.#contentType;
    return new Producer(this.#connection, this, id, {
      ...options,
      ...(contentType === undefined ? {} : { contentType }),
    });
  }

  /** An answer to HEAD has no body that could say what is wrong. */
  #worded(error: unknown): unknown {
    if (!(error instanceof MusterError)) return error;
    const { code, status, retryAfterMs, extra } = error;
    const said: Record<number, [reason: string, detail: string]> = {
      401: ['no_credential', 'The server knows no such credential, or there was none.'],
      403: ['forbidden', `This credential may not see the stream ${this.path}.`],
      404: ['stream_unknown', `There is no stream ${this.path}.`],
      410: ['kept_for_forks', `The stream ${this.path} was removed; it is only kept for its forks.`],
    };
    const words = said[status];
    if (!words) return error;
    const [reason, detail] = words;
    return new MusterError(code, {
      reason,
      detail,
      status,
      extra,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  }

  async #put(options: CreateOptions, fork: Record<string, string>): Promise<StreamTail & { created: boolean }> {
    const { data, ttlSeconds, expiresAt, closed } = options;
    // A fork has its source's type: nothing is said, so nothing can differ.
    const inherits = 'stream-forked-from' in fork && options.contentType === undefined && data === undefined;
    const contentType = options.contentType ?? this.#contentType ?? (data === undefined ? undefined : typeFor(data));
    const answer = await this.#connection.send('PUT', this.address, {
      headers: {
        ...(contentType === undefined || inherits ? {} : { 'content-type': contentType }),
        ...(ttlSeconds === undefined ? {} : { 'stream-ttl': String(ttlSeconds) }),
        ...(expiresAt === undefined ? {} : { 'stream-expires-at': expiresAt }),
        ...(closed ? { 'stream-closed': 'true' } : {}),
        ...fork,
      },
      ...(data === undefined ? {} : { body: bodyFor(data, contentType ?? typeFor(data)) }),
    });
    await answer.body?.cancel();
    this.#contentType = answer.headers.get('content-type') ?? contentType;
    return { created: answer.status === 201, ...tailOf(answer.headers) };
  }

  async #post(data: Content | undefined, options: AppendOptions): Promise<StreamTail> {
    const contentType = options.contentType ?? this.#contentType ?? (data === undefined ? undefined : typeFor(data));
    const answer = await this.#connection.send('POST', this.address, {
      headers: {
        ...(data === undefined || contentType === undefined ? {} : { 'content-type': contentType }),
        ...(options.close ? { 'stream-closed': 'true' } : {}),
        ...(options.expectedOffset === undefined ? {} : { 'stream-expected-offset': options.expectedOffset }),
        ...(options.writerSeq === undefined ? {} : { 'stream-seq': options.writerSeq }),
      },
      signal: options.signal,
      ...(data === undefined ? {} : { body: bodyFor(data, contentType ?? typeFor(data)) }),
    });
    await answer.body?.cancel();
    return tailOf(answer.headers);
  }
}

const bodyFor = (data: Content, contentType: string): string | Uint8Array<ArrayBuffer> =>
  bodyOf([encode(data, contentType)], contentType);

const tailOf = (headers: Headers): StreamTail => ({
  next: headers.get('stream-next-offset') ?? '',
  closed: headers.get('stream-closed') === 'true',
});
