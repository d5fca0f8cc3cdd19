import type { Page } from '@muster/protocol';
import type { Connection } from '../base/connection.ts';
import { Subscription } from './subscription.ts';

export type StreamRetention = { maxAgeMs?: number; maxBytes?: number; maxMessages?: number };

/** One stream in a list: what it holds, how long it is kept and who reads it. */
export type StreamItem = {
  path: string;
  url: string;
  contentType: string;
  firstOffset: string;
  nextOffset: string;
  messages: number;
  bytes: number;
  closed: boolean;
  ttlSeconds: number | null;
  expiresAt: string | null;
  retention: StreamRetention | null;
  forkedFrom: string | null;
  /** Live readers. */
  followers: number;
  createdAt: string;
  updatedAt: string;
  version: number;
};

/** `null` takes a rule away; a TTL and an instant replace each other. */
export type ChangeStream = {
  retention?: StreamRetention | null;
  ttlSeconds?: number | null;
  expiresAt?: string | null;
};

export type BulkStreams = {
  action: 'delete' | 'close' | 'retain';
  filter: { prefix: string };
  retention?: StreamRetention;
  dryRun?: boolean;
};

export type NewStreamToken = {
  /** Patterns: `*` is one segment, `**` any number of them. */
  paths: readonly string[];
  operations: readonly ('read' | 'append')[];
  /** At most 24 h; 1 h unless said. */
  ttlMs?: number;
  /** Producer ids must begin with it. */
  producerPrefix?: string;
  renewable?: boolean;
};
export type StreamToken = { token: string; expiresAt: string; refreshAt: string };

/** The streams of the project: finding and keeping them. One of them is `client.stream(path)`. */
export class Streams {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** By path. */
  list(query: { prefix?: string; closed?: boolean; limit?: number; cursor?: string } = {}): Promise<Page<StreamItem>> {
    return this.#connection.call('GET', '/v1/streams', { query });
  }

  get(path: string): Promise<StreamItem> {
    return this.#connection.call('GET', at(path));
  }

  /** With `version`, refused (`conflict` `version_conflict`) when somebody was faster. */
  configure(path: string, change: ChangeStream, version?: number): Promise<StreamItem> {
    return this.#connection.call('PATCH', at(path), {
      json: change,
      ...(version === undefined ? {} : { headers: { 'if-match': `"${version}"` } }),
    });
  }

  /** The answer names the job that does it, and how many streams it is about. */
  bulk<T = Record<string, unknown>>(body: BulkStreams): Promise<T> {
    return this.#connection.call('POST', '/v1/streams/bulk', { json: body });
  }

  /** A token for a browser: these streams, these operations, nothing else, and not for long. */
  createToken(input: NewStreamToken): Promise<StreamToken> {
    return this.#connection.call('POST', '/v1/stream-tokens', { json: input });
  }

  /** A durable cursor over many streams, which wakes a worker. */
  subscription(id: string): Subscription {
    return new Subscription(this.#connection, id);
  }
}

const at = (path: string): string => `/v1/streams/${encodeURIComponent(path)}`;
