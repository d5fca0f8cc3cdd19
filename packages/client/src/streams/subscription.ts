import { MusterError } from '@muster/protocol/errors';
import type { Connection } from '../base/connection.ts';

/* Subscriptions keep the names the open protocol gives them on the wire. */

export type SubscriptionSettings = {
  type: 'webhook' | 'pull-wake';
  /** `*` is one segment, `**` any number; at least one of `pattern` and `streams`. */
  pattern?: string;
  streams?: readonly string[];
  webhook?: { url: string };
  /** An existing stream that wake events are appended to. */
  wake_stream?: string;
  /** 1 s to 10 min; 30 s unless said. */
  lease_ttl_ms?: number;
  description?: string;
};

export type SubscribedStream = { path: string; link_type: string; acked_offset: string };
export type SubscriptionInfo = Omit<SubscriptionSettings, 'streams' | 'webhook'> & {
  id: string;
  streams: SubscribedStream[];
  webhook?: { url: string; signing: { alg: string; kid: string; jwks_url: string } };
  created_at: string;
  status: 'active' | 'failed';
};

/** What there is to do, for whoever holds it, until the lease ends. */
export type Wake = {
  wake_id: string;
  generation: number;
  token: string;
  streams: (SubscribedStream & { tail_offset: string; has_pending: boolean })[];
  lease_ttl_ms: number;
};
/** `offset`: read up to and including. */
export type Ack = { stream: string; offset: string };

/** One durable cursor over many streams (`/v1/stream/__ds/subscriptions/…`). */
export class Subscription {
  readonly id: string;
  readonly #connection: Connection;
  readonly #at: string;

  constructor(connection: Connection, id: string) {
    this.id = id;
    this.#connection = connection;
    this.#at = `/v1/stream/__ds/subscriptions/${encodeURIComponent(id)}`;
  }

  /** Makes it, or makes sure that it is there with these settings: else `conflict`. */
  create(settings: SubscriptionSettings): Promise<SubscriptionInfo> {
    return this.#connection.call('PUT', this.#at, { json: settings });
  }

  get(): Promise<SubscriptionInfo> {
    return this.#connection.call('GET', this.#at);
  }

  async delete(): Promise<void> {
    await this.#connection.call('DELETE', this.#at);
  }

  async add(streams: readonly string[]): Promise<void> {
    await this.#connection.call('POST', `${this.#at}/streams`, { json: { streams } });
  }

  async remove(stream: string): Promise<void> {
    await this.#connection.call('DELETE', `${this.#at}/streams/${encodeURIComponent(stream)}`);
  }

  /** Takes what waits; `undefined` when nothing does. `conflict` while another worker holds it. */
  async claim(worker: string): Promise<Wake | undefined> {
    try {
      return await this.#connection.call<Wake>('POST', `${this.#at}/claim`, { json: { worker } });
    } catch (error) {
      if (error instanceof MusterError && codeOf(error) === 'NO_PENDING_WORK') return undefined;
      throw error;
    }
  }

  /** Moves the cursors; without `done` it also extends the lease. `next_wake`: there is more already. */
  ack(wake: Wake, acks: readonly Ack[], done = false): Promise<{ ok: boolean; next_wake: boolean }> {
    const { wake_id, generation } = wake;
    return this.#withToken(wake, 'ack', { wake_id, generation, acks, ...(done ? { done } : {}) });
  }

  async release(wake: Wake): Promise<void> {
    await this.#withToken(wake, 'release', { wake_id: wake.wake_id, generation: wake.generation });
  }

  /** The wake's own token opens it, whatever credential the client has. */
  #withToken<T>(wake: Wake, verb: string, json: object): Promise<T> {
    const headers = { authorization: `Bearer ${wake.token}` };
    return this.#connection.call<T>('POST', `${this.#at}/${verb}`, { json, headers });
  }
}

/** Subscription calls carry the protocol's own upper-case code beside ours. */
const codeOf = ({ extra }: MusterError): unknown => (extra['error'] as { code?: unknown } | undefined)?.code;
