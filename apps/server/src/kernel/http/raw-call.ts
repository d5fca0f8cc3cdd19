import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Auth, PersonPrincipal, Principal } from '#kernel/auth';
import { type Clock, invalid } from '#kernel/base';
import type { Logger } from '#kernel/telemetry';
import type { Admission } from './admission.ts';
import type { Edge } from './edge.ts';
import type { Parked } from './http.ts';
import type { EdgeLimits } from './limits.ts';
import { asMusterError } from './problems.ts';
import type { RawCall, RawPart } from './raw.ts';
import type { RawBodies } from './raw-body.ts';
import { headOf } from './request-head.ts';
import type { RequestLog } from './request-log.ts';
import { problemAnswer } from './respond.ts';
import type { ShellState } from './shell-state.ts';

/** What all calls of raw parts share. */
export type RawDeps = {
  clock: Clock;
  edge: Edge;
  limits: EdgeLimits;
  log: RequestLog;
  logger: Logger;
  state: ShellState;
  bodies: RawBodies;
  admission: Admission;
  auth: Pick<Auth, 'noteUse'>;
};

const call: unique symbol = Symbol('the call of this response');
type Tagged = ServerResponse & { [call]?: HotCall };

/*
 * One request of a raw part, from its head to the end of its connection or answer.
 *
 *   unread     nothing of the body was asked for.
 *   reading    a body is on its way in.
 *   answered   the head of the answer is written; set by `answer` and `begin`, whatever the body does.
 *   over       the response is closed: counted, logged, listeners were told. Reached once, never left.
 */
export class HotCall implements RawCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly rest: string;
  readonly query: string;
  readonly requestId: string;
  by: Principal | undefined;
  readonly #deps: RawDeps;
  readonly #part: RawPart;
  readonly #began: number;
  /** The client waits for `100 Continue` before it sends its body. */
  #patient: boolean;
  #over = false;
  #whenOver: (() => void)[] | undefined;

  constructor(
    deps: RawDeps,
    part: RawPart,
    request: IncomingMessage,
    response: ServerResponse,
    head: { url: string; requestId: string; patient: boolean },
  ) {
    this.#deps = deps;
    this.#part = part;
    this.request = request;
    this.response = response;
    this.requestId = head.requestId;
    this.#patient = head.patient;
    const { url } = head;
    const mark = url.indexOf('?');
    this.rest = mark < 0 ? url.slice(part.prefix.length) : url.slice(part.prefix.length, mark);
    this.query = mark < 0 ? '' : url.slice(mark + 1);
    this.#began = deps.clock.monotonic();
    deps.state.inFlight.opened();
    (response as Tagged)[call] = this;
    response.on('close', onClose);
  }

  get method(): string {
    return this.request.method ?? 'GET';
  }

  get address(): string {
    return this.#deps.edge.addressOf(this.request);
  }

  get over(): boolean {
    return this.#over;
  }

  person(): Promise<PersonPrincipal | undefined> {
    const { admission, edge } = this.#deps;
    const url = `${this.#part.prefix}${this.rest}?${this.query}`;
    return admission.person(headOf(this.request, url, {}, edge, this.requestId));
  }

  get draining(): AbortSignal {
    return this.#deps.state.drainSignal;
  }

  whenOver(heard: () => void): void {
    if (this.#over) return heard();
    this.#whenOver ??= [];
    this.#whenOver.push(heard);
  }

  body(bytesMax: number): Buffer | Promise<Buffer> {
    const patient = this.#patient;
    const body = this.#deps.bodies.read(this.request, this.response, patient, bytesMax);
    this.#patient = false;
    return body;
  }

  answer(status: number, headers: string[], body?: Uint8Array | string): void {
    if (this.#gone()) return;
    const { request, response } = this;
    const unread = !request.complete && hasBody(request);
    this.#common(headers);
    if (body !== undefined) headers.push('content-length', String(Buffer.byteLength(body)));
    else if (status !== 204 && status !== 304 && request.method !== 'HEAD') headers.push('content-length', '0');
    // A client that waits to be told to go on must not send its body any more: only a new connection makes that sure.
    if (this.#patient) headers.push('connection', 'close');
    response.writeHead(status, headers);
    response.end(body);
    if (unread && !this.#patient) this.#throwRestAway();
  }

  begin(status: number, headers: string[]): void {
    if (this.#gone()) return;
    this.#deps.state.inFlight.streams(this.response);
    this.#common(headers);
    this.response.writeHead(status, headers);
    this.response.flushHeaders();
  }

  fail(thrown: unknown): void {
    const error = asMusterError(thrown);
    const { logger } = this.#deps;
    if (error.code === 'internal')
      logger.error(
        { error: error.cause ?? error, requestId: this.requestId, route: this.#part.label },
        'request failed by our fault',
      );
    // Half an answer cannot be turned into an error; cutting the connection is the only honest end.
    if (this.response.headersSent) return void this.response.destroy();
    const { status, headers, body } = problemAnswer(error, this.requestId);
    this.answer(status, [...this.#part.errorHeaders(this, error), ...Object.entries(headers).flat()], body);
  }

  park<T>(ms: number, register: (wake: (value: T) => void) => Disposable | void): Promise<Parked<T>> {
    const { limits, parking, inFlight } = this.#deps.state;
    const gone = new AbortController();
    this.whenOver(() => gone.abort());
    return inFlight.whileParked(() => parking.park(Math.min(ms, limits.rawParkMsMax), gone.signal, register));
  }

  absolute(path: string): string {
    return this.#deps.edge.absolute(this.request, path);
  }

  #gone(): boolean {
    return this.#over || this.response.headersSent || this.response.destroyed;
  }

  #common(headers: string[]): void {
    headers.push('x-request-id', this.requestId);
    if (this.#deps.state.drainSignal.aborted) headers.push('connection', 'close');
    if (this.#deps.edge.isHttps(this.request)) headers.push('strict-transport-security', 'max-age=31536000');
  }

  /** The answer is out before its body was in: what still comes is read and dropped, so that the client sees the answer. */
  #throwRestAway(): void {
    const { request } = this;
    const { clock, limits } = this.#deps;
    let left = limits.rawRestBytesMax;
    const timer = clock.after(limits.rawRestMs, () => request.socket.destroy());
    const enough = (): void => timer[Symbol.dispose]();
    request.on('data', (chunk: Buffer) => {
      left -= chunk.length;
      if (left < 0) request.socket.destroy();
    });
    request.once('end', enough).once('close', enough).resume();
  }

  #countUse(status: number, ms: number): void {
    const { auth, clock } = this.#deps;
    auth.noteUse(this.by, status, () => ({
      at: new Date(clock.now()),
      method: this.method,
      route: this.#part.label,
      status,
      ms,
      address: this.address,
      requestId: this.requestId,
    }));
  }

  closed(): void {
    if (this.#over) return;
    this.#over = true;
    const { state, log, clock, bodies } = this.#deps;
    const { response, request } = this;
    bodies.cut(request);
    state.inFlight.closed();
    if (this.#whenOver) for (const heard of this.#whenOver) heard();
    const status = response.headersSent ? response.statusCode : 499;
    const ms = clock.monotonic() - this.#began;
    log.noteHot(this.#part.label, this.method, status, ms, this);
    if (this.by?.kind === 'key') this.#countUse(status, ms);
  }
}

function onClose(this: Tagged): void {
  this[call]?.closed();
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined ||
  (headers['content-length'] !== undefined && headers['content-length'] !== '0');

/** Runs the part for one request; whatever it throws becomes the answer. */
export async function serveRaw(hot: HotCall, part: RawPart, deps: RawDeps, url: string): Promise<void> {
  try {
    deps.edge.checkHost(hot.request, part.prefix);
    if (url.length > deps.limits.urlBytesMax)
      throw invalid('url_too_long', `The URL is longer than ${deps.limits.urlBytesMax} bytes.`, { status: 414 });
    await part.handle(hot);
  } catch (error) {
    hot.fail(error);
  }
}
