import { Backoff, monotonic, pause } from './clock.ts';
import { type PollDeps, pollLoop } from './poll-loop.ts';
import { type SocketEnd, WorkerSocket } from './socket.ts';

/** How long work is taken by long poll before a socket is tried again. */
const socketRetryMsDefault = 60_000;
/** A socket that lived so long was a good one: the next try comes soon again. */
const goodSocketMs = 10_000;

export type ConnectionDeps = PollDeps & {
  /** Heartbeats park while there is no socket. */
  onSocket: (open: boolean) => void;
  socketRetryMs?: number | undefined;
  /** `poll` never tries a socket. */
  transport?: 'auto' | 'poll' | undefined;
};
export type ConnectionEnd = { kind: 'refused' | 'replaced' | 'closed'; detail: string };

/*
 * How the worker hears from the server.
 *  socket  – jobs and instructions are pushed; heartbeats go out by themselves
 *  polling – one parked claim, and parked heartbeats for instructions; tried when no socket can be had
 *  waiting – nothing works; the next try comes after 0.5 s to 30 s
 * Rows on the server decide what is held, so going from one to another, or both at once, loses nothing.
 */
export class Connection {
  readonly #deps: ConnectionDeps;
  #socket: WorkerSocket | undefined;

  constructor(deps: ConnectionDeps) {
    this.#deps = deps;
  }

  /** Says anew what is held and free; call it when that changes. */
  changed(): void {
    this.#deps.changed.ring();
    this.#socket?.ready(this.#deps.ready());
  }

  /** Stays connected until the signal aborts, or the server does not want this worker. */
  async run(signal: AbortSignal): Promise<ConnectionEnd> {
    const { log } = this.#deps;
    const backoff = new Backoff();
    const retryMs = this.#deps.socketRetryMs ?? socketRetryMsDefault;
    let socketFailures = 0;
    while (!signal.aborted) {
      if (this.#deps.transport !== 'poll') {
        const began = monotonic();
        const { kind, detail } = await this.#socketLife(signal);
        if (kind === 'closed') break;
        if (kind === 'refused' || kind === 'replaced') return { kind, detail };
        if (kind === 'dropped') {
          if (monotonic() - began > goodSocketMs) backoff.reset();
          socketFailures = 0;
          log.warn('the connection to the server broke', { detail });
          await pause(backoff.next(), signal);
          continue;
        }
        socketFailures += 1;
        if (socketFailures === 1) log.warn('no socket to the server', { detail });
        // Nobody there: polling would fail as well. Some proxies look like that, so every third time it is tried.
        if (kind === 'unreachable' && socketFailures % 3 !== 0) {
          await pause(backoff.next(), signal);
          continue;
        }
        log.info('taking work by long poll');
      }
      this.#deps.onSocket(false);
      const { kind, detail } = await pollLoop(this.#deps, retryMs, signal);
      if (kind === 'refused') return { kind, detail };
      if (kind === 'time') backoff.reset();
    }
    return { kind: 'closed', detail: 'closed by the worker' };
  }

  async #socketLife(signal: AbortSignal): Promise<SocketEnd> {
    const { api, onJob, onInstruction, onSocket, ready, log } = this.#deps;
    const socket = new WorkerSocket(api.http, api.token, {
      onJob,
      onInstruction,
      onOpen: () => {
        log.info('connected');
        this.#socket = socket;
        onSocket(true);
        socket.ready(ready());
      },
    });
    const onAbort = (): void => socket.close();
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    const end = await socket.ended;
    signal.removeEventListener('abort', onAbort);
    this.#socket = undefined;
    if (end.kind !== 'closed') onSocket(false);
    return end;
  }
}
