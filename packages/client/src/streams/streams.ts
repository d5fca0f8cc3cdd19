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
  /** For `retain`, and only there; `null` takes rules away. */
  retention?: StreamRetention | null;
  /** Counts only. */
  dryRun?: boolean;
};
export type BulkStreamsJob = {
  jobId: string;
  action: BulkStreams['action'];
  prefix: string;
  dryRun: boolean;
  state: 'queued' | 'running' | 'done' | 'failed';
  matched: number;
  changed: number;
  /** Streams of rooms, and those that were refused. */
  skipped: number;
  refused: { path: string; reason: string; detail: string }[];
  createdAt: string;
  finishedAt: string | null;
};

export type StreamSettings = { publicRead: string[]; version: number };

export type NewStreamToken = {
  /** Patterns: `*` is one segment, `**` any number of them. */
  paths: readonly string[];
  operations: readonly ('read' | 'append')[];
  /** At most 24 h; 1 h unless said. */
  ttlMs?: number;
  /** Producer ids must begin with it. */
  producerPrefix?: string;
  /** May be exchanged for a fresh one, until a day after this. */
  renewable?: boolean;
  /** Your name for the end user; all tokens of one are revoked together. */
  subject?: string;
};
/** `refreshAt`: a good moment to ask for the next one. */
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

  /** A job that goes through all streams below a prefix; `bulkJob` tells how far it is. */
  bulk(body: BulkStreams): Promise<BulkStreamsJob> {
    return this.#connection.call('POST', '/v1/streams/bulk', { json: body });
  }

  bulkJob(id: string): Promise<BulkStreamsJob> {
    return this.#connection.call('GET', `/v1/streams/bulk/${encodeURIComponent(id)}`);
  }

  /** Which streams anybody may read, as patterns. Version 0: nothing was ever set. */
  settings(): Promise<StreamSettings> {
    return this.#connection.call('GET', '/v1/stream-settings');
  }

  changeSettings(change: { publicRead: readonly string[] }, version?: number): Promise<StreamSettings> {
    return this.#connection.call('PUT', '/v1/stream-settings', {
      json: change,
      ...(version === undefined ? {} : { headers: { 'if-match': `"${version}"` } }),
    });
  }

  /** A token for a browser: these streams, these operations, nothing else, and not for long. */
  createToken(input: NewStreamToken): Promise<StreamToken> {
    return this.#connection.call('POST', '/v1/stream-tokens', { json: input });
  }

  /** A fresh token for a renewable one, which is the credential here; with the same rights or fewer. */
  renewToken(
    token: string,
    fewer: Pick<Partial<NewStreamToken>, 'paths' | 'operations' | 'ttlMs'> = {},
  ): Promise<StreamToken> {
    const headers = { authorization: `Bearer ${token}` };
    return this.#connection.call('POST', '/v1/stream-tokens/refresh', { json: fewer, headers });
  }

  /** Ends every token of an end user at once, open readers included. */
  async revokeTokens(subject: string): Promise<void> {
    await this.#connection.call('POST', `/v1/end-users/${encodeURIComponent(subject)}/revoke-tokens`);
  }

  /** A durable cursor over many streams, which wakes a worker. */
  subscription(id: string): Subscription {
    return new Subscription(this.#connection, id);
  }
}

const at = (path: string): string => `/v1/streams/${encodeURIComponent(path)}`;
