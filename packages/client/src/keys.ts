import type { ApiKey, KeyRequest, ListedKey, Page, Scope } from '@muster/protocol';
import type { Connection } from './base/connection.ts';

export type NewKey = { name: string; scopes: readonly Scope[]; expiresAt?: string; addresses?: readonly string[] };

/** API keys of the credential's project. */
export class Keys {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  list(query: { limit?: number; cursor?: string } = {}, signal?: AbortSignal): Promise<Page<ListedKey>> {
    return this.#connection.call('GET', '/v1/keys', { query, signal });
  }

  /** Its last calls, newest first. */
  requests(
    id: string,
    query: { limit?: number; cursor?: string } = {},
    signal?: AbortSignal,
  ): Promise<Page<KeyRequest>> {
    return this.#connection.call('GET', `/v1/keys/${encodeURIComponent(id)}/requests`, { query, signal });
  }

  /** `secret` is the whole key, shown this once. */
  create(input: NewKey): Promise<ApiKey & { secret: string }> {
    return this.#connection.call('POST', '/v1/keys', { json: input });
  }

  /** A new secret under the same id; the old one stays good for `overlapMs` (24 h unless said, 7 days at most). */
  rotate(id: string, overlapMs?: number): Promise<ApiKey & { secret: string }> {
    return this.#connection.call('POST', `/v1/keys/${encodeURIComponent(id)}/rotate`, {
      json: overlapMs === undefined ? {} : { overlapMs },
    });
  }

  /** Ends a key at once; revoking twice is the same as once. */
  revoke(id: string): Promise<ApiKey> {
    return this.#connection.call('POST', `/v1/keys/${encodeURIComponent(id)}/revoke`);
  }
}
