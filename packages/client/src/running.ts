import type {
  ActivityPage,
  Checklist,
  ConfigAnswer,
  JobDetail,
  JobSummary,
  Overview,
  OverviewWindow,
  Page,
  Resolved,
  SearchAnswer,
  Series,
  System,
} from '@muster/protocol';
import type { Connection } from './base/connection.ts';

export type ActivityFilter = {
  area?: string;
  kind?: string;
  actor?: string;
  q?: string;
  since?: string;
  until?: string;
  limit?: number;
  cursor?: string;
};
export type SeriesAsked = { metric: string; from?: string; to?: string; step?: string; node?: string };

/** What runs, what happened, where things are, and how the machine is. */
export class Running {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  overview(query: { window?: OverviewWindow; tz?: string } = {}, signal?: AbortSignal): Promise<Overview> {
    return this.#connection.call('GET', '/v1/overview', { query, signal });
  }

  /** Newest first. A page may be short, or empty, and lead on all the same. */
  activity(query: ActivityFilter = {}, signal?: AbortSignal): Promise<ActivityPage> {
    return this.#connection.call('GET', '/v1/activity', { query, signal });
  }

  search(q: string, limit?: number, signal?: AbortSignal): Promise<SearchAnswer> {
    return this.#connection.call('GET', '/v1/search', {
      query: { q, ...(limit === undefined ? {} : { limit }) },
      signal,
    });
  }

  resolve(id: string, signal?: AbortSignal): Promise<Resolved> {
    return this.#connection.call('GET', `/v1/resolve/${encodeURIComponent(id)}`, { signal });
  }

  checklist(signal?: AbortSignal): Promise<Checklist> {
    return this.#connection.call('GET', '/v1/checklist', { signal });
  }

  system(signal?: AbortSignal): Promise<System> {
    return this.#connection.call('GET', '/v1/system', { signal });
  }

  /** `metric`: one or more with commas. */
  series(query: SeriesAsked, signal?: AbortSignal): Promise<Series> {
    return this.#connection.call('GET', '/v1/system/series', { query, signal });
  }

  config(signal?: AbortSignal): Promise<ConfigAnswer> {
    return this.#connection.call('GET', '/v1/config', { signal });
  }

  jobs(
    query: { state?: string; kind?: string; limit?: number; cursor?: string } = {},
    signal?: AbortSignal,
  ): Promise<Page<JobSummary>> {
    return this.#connection.call('GET', '/v1/jobs', { query, signal });
  }

  job(id: string, signal?: AbortSignal): Promise<JobDetail> {
    return this.#connection.call('GET', `/v1/jobs/${encodeURIComponent(id)}`, { signal });
  }

  cancelJob(id: string, reason: string): Promise<JobDetail> {
    return this.#connection.call('POST', `/v1/jobs/${encodeURIComponent(id)}/cancel`, { json: { reason } });
  }

  /** A failed one once more, as a new job; a waiting one at once. */
  retryJob(id: string): Promise<JobDetail> {
    return this.#connection.call('POST', `/v1/jobs/${encodeURIComponent(id)}/retry`, { json: {} });
  }

  snoozeJob(id: string, until: string): Promise<JobDetail> {
    return this.#connection.call('POST', `/v1/jobs/${encodeURIComponent(id)}/snooze`, { json: { until } });
  }
}
