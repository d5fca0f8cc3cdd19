import type { BuildQueue, BuildState, PauseQueue, Registered, RegisterWorkerInput, Worker } from '@muster/protocol';
import type { Connection } from './base/connection.ts';

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

  list(query: { limit?: number; cursor?: string } = {}): Promise<{ items: Worker[]; nextCursor: string | null }> {
    return this.#connection.call('GET', '/v1/workers', { query });
  }

  get(id: string): Promise<Worker> {
    return this.#connection.call('GET', at(id));
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

  list(): Promise<{ items: BuildQueue[] }> {
    return this.#connection.call('GET', '/v1/queues');
  }

  pause(name: string, input: PauseQueue): Promise<BuildQueue> {
    return this.#connection.call('POST', `/v1/queues/${encodeURIComponent(name)}/pause`, { json: input });
  }

  resume(name: string): Promise<BuildQueue> {
    return this.#connection.call('POST', `/v1/queues/${encodeURIComponent(name)}/resume`, { json: {} });
  }
}
