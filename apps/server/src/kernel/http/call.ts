import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { z } from 'zod';
import { conflict, invalid, unavailable } from '#kernel/base';
import { type BodySource, readBody, readWhole, refusePacked } from './body.ts';
import type { BodyLimit, Call, Once, Parked, RequestHead } from './http.ts';
import type { Idempotency } from './idempotency.ts';
import { parseJson } from './json.ts';
import { type MultipartOptions, type Part, readMultipart } from './multipart.ts';
import { check, strictTop } from './problems.ts';
import type { ShellState } from './shell-state.ts';
import { openSse, type SseStream } from './sse.ts';

const always: Once = (_tx, body) => body();

/** One request inside a handler; everything about its body and its waiting is here. */
export class HttpCall implements Call {
  readonly method: string;
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: RequestHead['query'];
  readonly headers: IncomingHttpHeaders;
  readonly address: string;
  readonly https: boolean;
  readonly requestId: string;
  readonly route: string;
  readonly raw: { readonly request: IncomingMessage; readonly response: ServerResponse };
  who: unknown;
  input: { params: Readonly<Record<string, string>>; query: unknown; body: unknown };
  readonly #state: ShellState;
  readonly #source: BodySource;
  #aborter: AbortController | undefined;
  #bodyDigest: string | undefined;
  /** Set once the answer was taken over by an event stream. */
  takenOver = false;

  constructor(head: RequestHead, route: string, source: BodySource, state: ShellState) {
    this.method = head.method;
    this.path = head.path;
    this.params = head.params;
    this.input = { params: head.params, query: head.query, body: undefined };
    this.query = head.query;
    this.headers = head.headers;
    this.address = head.address;
    this.https = head.https;
    this.requestId = head.requestId;
    this.route = route;
    this.raw = { request: source.request, response: source.response };
    this.#source = source;
    this.#state = state;
  }

  get contentType(): string {
    return bareType(this.headers);
  }

  get gone(): boolean {
    return this.raw.response.closed || this.raw.response.destroyed;
  }

  get signal(): AbortSignal {
    if (!this.#aborter) {
      const aborter = new AbortController();
      this.#aborter = aborter;
      if (this.gone) aborter.abort('gone');
      this.raw.response.once('close', () => {
        if (!this.raw.response.writableFinished) aborter.abort('gone');
      });
    }
    return this.#aborter.signal;
  }

  readonly afterAnswer = (heard: (sent: boolean) => void): void => {
    const { response } = this.raw;
    if (response.closed) return heard(response.writableFinished);
    response.once('close', () => heard(response.writableFinished));
  };

  readonly json = async <T extends z.ZodType>(schema: T, limit?: BodyLimit): Promise<z.output<T>> => {
    return check(strictTop(schema), await this.jsonValue(limit), 'body');
  };

  async jsonValue(limit: BodyLimit = { bytesMax: this.#state.limits.bodyBytesMax }): Promise<unknown> {
    const type = this.contentType;
    const bytes = await this.bytes(limit);
    if (bytes.length > 0 && type !== 'application/json' && !type.endsWith('+json')) {
      throw invalid('wrong_content_type', `This call takes application/json${type ? `, not ${type}` : ''}.`, {
        status: 415,
        extra: { expected: ['application/json'] },
      });
    }
    return parseJson(bytes, this.#state.limits.jsonDepthMax);
  }

  readonly bytes = async (limit: BodyLimit): Promise<Buffer> => {
    const bytes = await readWhole(this.#source, limit, this.#state);
    if (this.headers['idempotency-key'] !== undefined)
      this.#bodyDigest = createHash('sha256').update(bytes).digest('hex');
    return bytes;
  };

  readonly stream = (limit: BodyLimit): AsyncIterable<Uint8Array> => {
    refusePacked(this.raw.request);
    return readBody(this.#source, limit, this.#state, 'upload');
  };

  readonly multipart = (options: MultipartOptions): AsyncIterable<Part> => {
    return readMultipart(this.#source, options, this.#state);
  };

  readonly park = async <T>(
    ms: number,
    register: (wake: (value: T) => void) => Disposable | void,
  ): Promise<Parked<T>> => {
    const { limits, parking, inFlight } = this.#state;
    return inFlight.whileParked(() => parking.park(Math.min(ms, limits.parkMsMax), this.signal, register));
  };

  readonly sse = (options: { headers?: Readonly<Record<string, string>> } = {}): SseStream => {
    this.takenOver = true;
    this.#state.inFlight.streams(this.raw.response);
    return openSse(this.raw.response, options.headers ?? {}, {
      clock: this.#state.clock,
      limits: this.#state.limits,
      draining: this.#state.drainSignal,
    });
  };

  readonly once = (digest?: string): Once => {
    const key = headerOf(this.headers, 'idempotency-key');
    if (key === undefined) return always;
    const idempotency: Idempotency = this.#state.idempotency;
    return idempotency.once({
      key,
      projectId: projectOf(this.who),
      route: this.route,
      digest: digest ?? this.#bodyDigest ?? '',
      response: this.raw.response,
    });
  };

  readonly ifMatch = (version: number): void => {
    const given = headerOf(this.headers, 'if-match');
    if (given === undefined || given.trim() === '*') return;
    const tags = given.split(',').map((tag) => tag.trim().replace(/^W\//, '').replaceAll('"', ''));
    if (tags.includes(String(version))) return;
    throw conflict('version_conflict', `It has changed meanwhile: its version is now ${version}.`, {
      extra: { version },
    });
  };
}

export const headerOf = (headers: IncomingHttpHeaders, name: string): string | undefined => {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
};

const bareType = (headers: IncomingHttpHeaders): string =>
  (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';

function projectOf(who: unknown): string {
  if (typeof who === 'object' && who !== null && 'projectId' in who && typeof who.projectId === 'string')
    return who.projectId;
  throw unavailable('no_project', 'An Idempotency-Key needs a credential of a project.');
}
