import type {
  BuildQueue,
  BuildState,
  BuildSummary,
  Diagnostics,
  Page,
  PauseQueue,
  Registered,
  RegisterWorkerInput,
  Worker,
} from '@muster/protocol';
import type { Connection } from './base/connection.ts';

/** What a worker found out about itself, as it is kept. */
export type DiagnosticsReport = Diagnostics & { id: string; workerId: string; runAt: string; createdAt: string };

const at = (id: string): string => `/v1/workers/${encodeURIComponent(id)}`;

/** The machines that pull builds. */
export class Workers {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  register(input: RegisterWorkerInput): Promise<Registered> {
    return this.#connection.call('POST', '/v1/workers', { json: input });
  }

  list(
    query: { limit?: number; cursor?: string } = {},
    signal?: AbortSignal,
  ): Promise<{ items: Worker[]; nextCursor: string | null }> {
    return this.#connection.call('GET', '/v1/workers', { query, signal });
  }

  get(id: string, signal?: AbortSignal): Promise<Worker> {
    return this.#connection.call('GET', at(id), { signal });
  }

  drain(id: string, reason: string): Promise<Worker> {
    return this.#connection.call('POST', `${at(id)}/drain`, { json: { reason } });
  }

  resume(id: string): Promise<Worker> {
    return this.#connection.call('POST', `${at(id)}/resume`, { json: {} });
  }

  /** Takes a build away; answers where the build stands then. */
  evict(id: string, buildId: string): Promise<{ state: BuildState }> {
    return this.#connection.call('POST', `${at(id)}/evict`, { json: { buildId } });
  }

  /** Its reports, newest first. */
  diagnostics(
    id: string,
    query: { limit?: number; cursor?: string } = {},
  ): Promise<{ items: DiagnosticsReport[]; nextCursor: string | null }> {
    return this.#connection.call('GET', `${at(id)}/diagnostics`, { query });
  }

  /** Another token, shown once; the one before stays valid for 60 s. */
  newToken(id: string): Promise<Registered> {
    return this.#connection.call('POST', `${at(id)}/token`, { json: {} });
  }

  async remove(id: string): Promise<void> {
    await this.#connection.call('DELETE', at(id));
  }
}

/** The lines builds wait in. */
export class Queues {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  list(signal?: AbortSignal): Promise<{ items: BuildQueue[] }> {
    return this.#connection.call('GET', '/v1/queues', { signal });
  }

  /** What waits in a queue, first what is taken first. */
  line(
    name: string,
    query: { limit?: number; cursor?: string } = {},
    signal?: AbortSignal,
  ): Promise<Page<BuildSummary>> {
    return this.#connection.call('GET', `/v1/queues/${encodeURIComponent(name)}/line`, { query, signal });
  }

  pause(name: string, input: PauseQueue): Promise<BuildQueue> {
    return this.#connection.call('POST', `/v1/queues/${encodeURIComponent(name)}/pause`, { json: input });
  }

  resume(name: string): Promise<BuildQueue> {
    return this.#connection.call('POST', `/v1/queues/${encodeURIComponent(name)}/resume`, { json: {} });
  }
}
