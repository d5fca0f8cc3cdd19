import type {
  Build,
  BuildEventRecord,
  BuildSpecInput,
  BuildStats,
  BuildSummary,
  BulkAnswer,
  ChangeBuild,
  LogHits,
  LogPage,
  LogRecord,
  Page,
  RetryBuild,
  Submitted,
} from '@muster/protocol';
import type { Connection } from './base/connection.ts';
import { defaultPatience, type Patience, patiently } from './base/patience.ts';
import { type DownloadOptions, download } from './download.ts';
import type { Batch, FollowOptions } from './streams/follow-stream.ts';
import { Stream } from './streams/stream.ts';
import { type UploadOptions, upload } from './upload.ts';

export type BuildFilter = {
  state?: string;
  queue?: string;
  platform?: string;
  tag?: string;
  worker?: string;
  key?: string;
  since?: string;
  until?: string;
  /** Several with commas. */
  ids?: string;
  attribution?: string;
  failure?: string;
  retried?: boolean;
  q?: string;
};
export type LogQuery = {
  /** Part of a line, or an expression with `regex`. */
  q?: string;
  regex?: boolean;
  level?: 'info' | 'warn' | 'error';
  /** Hits from this line on, or backwards from it with `back`. */
  from?: number;
  back?: boolean;
  limit?: number;
  /** False ends the search with the last hit asked for. */
  count?: boolean;
};
export type TelemetryPoint = {
  at: string;
  cpuPercent: number | null;
  memoryMb: number | null;
  diskPercent: number | null;
  processes: number | null;
  stage: string | null;
};
export type BlobSource = { uploadId: string } | { fromBuild: string };

const at = (id: string): string => `/v1/builds/${encodeURIComponent(id)}`;

/** Everything a person or a CI job does with builds. */
export class Builds {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Uploads a source archive (zip, tar.gz or tar.zst), resumable, and submits it. Repeating the call with the same
   * `idempotencyKey` gives the first build again.
   */
  async submit(
    spec: BuildSpecInput & { failIfNoWorker?: boolean },
    files: { source: Blob | BlobSource; certs?: Blob | BlobSource },
    options: UploadOptions & { idempotencyKey?: string } = {},
  ): Promise<Submitted> {
    const stored = async (content: Blob | BlobSource, purpose: 'source' | 'certs'): Promise<BlobSource> =>
      content instanceof Blob ? { uploadId: (await upload(this.#connection, purpose, content, options)).id } : content;
    const source = await stored(files.source, 'source');
    const certs = files.certs ? await stored(files.certs, 'certs') : undefined;
    return this.#connection.call('POST', '/v1/builds', {
      json: { ...spec, source, ...(certs ? { certs } : {}) },
      signal: options.signal,
      ...(options.idempotencyKey ? { headers: { 'idempotency-key': options.idempotencyKey } } : {}),
    });
  }

  list(
    filter: BuildFilter & { limit?: number; cursor?: string } = {},
    signal?: AbortSignal,
  ): Promise<Page<BuildSummary>> {
    return this.#connection.call('GET', '/v1/builds', { query: filter, signal });
  }

  /** How many match, up to 10,000. */
  count(filter: BuildFilter = {}, signal?: AbortSignal): Promise<{ count: number; exact: boolean }> {
    return this.#connection.call('GET', '/v1/builds/count', { query: filter, signal });
  }

  /** One build, whole. With `until` it parks up to `waitMs` (≤ 55 s) for that moment. */
  get(id: string, wait?: { until: 'running' | 'finished'; waitMs: number; signal?: AbortSignal }): Promise<Build> {
    return this.#connection.call('GET', at(id), {
      query: wait ? { until: wait.until, wait: `${wait.waitMs}ms` } : {},
      signal: wait?.signal,
    });
  }

  /** Waits for the end of a build, however long it takes, also over cuts and restarts of the server. */
  async finished(id: string, signal?: AbortSignal, patience: Partial<Patience> = {}): Promise<Build> {
    const lasting = { ...defaultPatience, retries: Number.POSITIVE_INFINITY, ...patience, signal };
    const wait = { until: 'finished' as const, waitMs: 50_000, ...(signal ? { signal } : {}) };
    for (;;) {
      const build = await patiently(lasting, () => this.get(id, wait));
      if (build.finishedAt !== null) return build;
    }
  }

  cancel(id: string, reason?: string): Promise<Build> {
    return this.#connection.call('POST', `${at(id)}/cancel`, { json: reason === undefined ? {} : { reason } });
  }

  retry(id: string, change: RetryBuild = {}): Promise<Submitted> {
    return this.#connection.call('POST', `${at(id)}/retry`, { json: change });
  }

  /** With `version`, refused (`conflict` `version_conflict`) when somebody was faster. */
  change(id: string, change: ChangeBuild, version?: number): Promise<Build> {
    return this.#connection.call('PATCH', at(id), {
      json: change,
      ...(version === undefined ? {} : { headers: { 'if-match': `"${version}"` } }),
    });
  }

  bulk(body: unknown): Promise<BulkAnswer> {
    return this.#connection.call('POST', '/v1/builds/bulk', { json: body });
  }

  /** How far a bulk action is. */
  readBulk(jobId: string): Promise<BulkAnswer> {
    return this.#connection.call('GET', `/v1/builds/bulk/${encodeURIComponent(jobId)}`);
  }

  /** What is not done yet stays undone. */
  stopBulk(jobId: string): Promise<BulkAnswer> {
    return this.#connection.call('POST', `/v1/builds/bulk/${encodeURIComponent(jobId)}/stop`, { json: {} });
  }

  /** What the machine of a build measured after a moment, oldest first. */
  telemetry(id: string, after?: string): Promise<{ items: TelemetryPoint[] }> {
    return this.#connection.call('GET', `${at(id)}/telemetry`, { query: { after } });
  }

  stats(query: { window?: string; by?: string } = {}): Promise<BuildStats> {
    return this.#connection.call('GET', '/v1/builds/stats', { query });
  }

  /** Lines of the log by number, at most 2,000; `next` is where `log` goes on behind the last one. */
  logLines(
    id: string,
    part: { from: number; limit?: number; whole?: boolean } | { tail: number },
    signal?: AbortSignal,
  ): Promise<LogPage> {
    return this.#connection.call('GET', `${at(id)}/log/lines`, { query: part, signal });
  }

  /** Searches the whole log on the server. */
  findInLog(id: string, query: LogQuery, signal?: AbortSignal): Promise<LogHits> {
    return this.#connection.call('GET', `${at(id)}/log/find`, { query, signal });
  }

  /** The build's log from any point, live until the build is done. */
  log(id: string, options?: FollowOptions): AsyncGenerator<Batch<LogRecord>, void> {
    return new Stream(this.#connection, `builds/${id}/log`).follow<LogRecord>(options);
  }

  /** What happens to one build, or, with the id `all`, to all builds of the project. */
  events(id: string, options?: FollowOptions): AsyncGenerator<Batch<BuildEventRecord>, void> {
    const path = id === 'all' ? 'builds/events' : `builds/${id}/events`;
    return new Stream(this.#connection, path).follow<BuildEventRecord>(options);
  }

  download(
    id: string,
    artifact: string,
    write: (chunk: Uint8Array) => void | Promise<void>,
    options?: DownloadOptions,
  ): Promise<{ bytes: number; sha256: string | undefined }> {
    return download(this.#connection, `${at(id)}/artifacts/${encodeURIComponent(artifact)}`, write, options);
  }
}
