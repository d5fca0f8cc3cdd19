import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Clock, exhausted, notFound, unavailable } from '#kernel/base';
import type { Logger } from '#kernel/telemetry';
import type { Admission } from './admission.ts';
import { checkPath, type Edge } from './edge.ts';
import type { AuthRule, ErrorMapper, RequestHead, SocketRoute } from './http.ts';
import type { EdgeLimits } from './limits.ts';
import { asMusterError } from './problems.ts';
import { headOf } from './request-head.ts';
import { errorAnswer } from './respond.ts';
import type { RouteTable } from './route-table.ts';

type AnySocket = Pick<SocketRoute<AuthRule>, 'path' | 'auth' | 'frameBytesMax'> & {
  /** `tcp` is the connection behind the socket: whole frames may be written to it past `ws`. */
  connect(socket: WebSocket, call: RequestHead & { readonly who: never }, tcp: Duplex): void;
  /** Chosen among what the client offers; without it none is. */
  protocol?: string;
  /** Pings its sockets and takes leave of them itself. */
  attended?: true;
};
type Registered = { route: AnySocket; server: WebSocketServer; errors: ErrorMapper | undefined };

export type SocketDeps = {
  admission: Admission;
  edge: Edge;
  clock: Clock;
  limits: EdgeLimits;
  logger: Logger;
  table: RouteTable;
};

/**
 * WebSocket paths. An upgrade passes the same door as a request: host, path, credential, then the socket. An unknown
 * path is a 404 problem. Every 30 s a ping; one that does not answer until the next is cut. Attended ones, those of
 * `/v1/socket`, are pinged and ended by their own.
 */
export class Sockets {
  readonly #deps: SocketDeps;
  readonly #routes = new Map<string, Registered>();
  readonly #open = new Map<WebSocket, { answered: boolean; attended: boolean }>();
  #pinging: Disposable | undefined;
  #draining = false;

  constructor(deps: SocketDeps) {
    this.#deps = deps;
  }

  get open(): number {
    return this.#open.size;
  }

  add(route: AnySocket, errors: ErrorMapper | undefined): void {
    if (this.#routes.has(route.path)) throw new Error(`socket ${route.path} is declared twice`);
    const server = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: route.frameBytesMax,
      clientTracking: false,
      // What else a client offers may hold its credential, which is not for repeating.
      handleProtocols: (offered) =>
        route.protocol !== undefined && offered.has(route.protocol) ? route.protocol : false,
    });
    this.#routes.set(route.path, { route, server, errors });
  }

  start(): void {
    this.#pinging ??= this.#deps.clock.after(this.#deps.limits.socketPingMs, () => this.#ping());
  }

  #ping(): void {
    for (const [socket, state] of this.#open) {
      if (state.attended) continue;
      if (!state.answered) {
        socket.terminate();
        continue;
      }
      state.answered = false;
      socket.ping();
    }
    this.#pinging = this.#deps.clock.after(this.#deps.limits.socketPingMs, () => this.#ping());
  }

  readonly upgrade = (request: IncomingMessage, socket: Duplex, rest: Buffer): void => {
    socket.on('error', () => socket.destroy());
    void this.#take(request, socket, rest);
  };

  async #take(request: IncomingMessage, socket: Duplex, rest: Buffer): Promise<void> {
    const { admission, edge, limits, logger, table } = this.#deps;
    const url = edge.inside(request.url ?? '/');
    const path = url.split('?', 1)[0] ?? '/';
    const found = this.#routes.get(path);
    const head = headOf(request, url, {}, edge);
    try {
      checkPath(url, limits.urlBytesMax);
      edge.checkHost(request, path);
      if (!found) throw notFound('no_such_socket', `There is no WebSocket at ${path.slice(0, 200)}.`);
      if (this.#draining)
        throw unavailable('draining', 'This server is stopping; connect again in a moment.', { retryAfterMs: 2000 });
      if (this.#open.size >= limits.socketsMax)
        throw exhausted('too_many_sockets', `This node already holds ${limits.socketsMax} sockets.`, {
          retryAfterMs: 5000,
        });
      const who = await admission.admit(found.route.auth, head);
      found.server.handleUpgrade(request, socket, rest, (opened) => {
        this.#opened(opened, found.route.attended === true);
        // The rule that produced `who` is the one the route was typed by.
        const call: RequestHead & { readonly who: never } = Object.assign(head, { who: who as never }); // oxlint-disable-line typescript/no-unsafe-type-assertion
        try {
          found.route.connect(opened, call, socket);
        } catch (error) {
          logger.error({ error, path, requestId: head.requestId }, 'a socket could not be taken up');
          opened.close(1011);
        }
      });
    } catch (thrown) {
      const error = asMusterError(thrown);
      if (error.code === 'internal')
        logger.error({ error: error.cause ?? error, path, requestId: head.requestId }, 'upgrade failed');
      refuse(socket, errorAnswer(error, head, found?.errors ?? table.errorsAt(path)));
    }
  }

  #opened(socket: WebSocket, attended: boolean): void {
    const state = { answered: true, attended };
    this.#open.set(socket, state);
    socket.on('pong', () => {
      state.answered = true;
    });
    socket.on('close', () => this.#open.delete(socket));
    // Oversized or broken frames are closed by ws with 1009 or 1007; there is nothing more to do.
    socket.on('error', () => undefined);
  }

  /** 1012: the service restarts, come back. */
  drain(): void {
    this.#draining = true;
    for (const [socket, { attended }] of this.#open) if (!attended) socket.close(1012, 'server is stopping');
  }

  stop(): void {
    this.drain();
    this.#pinging?.[Symbol.dispose]();
    for (const socket of this.#open.keys()) socket.terminate();
  }
}

function refuse(
  socket: Duplex,
  { status, headers, body }: { status: number; headers: Record<string, string>; body: string },
): void {
  if (socket.destroyed) return;
  const lines = Object.entries({
    ...headers,
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}\r\n${lines.join('')}\r\n${body}`);
}
