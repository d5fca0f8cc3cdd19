import type { IncomingMessage, ServerResponse } from 'node:http';
import { type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import type { Auth } from '#kernel/auth';
import { asError, type Clock, invalid, type Limits, type Random, systemRandom } from '#kernel/base';
import type { Db } from '#kernel/db';
import type { Logger, Metrics } from '#kernel/telemetry';
import { Admission } from './admission.ts';
import { refuseBroken } from './broken-request.ts';
import { HttpCall } from './call.ts';
import { checkAnswer } from './check-answer.ts';
import { checkPath, Edge, type EdgeOptions, securityHeaders } from './edge.ts';
import { FrameTable } from './frame-types.ts';
import { Health, type HealthOptions } from './health.ts';
import type { Answer, ErrorMapper, Http, RequestHead, Routes } from './http.ts';
import { taken } from './http.ts';
import { type AnswerBox, Idempotency } from './idempotency.ts';
import { type EdgeLimits, edgeLimits } from './limits.ts';
import { type AnyServer, closeServer, followTls, listen, makeServer, type TlsFiles } from './listeners.ts';
import { subprotocol } from './muster-credential.ts';
import { MusterSockets } from './muster-sockets.ts';
import { openapiOf } from './openapi.ts';
import { Parking } from './parking.ts';
import { asMusterError, check, strictTop } from './problems.ts';
import { RawBodies } from './raw-body.ts';
import { RawMount } from './raw-mount.ts';
import { registerReference } from './reference.ts';
import { checkQuery, headOf, requestIdOf, withoutProject } from './request-head.ts';
import { RequestLog } from './request-log.ts';
import { errorAnswer, refuseUnread, respond } from './respond.ts';
import { type AnyRoute, allowed, RouteTable } from './route-table.ts';
import { isSafe } from './same-origin.ts';
import { InFlight, type ShellState } from './shell-state.ts';
import { showEdge } from './show-edge.ts';
import { Sockets } from './sockets.ts';

export type HttpOptions = {
  auth: Auth;
  db: Db;
  clock: Clock;
  logger: Logger;
  metrics: Metrics;
  /** Where the edge's bounds are listed. */
  bounds?: Limits;
  limits?: Partial<EdgeLimits>;
  /** Encrypts the answers kept for `Idempotency-Key`. */
  answers: AnswerBox;
  port: number;
  extraPorts?: readonly number[];
  /** A port for metrics and probes only. */
  metricsPort?: number | undefined;
  tls?: TlsFiles | undefined;
  edge: EdgeOptions;
  metricsAccess: HealthOptions['metricsAccess'];
  version: string;
  node: string;
  /** Names the build of the console that is served now: it stands in every answer. */
  build?: () => string | undefined;
  random?: Random;
  /** Tests: an answer that does not fit its declared schema is a 500. */
  checkAnswers?: boolean;
};

/*
 * The shell is in one phase, each entered once:
 *  registering - rooms declare routes; nothing listens
 *  open        - listens; /ready says so as long as no room has a reason against it
 *  draining    - /ready 503; parked calls came back, sockets were told 1012, new requests are still answered and told to close
 *  closed      - nothing listens, no connection is left
 */
export class Shell implements Http {
  readonly #options: HttpOptions;
  readonly #limits: EdgeLimits;
  readonly #edge: Edge;
  readonly #admission: Admission;
  readonly #table = new RouteTable();
  readonly #sockets: Sockets;
  readonly #frames = new FrameTable();
  readonly #musterSockets: MusterSockets;
  readonly #health: Health;
  readonly #log: RequestLog;
  readonly #state: ShellState;
  readonly #drain = new AbortController();
  readonly #bodies: RawBodies;
  readonly #raw: RawMount;
  readonly #patient = new WeakSet<IncomingMessage>();
  readonly #types = new WeakMap<IncomingMessage, string>();
  /** Whose call it is, for what is said of refused ones. */
  readonly #callers = new WeakMap<IncomingMessage, unknown>();
  readonly #app;
  readonly #servers: { server: AnyServer; port: number }[] = [];
  #following: Disposable | undefined;
  #sweeping: Disposable | undefined;
  #phase: 'registering' | 'open' | 'closed' = 'registering';
  #document: Record<string, unknown> | undefined;
  #pages: ((head: RequestHead) => Answer | undefined | Promise<Answer | undefined>) | undefined;

  constructor(options: HttpOptions) {
    const { clock, logger, metrics } = options;
    this.#options = options;
    this.#limits = { ...edgeLimits, ...options.limits };
    this.#edge = new Edge(options.edge);
    this.#admission = new Admission({
      auth: options.auth,
      clock,
      limits: this.#limits,
      publicOrigin: options.edge.publicUrl?.origin,
    });
    this.#log = new RequestLog({ clock, logger, metrics, perSecond: this.#limits.requestLogPerSecond });
    this.#sockets = new Sockets({
      admission: this.#admission,
      edge: this.#edge,
      clock,
      limits: this.#limits,
      logger,
      table: this.#table,
    });
    this.#musterSockets = new MusterSockets({
      build: options.build,
      auth: options.auth,
      clock,
      random: options.random ?? systemRandom,
      limits: this.#limits,
      logger,
      metrics,
      node: options.node,
      table: this.#frames,
      visitors: this.#admission,
    });
    this.#state = {
      clock,
      limits: this.#limits,
      parking: new Parking(clock, this.#limits.parkedMax),
      inFlight: new InFlight(this.#limits.inFlightMax),
      idempotency: new Idempotency({ db: options.db, box: options.answers, limits: this.#limits }),
      drainSignal: this.#drain.signal,
    };
    this.#bodies = new RawBodies(clock, this.#limits);
    this.#raw = new RawMount({
      clock,
      edge: this.#edge,
      limits: this.#limits,
      log: this.#log,
      logger,
      state: this.#state,
      bodies: this.#bodies,
      admission: this.#admission,
      auth: options.auth,
    });
    this.#health = new Health({ ...options, draining: () => this.draining, started: () => this.#phase === 'open' });
    this.#app = this.#build();
    showEdge({
      bounds: options.bounds,
      metrics,
      limits: this.#limits,
      state: this.#state,
      sockets: () => this.#sockets.open,
      heldBytes: () => this.#bodies.held,
    });
    this.#health.register(this);
    registerReference(this, () => this.openapi());
  }

  #build() {
    const app = fastify({
      logger: false,
      serverFactory: (handler) => this.#server((request, response) => handler(request, response)),
      genReqId: (request) => requestIdOf(request, this.#edge),
      requestIdHeader: false,
      rewriteUrl: (request) => this.#edge.inside(request.url ?? '/'),
      routerOptions: {
        ignoreTrailingSlash: true,
        caseSensitive: true,
        // A stream's path of 512 bytes as one percent-encoded segment.
        maxParamLength: 1536,
        querystringParser: () => ({}),
      },
      frameworkErrors: (error, request, reply) =>
        this.#fail(invalid('bad_path', error.message, { cause: error }), request, reply),
      exposeHeadRoutes: false,
      forceCloseConnections: false,
      return503OnClosing: false,
      clientErrorHandler: (error, socket) => refuseBroken(error, socket),
    });
    app.removeAllContentTypeParsers();
    // Bodies are read by the handlers, after the credential was checked.
    app.addContentTypeParser('*', (_request, _payload, done) => done(null));
    app.addHook('onRequest', (request, reply, done) => this.#enter(request, reply, done));
    app.setErrorHandler((error, request, reply) => this.#fail(error, request, reply));
    app.setNotFoundHandler((request, reply) => this.#missing(request, reply));
    return app;
  }

  #server(framework: (request: IncomingMessage, response: ServerResponse) => void): AnyServer {
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      if (!this.#raw.take(request, response, this.#patient.has(request))) framework(request, response);
    };
    const server = makeServer(listener, this.#limits.headerBytesMax, this.#options.tls);
    server.on('upgrade', this.#sockets.upgrade);
    server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      this.#patient.add(request);
      listener(request, response);
    });
    return server;
  }

  route: Routes['route'] = (route) => this.#add(route, undefined);

  socket: Routes['socket'] = (route) => this.#sockets.add(route, undefined);

  people: Http['people'] = (read) => this.#admission.seePeople(read);

  frame: Http['frame'] = (type) => this.#frames.addFrame(type);

  subscription: Http['subscription'] = (type) => this.#frames.addSubscription(type);

  raw: Http['raw'] = (part) => this.#raw.add(part);

  area({ prefixes, errors }: { prefixes: readonly string[]; errors: ErrorMapper }): Routes {
    this.#table.addArea(prefixes, errors);
    return {
      route: (route) => this.#add(route, errors),
      socket: (route) => this.#sockets.add(route, errors),
    };
  }

  #add(declared: AnyRoute, errors: ErrorMapper | undefined): void {
    const route = {
      ...declared,
      ...(declared.query ? { query: strictTop(declared.query) } : {}),
      ...(declared.body ? { body: strictTop(declared.body) } : {}),
    };
    this.#table.add(route, errors);
  }

  /** At start, when all are known: a GET answers HEAD too unless somebody declared that one. */
  #install(): void {
    const heads = new Set(
      this.#table.all.filter(({ route }) => route.method === 'HEAD').map(({ route }) => route.path),
    );
    for (const { route, errors } of this.#table.all) {
      this.#app.route({
        method: route.method === 'GET' && !heads.has(route.path) ? ['GET', 'HEAD'] : route.method,
        url: route.path,
        config: { errors, label: route.path },
        handler: (request, reply) => this.#run(route, request, reply),
      });
    }
  }

  /** The one socket, when somebody has something to say on it. */
  #mountSocket(): void {
    if (this.#frames.size === 0) return;
    const sockets = this.#musterSockets;
    this.#sockets.add(
      {
        path: '/v1/socket',
        auth: (head) => sockets.admit(head),
        protocol: subprotocol,
        frameBytesMax: this.#limits.socketFrameBytesMax,
        attended: true,
        connect: (socket, call, tcp) => sockets.connect(socket, tcp, call, call.who),
      },
      undefined,
    );
  }

  #enter(request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void {
    const { clock } = this.#options;
    const began = clock.monotonic();
    const response = reply.raw;
    this.#state.inFlight.opened();
    response.once('close', () => {
      this.#state.inFlight.closed();
      this.#log.note({
        method: request.method,
        route: labelOf(request),
        status: response.headersSent ? response.statusCode : 499,
        ms: clock.monotonic() - began,
        requestId: request.id,
        address: this.#edge.addressOf(request.raw),
      });
    });
    response.setHeader('x-request-id', request.id);
    const build = this.#options.build?.();
    if (build !== undefined) response.setHeader('x-muster-build', build);
    for (const [name, value] of Object.entries(securityHeaders(this.#edge.isHttps(request.raw))))
      response.setHeader(name, value);
    if (this.draining) response.setHeader('connection', 'close');
    // Which types a route takes is for the route to say, so the framework does not get to see the header.
    const type = request.raw.headers['content-type'];
    if (type !== undefined) {
      this.#types.set(request.raw, type);
      delete request.raw.headers['content-type'];
    }
    try {
      checkPath(request.url, this.#limits.urlBytesMax);
      this.#edge.checkHost(request.raw, pathOf(request));
      done();
    } catch (error) {
      done(asError(error));
    }
  }

  async #run(route: AnyRoute, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const params: Record<string, string> = { ...(request.params as Record<string, string>) }; // oxlint-disable-line typescript/no-unsafe-type-assertion -- the router's parameters are text
    const type = this.#types.get(request.raw);
    if (type !== undefined) request.raw.headers['content-type'] = type;
    const head = headOf(request.raw, request.url, params, this.#edge, request.id);
    for (const [name, value] of Object.entries(this.#edge.corsHeaders(request.raw, route.cors)))
      reply.raw.setHeader(name, value);
    if (route.rate !== 'exempt') this.#state.inFlight.refuseWhenFull();
    const source = { request: request.raw, response: reply.raw, unasked: { continue: this.#patient.has(request.raw) } };
    const call = new HttpCall(head, `${route.method} ${route.path}`, source, this.#state);
    call.who = await this.#admission.admit(route.auth, head, (who) => {
      this.#callers.set(request.raw, who);
      this.#countUse(who, head, route, reply.raw);
    });
    // What one person may see is for their browser alone, and for now.
    if (isPerson(call.who)) reply.raw.setHeader('cache-control', 'no-store').setHeader('vary', 'cookie');
    if (route.rate !== 'exempt')
      for (const [name, value] of Object.entries(this.#admission.count(call.who, head)))
        reply.raw.setHeader(name, value);
    checkQuery(head.query);
    call.input.params = route.params ? this.#checkParams(route, params) : params;
    const query = isPerson(call.who) ? withoutProject(head.query) : head.query;
    call.input.query = route.query ? check(route.query, query, 'query') : query;
    if (route.body)
      call.input.body = check(
        route.body,
        await call.jsonValue({ bytesMax: route.bodyBytesMax ?? this.#limits.bodyBytesMax }),
        'body',
      );
    const result = await route.handle(call);
    if (call.takenOver || result === taken) return reply.hijack();
    if (call.gone) return reply.hijack();
    if (this.#options.checkAnswers && request.method !== 'HEAD') checkAnswer(route, result);
    respond(reply, result, route.status ?? 200);
    return reply;
  }

  /** What keys are used for is kept; once answered, or given up by the client. */
  #countUse(
    who: unknown,
    { method, address, requestId }: RequestHead,
    { path }: AnyRoute,
    response: ServerResponse,
  ): void {
    if (!isKey(who)) return;
    const { auth, clock } = this.#options;
    const began = clock.monotonic();
    response.once('close', () => {
      const status = response.headersSent ? response.statusCode : 499;
      const ms = clock.monotonic() - began;
      auth.noteUse(who, status, () => ({
        at: new Date(clock.now()),
        method,
        route: path,
        status,
        ms,
        address,
        requestId,
      }));
    });
  }

  #checkParams(route: AnyRoute, params: Record<string, string>): HttpCall['input']['params'] {
    const result = route.params?.safeParse(params);
    if (!result || result.success) return result?.data as typeof params; // oxlint-disable-line typescript/no-unsafe-type-assertion -- what the route's own schema made
    throw this.#table.noSuch(route.path, params);
  }

  async #missing(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const path = pathOf(request);
    if (request.method === 'OPTIONS') {
      this.#options204(request, reply, path);
      return reply;
    }
    const page = await this.#page(request, path);
    if (page) respond(reply, page, 200);
    else this.#nothingAt(request, reply, path);
    return reply;
  }

  /** Paths nobody declared may be pages: those of a program in the browser, which routes by itself. */
  #page(request: FastifyRequest, path: string): Answer | undefined | Promise<Answer | undefined> {
    if (!this.#pages || (request.method !== 'GET' && request.method !== 'HEAD')) return undefined;
    if (this.#table.at(path).length > 0) return undefined;
    return this.#pages(headOf(request.raw, request.url, {}, this.#edge, request.id));
  }

  #nothingAt(request: FastifyRequest, reply: FastifyReply, path: string): void {
    const { error, allow } = this.#table.missing(request.method, path);
    if (allow.length > 0) reply.raw.setHeader('allow', allow.join(', '));
    this.#fail(error, request, reply);
  }

  #options204(request: FastifyRequest, reply: FastifyReply, path: string): void {
    const here = this.#table.at(path);
    if (here.length === 0) return this.#fail(this.#table.missing('OPTIONS', path).error, request, reply);
    const allow = allowed(here).join(', ');
    const wanted = request.headers['access-control-request-method'];
    const route = here.find((candidate) => candidate.route.method === wanted)?.route;
    const cors = this.#edge.corsHeaders(request.raw, route?.cors);
    reply.code(204).header('allow', allow).headers(cors);
    if (cors['access-control-allow-origin'] !== undefined) {
      reply.headers({
        'access-control-allow-methods': allow,
        'access-control-allow-headers':
          'authorization, content-type, idempotency-key, if-match, last-event-id, range, upload-offset, content-digest',
        'access-control-max-age': '600',
      });
    }
    reply.send();
  }

  #fail(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const error = asMusterError(thrown);
    const { logger, clock } = this.#options;
    if (error.code === 'internal')
      logger.error(
        { error: error.cause ?? error, requestId: request.id, route: labelOf(request) },
        'request failed by our fault',
      );
    if (reply.raw.headersSent || reply.raw.destroyed) {
      // Half an answer cannot be turned into an error; cutting the connection is the only honest end.
      reply.hijack();
      reply.raw.destroy();
      return;
    }
    const head = headOf(request.raw, request.url, {}, this.#edge, request.id);
    if (error.code === 'forbidden' && !isSafe(head)) {
      const what = `${head.method} ${labelOf(request)}`;
      this.#options.auth.noteRefusal(error, { ...head, who: this.#callers.get(request.raw), what });
    }
    const config = request.routeOptions.config as { errors?: ErrorMapper }; // oxlint-disable-line typescript/no-unsafe-type-assertion -- set by #add, absent for unknown paths
    const said = errorAnswer(error, head, config.errors ?? this.#table.errorsAt(head.path));
    if (hasUnreadBody(request.raw)) {
      void refuseUnread(reply, said, clock, this.#limits.refusalDrainMs);
      return;
    }
    // As bytes: to text the framework would add a charset, which problem+json does not have.
    reply.code(said.status).headers(said.headers).send(Buffer.from(said.body));
  }

  pages: Http['pages'] = (answer) => {
    if (this.#pages) throw new Error('invariant broken: two rooms that answer for unknown paths');
    this.#pages = answer;
  };

  health: Http['health'] = (read) => this.#health.add(read);
  readiness: Http['readiness'] = (reason) => this.#health.addReason(reason);

  openapi(): Record<string, unknown> {
    const { version, edge } = this.#options;
    this.#document ??= openapiOf(
      [...this.#table.all.map(({ route }) => route), ...this.#raw.parts.flatMap(({ operations }) => operations)],
      version,
      edge.basePath === '' ? '/' : edge.basePath,
    );
    return this.#document;
  }

  get draining(): boolean {
    return this.#drain.signal.aborted;
  }

  get ports(): readonly number[] {
    return this.#servers.map(({ port }) => port);
  }

  get url(): string {
    const { edge, tls } = this.#options;
    const host = ['0.0.0.0', '::', ''].includes(edge.host) ? '127.0.0.1' : edge.host;
    return `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${this.ports[0] ?? 0}${edge.basePath}`;
  }

  async start(): Promise<void> {
    if (this.#phase !== 'registering') return;
    const { edge, port, extraPorts = [], metricsPort, tls, clock, logger } = this.#options;
    this.#install();
    this.#mountSocket();
    await this.#app.ready();
    try {
      await this.#listen(this.#app.server, port);
      for (const extra of extraPorts)
        await this.#listen(
          this.#server((request, response) => this.#app.routing(request, response)),
          extra,
        );
      if (metricsPort !== undefined)
        await this.#listen(makeServer(this.#probesOnly, this.#limits.headerBytesMax, tls), metricsPort);
    } catch (error) {
      await this[Symbol.asyncDispose]();
      throw error;
    }
    if (tls) this.#following = followTls(this.#app.server, tls, clock, logger);
    this.#sockets.start();
    this.#sweepLater();
    this.#phase = 'open';
    logger.info({ host: edge.host, ports: this.ports }, 'listening');
  }

  async #listen(server: AnyServer, port: number): Promise<void> {
    this.#servers.push({ server, port: await listen(server, this.#options.edge.host, port) });
  }

  readonly #probesOnly = (request: IncomingMessage, response: ServerResponse): void => {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    if (path === '/metrics' || path === '/health' || path === '/ready') return this.#app.routing(request, response);
    response.writeHead(404).end();
  };

  #sweepLater(): void {
    this.#sweeping = this.#options.clock.after(10 * 60_000, () => {
      this.#state.idempotency
        .sweep()
        .catch((error: unknown) =>
          this.#options.logger.warn({ error: asError(error) }, 'old idempotency keys could not be removed'),
        )
        .finally(() => {
          if (this.#phase === 'open') this.#sweepLater();
        });
    });
  }

  drain(): void {
    if (this.draining) return;
    this.#drain.abort();
    this.#state.parking.drain();
    this.#sockets.drain();
    this.#musterSockets.drain();
    for (const { server } of this.#servers) server.closeIdleConnections();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#phase === 'closed') return;
    this.drain();
    this.#phase = 'closed';
    this.#sweeping?.[Symbol.dispose]();
    this.#bodies[Symbol.dispose]();
    this.#following?.[Symbol.dispose]();
    const closing = this.#servers.map(({ server }) => closeServer(server));
    for (const { server } of this.#servers) server.closeIdleConnections();
    const enough = this.#options.clock.sleep(this.#limits.drainRequestsMs);
    await Promise.race([Promise.all([this.#state.inFlight.idle(), this.#musterSockets.idle()]), enough]);
    if (this.#state.inFlight.open > 0)
      this.#options.logger.warn({ requests: this.#state.inFlight.open }, 'requests cut at the end of the grace time');
    this.#sockets.stop();
    for (const { server } of this.#servers) server.closeAllConnections();
    await Promise.all(closing);
    await this.#app.close();
  }
}

const isKey = (who: unknown): boolean => typeof who === 'object' && who !== null && 'kind' in who && who.kind === 'key';
const isPerson = (who: unknown): boolean =>
  typeof who === 'object' && who !== null && 'kind' in who && who.kind === 'person';
const pathOf = (request: FastifyRequest): string => request.url.split('?', 1)[0] ?? '/';
const labelOf = (request: FastifyRequest): string =>
  (request.routeOptions.config as { label?: string }).label ?? 'unknown'; // oxlint-disable-line typescript/no-unsafe-type-assertion -- set by #add

function hasUnreadBody(request: IncomingMessage): boolean {
  const declared =
    request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
  return declared && !request.complete && !request.destroyed;
}
