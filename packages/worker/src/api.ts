import {
  type Abandon,
  type AppendLog,
  artifactSchema,
  type ChangeWorker,
  type Claim,
  type ClaimAnswer,
  claimAnswerSchema,
  type Diagnostics,
  type Fail,
  type Registered,
  type RegisterWorkerInput,
  type Result,
  registeredSchema,
  type Worker,
  workerSchema,
} from '@muster/protocol';
import { type Http, type Reader } from './http.ts';

/** Parked calls are given this much longer than their wait before they count as cut. */
const parkedSlackMs = 15_000;
const nothing: Reader<void> = { parse: () => undefined };
export type Started = { state: string; stopReason: string | null };
const startedAnswer: Reader<Started> = {
  parse(value) {
    const { state, stopReason } = (value ?? {}) as Partial<Started>;
    return { state: state ?? 'running', stopReason: stopReason ?? null };
  },
};
const offsetAnswer: Reader<{ offset: number }> = {
  parse(value) {
    const offset = (value as { offset?: unknown } | null)?.offset;
    if (typeof offset !== 'number' || !Number.isInteger(offset) || offset < 0) throw new Error('expected {offset}');
    return { offset };
  },
};

/** `idempotencyKey`: the same for every try of one start, so that a lost answer does not leave a second worker behind. */
export const registerWorker = (
  http: Http,
  apiKey: string,
  worker: RegisterWorkerInput,
  idempotencyKey: string,
  signal?: AbortSignal,
): Promise<Registered> =>
  http.json(registeredSchema, 'POST', '/v1/workers', {
    token: apiKey,
    body: worker,
    headers: { 'idempotency-key': idempotencyKey },
    signal,
  });

/** Calls of the worker as itself. */
export class WorkerApi {
  readonly http: Http;
  readonly #token: string;

  constructor(http: Http, token: string) {
    this.http = http;
    this.#token = token;
  }

  get token(): string {
    return this.#token;
  }

  /** Changes own labels or seats; with nothing to change, just the worker as the server knows it. */
  change(change: ChangeWorker, signal?: AbortSignal): Promise<Worker> {
    return this.http.json(workerSchema, 'PATCH', '/v1/workers/me', { token: this.#token, body: change, signal });
  }

  claim(claim: Claim, waitMs: number, signal: AbortSignal): Promise<ClaimAnswer> {
    const path = `/v1/workers/me/claim?wait=${waitMs}ms`;
    return this.http.json(claimAnswerSchema, 'POST', path, {
      token: this.#token,
      body: claim,
      signal,
      timeoutMs: waitMs + parkedSlackMs,
    });
  }

  async unregister(signal?: AbortSignal): Promise<void> {
    await this.http.json(nothing, 'POST', '/v1/workers/me/unregister', {
      token: this.#token,
      body: {},
      signal,
      timeoutMs: 5_000,
    });
  }

  async diagnostics(report: Diagnostics): Promise<void> {
    await this.http.json(nothing, 'POST', '/v1/workers/me/diagnostics', { token: this.#token, body: report });
  }

  attempt(buildId: string, term: number, attemptToken: string): AttemptApi {
    return new AttemptApi(this.http, { buildId, term, workerToken: this.#token, attemptToken });
  }
}

/** Calls about one attempt. Its own token opens log, source, certs and artifacts; what ends it is said as the worker. */
export class AttemptApi {
  readonly http: Http;
  readonly buildId: string;
  readonly term: number;
  /** `bld_…`: source, certs, log, uploads and artifacts of this attempt. */
  readonly token: string;
  readonly #workerToken: string;

  constructor(http: Http, of: { buildId: string; term: number; workerToken: string; attemptToken: string }) {
    this.http = http;
    this.buildId = of.buildId;
    this.term = of.term;
    this.token = of.attemptToken;
    this.#workerToken = of.workerToken;
  }

  /** Where the build stands: `cancelling` means that it must not begin. */
  start = (signal: AbortSignal): Promise<Started> => this.#say(startedAnswer, 'start', {}, signal);
  result = (result: Omit<Result, 'term'>, signal: AbortSignal): Promise<void> =>
    this.#say(nothing, 'result', result, signal);
  fail = (failure: Fail['failure'], signal: AbortSignal): Promise<void> =>
    this.#say(nothing, 'fail', { failure }, signal);
  abandon = (reason: Abandon['reason'], signal: AbortSignal): Promise<void> =>
    this.#say(nothing, 'abandon', { reason: reason.slice(0, 500) }, signal);
  stopped = (signal: AbortSignal): Promise<void> => this.#say(nothing, 'stopped', {}, signal);

  appendLog(offset: number, lines: AppendLog['lines'], signal: AbortSignal): Promise<{ offset: number }> {
    const body = { term: this.term, offset, lines };
    return this.http.json(offsetAnswer, 'POST', `${this.#build}/log`, { token: this.token, body, signal });
  }

  /** A finished upload becomes an artifact. The same name with the same digest gives the same row. */
  addArtifact(uploadId: string, name: string, signal: AbortSignal): Promise<{ id: string }> {
    const body = { uploadId, name, term: this.term };
    return this.http.json(artifactSchema, 'POST', `${this.#build}/artifacts`, { token: this.token, body, signal });
  }

  /** Uploads know no size 0, so an empty file goes in one piece. */
  putEmptyArtifact(name: string, signal: AbortSignal): Promise<{ id: string }> {
    const path = `${this.#build}/artifacts/${encodeURIComponent(name)}?term=${this.term}`;
    const bytes = { data: new Uint8Array(0), type: 'application/octet-stream' };
    return this.http.json(artifactSchema, 'PUT', path, { token: this.token, bytes, signal });
  }

  get #build(): string {
    return `/v1/builds/${encodeURIComponent(this.buildId)}`;
  }

  #say<T>(reader: Reader<T>, verb: string, body: object, signal: AbortSignal): Promise<T> {
    const path = `/v1/workers/me/builds/${encodeURIComponent(this.buildId)}/${verb}`;
    return this.http.json(reader, 'POST', path, {
      token: this.#workerToken,
      body: { term: this.term, ...body },
      signal,
    });
  }
}
