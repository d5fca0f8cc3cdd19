import { type ErrorCode, errorCodes, httpStatusOf, MusterError, type ProblemDocument } from '@muster/protocol';

/** JSON answers are small; a body over this is not from our server. */
const answerBytesMax = 4 * 1024 * 1024;
const timeoutMsDefault = 30_000;

export type CallOptions = {
  body?: unknown;
  /** Sent instead of `body`, as it is. */
  bytes?: { data: Uint8Array<ArrayBuffer>; type: string };
  token?: string;
  headers?: Readonly<Record<string, string>>;
  signal?: AbortSignal | undefined;
  /** For the whole call; a parked one needs its wait and some more. */
  timeoutMs?: number;
};

/** A thing that checks an answer: every zod schema is one. */
export type Reader<T> = { parse(value: unknown): T };

/** Calls one Muster server. Every failure is a `MusterError`; `isAway` tells "ask again" from "that is the answer". */
export class Http {
  readonly #base: URL;

  constructor(url: string) {
    const base = new URL(url);
    if (base.protocol !== 'http:' && base.protocol !== 'https:')
      throw new Error(`the server's address must begin with http:// or https://, not ${base.protocol}`);
    if (!base.pathname.endsWith('/')) base.pathname += '/';
    this.#base = base;
  }

  get base(): string {
    return this.#base.href.replace(/\/$/, '');
  }

  /** Paths and the server's relative URLs → absolute ones; another origin is refused: our token must not go there. */
  url(path: string): URL {
    const url = /^[a-z]+:\/\//i.test(path) ? new URL(path) : new URL(path.replace(/^\/+/, ''), this.#base);
    if (url.origin !== this.#base.origin) throw new Error(`the server sent an address on another host: ${url.origin}`);
    return url;
  }

  async json<T>(reader: Reader<T>, method: string, path: string, options: CallOptions = {}): Promise<T> {
    const timeout = AbortSignal.timeout(options.timeoutMs ?? timeoutMsDefault);
    const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
    const response = await this.open(method, path, { ...options, signal });
    const text = await readText(response);
    try {
      return reader.parse(text === '' ? {} : JSON.parse(text));
    } catch (error) {
      throw away('bad_answer', `${method} ${path}: the answer is not what a Muster server sends`, error);
    }
  }

  /** The answer with its body unread, once its status is a good one. The caller's signal ends the body too. */
  async open(method: string, path: string, options: CallOptions = {}): Promise<Response> {
    const headers: Record<string, string> = { accept: 'application/json', ...options.headers };
    if (options.token !== undefined) headers['authorization'] = `Bearer ${options.token}`;
    const body = options.bytes?.data ?? (options.body === undefined ? null : JSON.stringify(options.body));
    if (options.bytes) headers['content-type'] = options.bytes.type;
    else if (body !== null) headers['content-type'] = 'application/json';
    let response: Response;
    try {
      // By hand: following one would turn a POST into a GET, or carry the token elsewhere.
      response = await fetch(this.url(path), {
        method,
        headers,
        body,
        redirect: 'manual',
        signal: options.signal ?? null,
      });
    } catch (error) {
      throw away('server_away', `${method} ${path}: ${causeOf(error)}`, error);
    }
    if (response.ok) return response;
    throw await problemOf(response, `${method} ${path}`);
  }
}

/** The server could not be reached, or could not answer now: the call may be repeated as it is. */
export function isAway(error: unknown): boolean {
  return (
    error instanceof MusterError &&
    (error.code === 'unavailable' || error.code === 'exhausted' || error.code === 'internal')
  );
}

export const isRefusedCredential = (error: unknown): boolean =>
  error instanceof MusterError && (error.status === 401 || error.status === 403);

async function problemOf(response: Response, call: string): Promise<MusterError> {
  const text = await readText(response).catch(() => '');
  const location = response.headers.get('location');
  if (response.status >= 300 && response.status < 400) {
    return new MusterError('invalid', {
      reason: 'redirected',
      status: response.status,
      detail: `${call}: redirected to ${location ?? 'nowhere'}; use that address as --url`,
    });
  }
  const problem = parseProblem(text);
  const code = problem?.code ?? codeOf(response.status);
  const retryAfterMs = problem?.retryAfterMs ?? retryAfter(response.headers.get('retry-after'));
  return new MusterError(code, {
    reason: problem?.reason ?? 'http_status',
    detail: problem?.detail ?? `${call}: status ${response.status}`,
    status: response.status,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(problem && { extra: problem, ...(problem.errors && { errors: problem.errors }) }),
  });
}

function parseProblem(text: string): ProblemDocument | undefined {
  try {
    const value = JSON.parse(text) as ProblemDocument | null;
    return value !== null && typeof value.reason === 'string' && errorCodes.includes(value.code) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** For answers of something between us and the server: proxies speak no problem documents. */
function codeOf(status: number): ErrorCode {
  if (status === 408 || status === 502 || status === 503 || status === 504) return 'unavailable';
  const exact = errorCodes.find((code) => httpStatusOf[code] === status);
  return exact ?? (status >= 500 ? 'internal' : 'invalid');
}

function retryAfter(header: string | null): number | undefined {
  const seconds = header === null ? Number.NaN : Number(header);
  return Number.isFinite(seconds) ? seconds * 1_000 : undefined;
}

async function readText(response: Response): Promise<string> {
  if (!response.body) return '';
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      if (bytes > answerBytesMax) break;
      chunks.push(chunk);
    }
  } catch (error) {
    throw away('server_away', `the answer broke off: ${causeOf(error)}`, error);
  }
  if (bytes > answerBytesMax) throw away('bad_answer', `the answer is larger than ${answerBytesMax} bytes`);
  return Buffer.concat(chunks).toString('utf8');
}

const away = (reason: string, detail: string, cause?: unknown): MusterError =>
  new MusterError('unavailable', { reason, detail, cause });

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return 'no answer in time';
  // An aggregate (tried IPv4 and IPv6) has an empty message of its own.
  const cause = error.cause instanceof AggregateError ? (error.cause.errors[0] as unknown) : error.cause;
  return cause instanceof Error ? cause.message : error.message;
}
