import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PersonPrincipal, Principal } from '#kernel/auth';
import type { MusterError } from '#kernel/base';
import type { Parked } from './http.ts';
import type { Documented } from './route-table.ts';

/* The contract of paths that are served without the framework, because they are hot: `http.raw(…)`. */

/** One request of a raw part. Nothing of its body has been read; host, base path and proxies were looked at. */
export interface RawCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  /** What follows the prefix, still percent-encoded, without the query. */
  readonly rest: string;
  /** Without its `?`; empty when there is none. */
  readonly query: string;
  readonly requestId: string;
  /** The client's address, by the proxy when that one is trusted. */
  readonly address: string;
  /** The client is gone, or has its answer. */
  readonly over: boolean;
  /** Called once, when `over` becomes true. */
  whenOver(heard: () => void): void;
  /** Said by the part once it knows whose call it is: what keys are used for is kept. */
  by: Principal | undefined;
  /** Who sits before the browser that made this call, as for routes; `undefined`: nobody. `forbidden` `cross_site`. */
  person(): Promise<PersonPrincipal | undefined>;
  /** The body, whole. Errors: 413 `body_too_large`, 408 `body_stalled`, 400 `client_gone`, 415, 429 `too_many_bodies`. */
  body(bytesMax: number): Buffer | Promise<Buffer>;
  /** Writes the answer: `headers` flat, name and value in turn; it is added to. Those of every answer are put in. */
  answer(status: number, headers: string[], body?: Uint8Array | string): void;
  /** Writes the head of an answer that goes on for long; what follows, and its end, is the caller's. */
  begin(status: number, headers: string[]): void;
  /** Answers with a problem document. */
  fail(thrown: unknown): void;
  /** As `Call.park`. */
  park<T>(ms: number, register: (wake: (value: T) => void) => Disposable | void): Promise<Parked<T>>;
  /** `path` as an address for the outside, when it is known for sure how we are reached; the path alone otherwise. */
  absolute(path: string): string;
  /** Aborted when the server begins to drain. */
  readonly draining: AbortSignal;
}

/** An operation of a raw part, for the reference only: `handle` of the part answers, and asks who may. */
export type RawOperation = Documented;

export type RawPart = {
  /** Every path that begins so, with its last slash: `/v1/stream/`. */
  prefix: string;
  /** Its name in metrics and request lines. */
  label: string;
  operations: readonly RawOperation[];
  /** Answers. What it throws or rejects with becomes an error answer. */
  handle(call: RawCall): Promise<void> | void;
  /** Headers of an error answer besides those every error has, flat. */
  errorHeaders(call: RawCall, error: MusterError): string[];
};
