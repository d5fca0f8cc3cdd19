import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { type Auth, RateBuckets } from '#kernel/auth';
import { type Clock, exhausted, type Random, randomToken } from '#kernel/base';
import type { Logger, Metrics } from '#kernel/telemetry';
import type { FrameTable } from './frame-types.ts';
import type { RequestHead } from './http.ts';
import type { EdgeLimits } from './limits.ts';
import { type Opening, openingOf, type Visitors } from './muster-credential.ts';
import { WriteTurn } from './muster-output.ts';
import { MusterSocket, type MusterSocketDeps } from './muster-socket.ts';

export type MusterSocketsOptions = {
  /** Told in `ready`: which build of the console is served now. */
  build: (() => string | undefined) | undefined;
  auth: Auth;
  clock: Clock;
  random: Random;
  limits: EdgeLimits;
  logger: Logger;
  metrics: Metrics;
  node: string;
  table: FrameTable;
  visitors: Visitors;
};

/** How often each socket's times are looked at. */
const lookEveryMs = 1000;

/** All sockets of `/v1/socket`: opens them, looks at their times, ends them together. */
export class MusterSockets {
  readonly #options: MusterSocketsOptions;
  readonly #deps: MusterSocketDeps;
  readonly #sockets = new Set<MusterSocket>();
  /** Those that have not said who they are. */
  readonly #strangers = new Set<MusterSocket>();
  #looking: Disposable | undefined;
  #allGone: (() => void) | undefined;

  constructor(options: MusterSocketsOptions) {
    const { clock, limits, metrics } = options;
    this.#options = options;
    const frames = metrics.counter({
      name: 'muster_socket_frames_total',
      help: 'Frames of /v1/socket answered, by word and by ok or the code of the error.',
      labels: { t: { max: 64 }, outcome: { max: 16 } },
    });
    const closes = metrics.counter({
      name: 'muster_socket_closes_total',
      help: 'Sockets of /v1/socket that ended, by close code.',
      labels: { code: { max: 32 } },
    });
    metrics.gauge({
      name: 'muster_socket_subscriptions',
      help: 'Subscriptions of open sockets.',
      collect: (gauge) => gauge.set({}, this.#sum('subscriptions')),
    });
    metrics.gauge({
      name: 'muster_socket_waiting_bytes',
      help: 'Bytes that wait for the clients of /v1/socket to read them; shared ones are counted for each.',
      collect: (gauge) => gauge.set({}, this.#sum('waiting')),
    });
    this.#deps = {
      ...options,
      turn: new WriteTurn(),
      rates: new RateBuckets({
        clock,
        perSecond: limits.socketSendsPerSecond,
        burst: limits.socketSendsBurst,
        keysMax: limits.socketsMax,
      }),
      answered: (t, outcome) => frames.add({ t: options.table.knows(t) ? t : 'other', outcome }),
      known: (socket) => void this.#strangers.delete(socket),
      closed: (socket, code) => {
        closes.add({ code: String(code) });
        this.#gone(socket);
      },
    };
  }

  #sum(what: 'subscriptions' | 'waiting'): number {
    let sum = 0;
    for (const socket of this.#sockets) sum += socket[what];
    return sum;
  }

  /** Before the upgrade: a wrong credential in the header, or none while too many strangers are here, opens nothing. */
  async admit(head: RequestHead): Promise<Opening> {
    const opening = await openingOf(head, this.#options.auth, this.#options.visitors);
    const { socketStrangersMax: max } = this.#options.limits;
    if ((opening.kind === 'none' || opening.kind === 'foreign') && this.#strangers.size >= max)
      throw exhausted('too_many_strangers', `${max} sockets already wait for their first auth frame.`, {
        retryAfterMs: 1000,
      });
    return opening;
  }

  connect(ws: WebSocket, tcp: Duplex, head: RequestHead, opening: Opening): void {
    const socket = new MusterSocket(`con_${randomToken(12)}`, ws, tcp, head.address, this.#deps);
    this.#sockets.add(socket);
    this.#strangers.add(socket);
    this.#lookLater();
    socket.open(opening);
  }

  #gone(socket: MusterSocket): void {
    this.#sockets.delete(socket);
    this.#strangers.delete(socket);
    if (this.#sockets.size > 0) return;
    this.#looking?.[Symbol.dispose]();
    this.#looking = undefined;
    this.#allGone?.();
  }

  #lookLater(): void {
    this.#looking ??= this.#options.clock.after(lookEveryMs, () => {
      this.#looking = undefined;
      this.#lookLater();
      for (const socket of Array.from(this.#sockets)) socket.look();
    });
  }

  drain(): void {
    for (const socket of Array.from(this.#sockets)) socket.drain();
  }

  /** Resolves when every socket has gone. */
  async idle(): Promise<void> {
    if (this.#sockets.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#allGone = resolve;
    });
  }
}
