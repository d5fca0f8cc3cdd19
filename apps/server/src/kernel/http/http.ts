import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Scope } from '@muster/protocol';
import type { WebSocket } from 'ws';
import type { z } from 'zod';
import type { PersonPrincipal, Principal } from '#kernel/auth';
import type { MusterError, Service } from '#kernel/base';
import type { Tx } from '#kernel/db';
import type { FrameType, SubscriptionType } from './frame-types.ts';
import type { MultipartOptions, Part } from './multipart.ts';
import type { RawPart } from './raw.ts';
import type { SseStream } from './sse.ts';

/* The contract of the shell. Rooms get an `Http` in their `plugin(http)` and declare routes on it; nothing of Fastify shows. */

/** What is known of a request before its body is read. */
export type RequestHead = {
  readonly method: string;
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly headers: IncomingHttpHeaders;
  /** The client's address, by the proxy when that one is trusted. */
  readonly address: string;
  /** Whether the client's side of the connection is encrypted, seen the same way. */
  readonly https: boolean;
  readonly requestId: string;
};

/** Kinds of principals that are let in beside keys and people; whether the thing is theirs is for the operation to say. */
type OtherKind = Exclude<Principal['kind'], 'key' | 'person' | 'system'>;

/**
 * Who may call, decided before the first byte of the body is read:
 * - `{scope}`: a key that holds it, or a person whose role does; `or` also lets in tokens of those kinds; `people: false`:
 *   what is done goes on standing on the key, so no person can do it
 * - `'member'`: any valid key or person · `'key'`: any valid key · `'worker'`, `'attempt'`: that run token only · `'open'`: anybody
 * - a function: a compat layer's own rule; it throws or says who calls
 */
export type AuthRule =
  | { readonly scope: Scope; readonly or?: readonly OtherKind[]; readonly people?: false }
  | 'member'
  | 'key'
  | 'worker'
  | 'attempt'
  | 'open'
  | ((head: RequestHead) => unknown);

type WhoOf<A extends AuthRule> = A extends 'open'
  ? undefined
  : A extends (head: RequestHead) => infer W
    ? Awaited<W>
    : A extends 'key' | 'worker' | 'attempt'
      ? Extract<Principal, { kind: A }>
      : A extends { people: false }
        ? Extract<Principal, { kind: 'key' }>
        : A extends { or: readonly (infer K)[] }
          ? Extract<Principal, { kind: K | 'key' | 'person' }>
          : Extract<Principal, { kind: 'key' | 'person' }>;

/** Why a parked call came back. */
export type Parked<T> = { why: 'woken'; value: T } | { why: 'timeout' | 'gone' | 'draining' };

/** Runs `body` once per idempotency key: a repeat gets the stored result, another body `conflict` `idempotency_mismatch`. */
export type Once = <T>(tx: Tx, body: () => Promise<T>) => Promise<T>;

export type BodyLimit = {
  /** Largest body taken; refused before reading when declared, at that byte otherwise. */
  bytesMax: number;
  /** Thrown in place of the usual 413. */
  tooLarge?: () => MusterError;
};

/** One request inside a handler. Its parts may be taken out of it: `({ who, input, park }) => …`. */
export interface Call<W = unknown, P = Readonly<Record<string, string>>, Q = unknown, B = unknown> extends RequestHead {
  readonly who: W;
  readonly input: { readonly params: P; readonly query: Q; readonly body: B };
  /** Bare type, lower case, such as `multipart/form-data`; empty when there is none. */
  readonly contentType: string;
  /** Aborted when the client goes before the answer is written. */
  readonly signal: AbortSignal;
  readonly gone: boolean;
  /** Called once: `true` when the answer was handed to the system, `false` when the client went first. */
  readonly afterAnswer: (heard: (sent: boolean) => void) => void;
  /** The body as JSON (an empty one is `{}`), for routes that take more than one kind of body. */
  readonly json: <T extends z.ZodType>(schema: T, limit?: BodyLimit) => Promise<z.output<T>>;
  /** The body as it came, whole. */
  readonly bytes: (limit: BodyLimit) => Promise<Buffer>;
  /** The body as it comes. The reader's pace is the sender's pace. Errors: 413, 400 `upload_stalled`, `client_gone`. */
  readonly stream: (limit: BodyLimit) => AsyncIterable<Uint8Array>;
  /** The parts of a multipart body, in order; read a file part's stream before asking for the next part. */
  readonly multipart: (options: MultipartOptions) => AsyncIterable<Part>;
  /** Waits for `wake` at most `ms`. A parked call does not count as in flight. `exhausted` `too_many_parked` when too many wait. */
  readonly park: <T>(ms: number, register: (wake: (value: T) => void) => Disposable | void) => Promise<Parked<T>>;
  /** Takes the answer over as an event stream. The handler returns when it is done; a dead client ends `stream.closed`. */
  readonly sse: (options?: { headers?: Readonly<Record<string, string>> }) => SseStream;
  /** Makes the transaction's effect happen once per `Idempotency-Key`. `digest` says what counts as the same body. */
  readonly once: (digest?: string) => Once;
  /** `conflict` `version_conflict` with the current version when `If-Match` is there and names another one. */
  readonly ifMatch: (version: number) => void;
  /** For what none of the above covers. The handler must then return `taken`. */
  readonly raw: { readonly request: IncomingMessage; readonly response: ServerResponse };
}

type AnswerDoc = { description: string; schema?: z.ZodType; contentType?: string };

export type Route<A extends AuthRule, P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> = {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** `/v1/builds/:id`; a last `*` takes the rest. */
  path: string;
  auth: A;
  /** One line for the reference. */
  summary: string;
  description?: string;
  /** Wrong path parameters are 404: there is no such thing. */
  params?: P;
  query?: Q;
  /** Read and checked before the handler. Leave it out to read the body yourself with `json`, `bytes`, `stream`, `multipart`. */
  body?: B;
  /** Default 1 MiB. */
  bodyBytesMax?: number;
  /** What else the route takes, for the reference only: content type → what it holds. */
  accepts?: Readonly<Record<string, string>>;
  /** Status of a plain returned value. Default 200. */
  status?: number;
  /** What comes out, for the reference; tests check real answers against it. */
  answers?: Readonly<Record<number, AnswerDoc>>;
  /** `exempt`: parked polls, heartbeats and what else has its own limit. */
  rate?: 'counted' | 'exempt';
  /** Browsers of other origins may call: `public` = any, `origins` = those of the setting. Never with cookies. */
  cors?: 'public' | 'origins';
  /** Left out of the reference: compat paths. */
  hidden?: boolean;
  /** Answers a value (JSON), `answer(…)`, `undefined` (204) or `taken`. */
  handle(call: Call<WhoOf<A>, z.output<P>, z.output<Q>, z.output<B>>): unknown;
};

export type SocketRoute<A extends AuthRule> = {
  path: string;
  auth: A;
  summary: string;
  /** Frames above it close the socket with 1009. */
  frameBytesMax: number;
  hidden?: boolean;
  connect(socket: WebSocket, call: RequestHead & { readonly who: WhoOf<A> }): void;
};

/** How an area of old paths says errors. The shell adds its own headers. */
export type ErrorMapper = (
  error: MusterError,
  head: RequestHead,
) => { status: number; body: unknown; headers?: Record<string, string> };

export interface Routes {
  route<
    const A extends AuthRule,
    P extends z.ZodType = z.ZodType<Readonly<Record<string, string>>>,
    Q extends z.ZodType = z.ZodType<Readonly<Record<string, string | readonly string[] | undefined>>>,
    B extends z.ZodType = z.ZodUndefined,
  >(route: Route<A, P, Q, B>): void;
  /** A WebSocket path. On drain sockets are closed with 1012. */
  socket<const A extends AuthRule>(route: SocketRoute<A>): void;
}

export interface Http extends Service, Routes {
  /** Routes whose errors are said in another form, also for unknown paths and methods below `prefixes`. */
  area(options: { prefixes: readonly string[]; errors: ErrorMapper }): Routes;
  /** Paths that are served without the framework, because they are hot. */
  raw(part: RawPart): void;
  /**
   * Who sits before a browser, by its cookies; `undefined`: nobody that is known. Asked for calls without a bearer credential. Given
   * once, before `start`.
   */
  people(read: (head: RequestHead) => Promise<PersonPrincipal | undefined>): void;
  /** Asked for GET and HEAD of paths nobody declared; `undefined`: there is no page either. Given once, before `start`. */
  pages(answer: (head: RequestHead) => Answer | undefined | Promise<Answer | undefined>): void;
  /** A word of the one socket, `/v1/socket`, which exists when there is one. */
  frame<S extends z.ZodType>(type: FrameType<S>): void;
  /** A word of the one socket that opens a subscription. */
  subscription<S extends z.ZodType>(type: SubscriptionType<S>): void;
  /** Adds fields to `/health`. Called at every request, so it answers from memory. `ok: false` makes the whole `degraded`. */
  health(read: () => { ok: boolean; fields: Readonly<Record<string, unknown>> }): void;
  /** A reason not to be ready, or `undefined`. From memory. */
  readiness(reason: () => string | undefined): void;
  /** Not ready from now on; parked calls come back, sockets close with 1012, event streams end. Requests in flight go on. */
  drain(): void;
  readonly draining: boolean;
  /** Where it listens, known after `start`. */
  readonly url: string;
  readonly ports: readonly number[];
  /** The OpenAPI 3.1 document of everything registered. */
  openapi(): Record<string, unknown>;
}

/** An answer with a status, headers or a body that is not JSON. */
export class Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, body: unknown, headers: Readonly<Record<string, string>>) {
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/** `body`: a value (JSON), a `Readable`, or text or bytes when `headers` carry a `content-type`. */
export const answer = (status: number, body?: unknown, headers: Readonly<Record<string, string>> = {}): Answer =>
  new Answer(status, body, headers);

/** Returned by a handler that wrote the answer itself. */
export const taken: unique symbol = Symbol('answer taken over by the handler');
