import { type ErrorCode, errorCodes, type FieldProblem, httpStatusOf, MusterError } from '@muster/protocol/errors';

export type ConnectionOptions = {
  /** Where the server answers, with its base path: `http://127.0.0.1:4000`. */
  url: string;
  /** An API key, run token or build access token. Without one only open paths answer. */
  credential?: string;
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
  /** Statuses beside 2xx that the caller reads itself. */
  accept?: readonly number[];
};

/**
 * One server, one credential. Every answer that is not asked for becomes a `MusterError`: what the server said, or
 * `unavailable` `no_connection` when it could not be reached.
 */
export class Connection {
  readonly url: string;
  readonly #credential: string | undefined;
  readonly #fetch: typeof fetch;
  readonly #userAgent: string | undefined;

  constructor(options: ConnectionOptions) {
    this.url = options.url.replace(/\/+$/, '');
    this.#credential = options.credential;
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
    this.#userAgent = options.userAgent;
  }

  /** Sends one request and gives the raw answer; the caller must consume its body. */
  async send(method: string, path: string, call: Call = {}): Promise<Response> {
    const headers = new Headers(call.headers);
    if (this.#credential) headers.set('authorization', `Bearer ${this.#credential}`);
    if (this.#userAgent) headers.set('user-agent', this.#userAgent);
    const init: RequestInit & { duplex?: 'half' } = { method, headers };
    if (call.signal) init.signal = call.signal;
    if (call.json !== undefined) {
      headers.set('content-type', 'application/json');
      init.body = JSON.stringify(call.json);
    } else if (call.body !== undefined) {
      init.body = call.body;
      if (call.body instanceof ReadableStream) init.duplex = 'half';
    }
    let answer: Response;
    try {
      answer = await this.#fetch(this.#address(path, call.query), init);
    } catch (error) {
      if (call.signal?.aborted) throw call.signal.reason;
      throw new MusterError('unavailable', {
        reason: 'no_connection',
        detail: `No connection to ${this.url}: ${causeOf(error)}.`,
        retryAfterMs: 1_000,
        cause: error,
      });
    }
    if (answer.ok || call.accept?.includes(answer.status)) return answer;
    throw await problemOf(answer);
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
    throw new MusterError('unavailable', {
      reason: 'answer_cut',
      detail: `The answer broke off: ${causeOf(error)}.`,
      cause: error,
    });
  }
}

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
  const after = Number(answer.headers.get('retry-after'));
  return new MusterError(code, {
    reason: typeof reason === 'string' ? reason : `http_${answer.status}`,
    detail: typeof detail === 'string' ? detail : text.slice(0, 200) || `The server answered ${answer.status}.`,
    status: answer.status,
    extra,
    ...(Array.isArray(errors) ? { errors: errors as FieldProblem[] } : {}),
    ...(typeof retryAfterMs === 'number' ? { retryAfterMs } : after > 0 ? { retryAfterMs: after * 1_000 } : {}),
  });
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
const codeOf = (status: number): ErrorCode =>
  errorCodes.find((code) => httpStatusOf[code] === status) ?? (status >= 500 ? 'unavailable' : 'invalid');

function causeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error && cause.message !== '') return cause.message;
  return error instanceof Error ? error.message : String(error);
}
