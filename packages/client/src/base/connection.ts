import { type ErrorCode, errorCodes, type FieldProblem, httpStatusOf, MusterError } from '@muster/protocol/errors';
import { Credential, type CredentialSource } from './credential.ts';

export type ConnectionOptions = {
  /** Where the server answers, with its base path: `http://127.0.0.1:4000`. */
  url: string;
  /**
   * An API key, run token, build access token or browser token. Without one only open paths answer. A function is asked
   * when the first request goes out, and again when the server no longer takes what it gave: for tokens that expire.
   */
  credential?: CredentialSource;
  /** A page of the server itself: the cookie of a sign-in speaks for it, and no credential is sent. */
  byCookie?: boolean;
  /** Which project is meant, for a credential that knows several, and for nobody at public streams. */
  project?: string;
  /** Replaces the platform's `fetch`, for tests and for runtimes that have their own. */
  fetch?: typeof fetch;
  /** Told to the server with each request, such as `muster-cli/0.1.0`. Browsers ignore it. */
  userAgent?: string;
};

export type Call = {
  query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as it is. */
  body?: Blob | Uint8Array<ArrayBuffer> | string | ReadableStream<Uint8Array>;
  headers?: Readonly<Record<string, string>>;
  signal?: AbortSignal | undefined;
  /** How the HTTP cache of a browser takes part. */
  cache?: NonNullable<RequestInit['cache']>;
  /** Statuses beside 2xx that the caller reads itself. */
  accept?: readonly number[];
};

/**
 * One server, one credential. Every answer that is not asked for becomes a `MusterError`: what the server said, or
 * `unavailable` `no_connection` when it could not be reached.
 */
export class Connection {
  readonly url: string;
  readonly credential: Credential;
  readonly byCookie: boolean;
  readonly project: string | undefined;
  readonly #fetch: typeof fetch;
  readonly #userAgent: string | undefined;

  constructor(options: ConnectionOptions) {
    this.url = options.url.replace(/\/+$/, '');
    this.credential = new Credential(options.credential);
    this.byCookie = options.byCookie ?? false;
    this.project = options.project;
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
    this.#userAgent = options.userAgent;
  }

  /**
   * Sends one request and gives the raw answer; the caller must consume its body. A refused credential that can be
   * renewed is, once, and the request is sent again.
   */
  async send(method: string, path: string, call: Call = {}): Promise<Response> {
    const credential = await this.credential.now();
    const answer = await this.#once(method, path, call, credential);
    if (answer.ok || call.accept?.includes(answer.status)) return answer;
    const problem = await problemOf(answer);
    if (answer.status !== 401 || !this.credential.renewable || call.body instanceof ReadableStream) throw problem;
    const second = await this.#once(method, path, call, await this.credential.insteadOf(credential));
    if (second.ok || call.accept?.includes(second.status)) return second;
    throw await problemOf(second);
  }

  async #once(method: string, path: string, call: Call, credential: string | undefined): Promise<Response> {
    const headers = new Headers(call.headers);
    if (credential && !headers.has('authorization')) headers.set('authorization', `Bearer ${credential}`);
    if (this.project) headers.set('muster-project', this.project);
    if (this.#userAgent) headers.set('user-agent', this.#userAgent);
    const init: RequestInit & { duplex?: 'half' } = { method, headers };
    if (call.signal) init.signal = call.signal;
    if (call.cache) init.cache = call.cache;
    if (call.json !== undefined) {
      headers.set('content-type', 'application/json');
      init.body = JSON.stringify(call.json);
    } else if (call.body !== undefined) {
      init.body = call.body;
      if (call.body instanceof ReadableStream) init.duplex = 'half';
    }
    try {
      return await this.#fetch(this.#address(path, call.query), init);
    } catch (error) {
      if (call.signal?.aborted) throw call.signal.reason;
      throw new MusterError('unavailable', {
        reason: 'no_connection',
        detail: `No connection to ${this.url}: ${causeOf(error)}.`,
        cause: error,
      });
    }
  }

  /** Sends one request and reads the answer as JSON; `undefined` for an empty one. */
  async call<T>(method: string, path: string, call: Call = {}): Promise<T> {
    const text = await readText(await this.send(method, path, call), call.signal);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  #address(path: string, query: Call['query']): string {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query ?? {})) if (value !== undefined) search.set(name, String(value));
    const text = search.toString();
    return `${this.url}${path}${text === '' ? '' : `${path.includes('?') ? '&' : '?'}${text}`}`;
  }
}

/** Reads a body whole; one that breaks off is `unavailable` `answer_cut`, so whoever may repeat the call does. */
export async function readText(answer: Response, signal?: AbortSignal): Promise<string> {
  try {
    return await answer.text();
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw answerCut(error);
  }
}

export const answerCut = (cause: unknown): MusterError =>
  new MusterError('unavailable', {
    reason: 'answer_cut',
    detail: `The answer broke off: ${causeOf(cause)}.`,
    cause,
  });

/** Reads an error answer: problem details where the server wrote them, else what the status alone says. */
export async function problemOf(answer: Response): Promise<MusterError> {
  const text = await answer.text().catch(() => '');
  const said = parse(text);
  const code = isCode(said['code']) ? said['code'] : codeOf(answer.status);
  const {
    type: _type,
    title: _title,
    status: _status,
    detail,
    code: _code,
    reason,
    errors,
    retryAfterMs,
    ...extra
  } = said;
  const after = retryAfterOf(answer);
  const stream = streamHeadersOf(answer);
  return new MusterError(code, {
    reason: typeof reason === 'string' ? reason : `http_${answer.status}`,
    detail: typeof detail === 'string' ? detail : text.slice(0, 200) || `The server answered ${answer.status}.`,
    status: answer.status,
    extra: stream ? { ...extra, stream } : extra,
    ...(Array.isArray(errors) ? { errors: errors as FieldProblem[] } : {}),
    ...(typeof retryAfterMs === 'number' ? { retryAfterMs } : after === undefined ? {} : { retryAfterMs: after }),
  });
}

/** Seconds or an HTTP date, as ms from now. */
function retryAfterOf(answer: Response): number | undefined {
  const said = answer.headers.get('retry-after');
  if (said === null) return undefined;
  const ms = /^\d+$/.test(said) ? Number(said) * 1_000 : Date.parse(said) - Date.now();
  return ms > 0 ? ms : undefined;
}

/** What a refusal says about the stream in its headers: `producer-epoch`, `stream-next-offset` and their like. */
function streamHeadersOf(answer: Response): Record<string, string> | undefined {
  const found = [...answer.headers].filter(([name]) => /^(stream|producer)-/.test(name));
  return found.length > 0 ? Object.fromEntries(found) : undefined;
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

const isCode = (value: unknown): value is ErrorCode => (errorCodes as readonly unknown[]).includes(value);
const finerStatuses: Readonly<Record<number, ErrorCode>> = { 408: 'unavailable', 410: 'notFound', 425: 'unavailable' };
const codeOf = (status: number): ErrorCode =>
  finerStatuses[status] ??
  errorCodes.find((code) => httpStatusOf[code] === status) ??
  (status >= 500 ? 'unavailable' : 'invalid');

function causeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error && cause.message !== '') return cause.message;
  return error instanceof Error ? error.message : String(error);
}
