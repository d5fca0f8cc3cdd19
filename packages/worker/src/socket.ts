import {
  buildLimits,
  type Claim,
  type Instruction,
  type Job,
  serverFrameSchema,
  socketReplaced,
  type WorkerFrame,
} from '@muster/protocol';
import { type RawData, WebSocket } from 'ws';
import { after, monotonic } from './clock.ts';
import type { Http } from './http.ts';

const handshakeMsMax = 10_000;
/** The server pings more often than this; a longer silence is a half-open connection. */
const silenceMsMax = 45_000;
/** A job carries up to 128 KiB of variables. */
const frameBytesMax = 4 * buildLimits.socketFrameBytesMax;

export type SocketEvents = {
  onJob: (job: Job) => void;
  onInstruction: (instruction: Instruction) => void;
  onOpen: () => void;
};

/**
 * - `unreachable`: no connection to the server at all
 * - `unsupported`: something answered, but not with a socket (an older server, a proxy in between)
 * - `refused`: the credential is not good
 * - `replaced`: another process connected with this worker's token
 * - `dropped`: it was open and broke
 * - `closed`: we closed it
 */
export type SocketEnd = {
  kind: 'unreachable' | 'unsupported' | 'refused' | 'replaced' | 'dropped' | 'closed';
  detail: string;
};

/** One socket life: `ended` resolves when it is over, whatever the reason. */
export class WorkerSocket {
  readonly ended: Promise<SocketEnd>;
  readonly #socket: WebSocket;
  readonly #events: SocketEvents;
  #heardAt = monotonic();
  #watch: Disposable | undefined;
  #closing = false;

  constructor(http: Http, token: string, events: SocketEvents) {
    const url = http.url('/v1/workers/connect');
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    this.#events = events;
    this.#socket = new WebSocket(url, {
      headers: { authorization: `Bearer ${token}` },
      handshakeTimeout: handshakeMsMax,
      perMessageDeflate: false,
      maxPayload: frameBytesMax,
      followRedirects: false,
    });
    this.ended = this.#life();
  }

  /** Says what is held and how much more fits; the server pushes a job when it has one. */
  ready(claim: Claim): void {
    this.#send({ type: 'ready', free: claim.free, held: claim.held });
  }

  close(): void {
    this.#closing = true;
    this.#socket.close(1000);
    // A half-open connection never answers the close.
    const impatience = after(1_000, () => this.#socket.terminate());
    this.#socket.once('close', () => impatience[Symbol.dispose]());
  }

  #life(): Promise<SocketEnd> {
    return new Promise((resolve) => {
      let opened = false;
      let end: SocketEnd | undefined;
      this.#socket.on('unexpected-response', (_request, response) => {
        const status = response.statusCode ?? 0;
        const kind =
          status === 401 || status === 403
            ? 'refused'
            : status >= 500 || status === 429
              ? 'unreachable'
              : 'unsupported';
        end = { kind, detail: `status ${status} instead of a socket` };
        response.resume();
        // Whoever listens for this event has to end the attempt; `close` follows.
        this.#socket.terminate();
      });
      this.#socket.on('error', (error) => {
        end ??= { kind: opened ? 'dropped' : 'unreachable', detail: error.message };
      });
      this.#socket.on('open', () => {
        opened = true;
        this.#heard();
        this.#events.onOpen();
      });
      // Control frames of the WebSocket protocol count as a sign of life as well.
      this.#socket.on('ping', () => this.#heard());
      this.#socket.on('message', (data, binary) => this.#message(data, binary));
      this.#socket.on('close', (code, reason) => {
        this.#watch?.[Symbol.dispose]();
        const detail = `closed with ${code} ${reason.toString()}`.trim();
        if (this.#closing) resolve({ kind: 'closed', detail });
        else if (code === socketReplaced) resolve({ kind: 'replaced', detail });
        else resolve(end ?? { kind: opened ? 'dropped' : 'unreachable', detail });
      });
    });
  }

  #message(data: RawData, binary: boolean): void {
    if (this.#closing) return;
    this.#heard();
    const frame = binary ? undefined : parse(data);
    // A frame of a newer server is none of our business; garbage is a broken connection.
    if (frame === undefined) return this.#socket.close(1007, 'not a JSON object');
    const known = serverFrameSchema.safeParse(frame);
    if (!known.success) return;
    if (known.data.type === 'ping') this.#send({ type: 'pong' });
    else if (known.data.type === 'job') this.#events.onJob(known.data.job);
    else if (known.data.type === 'instruction') this.#events.onInstruction(known.data.instruction);
  }

  #heard(): void {
    this.#heardAt = monotonic();
    this.#watch ??= this.#watchSilence();
  }

  #watchSilence(): Disposable {
    return after(Math.max(1, this.#heardAt + silenceMsMax - monotonic()), () => {
      if (monotonic() - this.#heardAt >= silenceMsMax) return this.#socket.terminate();
      this.#watch = this.#watchSilence();
    });
  }

  #send(frame: WorkerFrame): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }
}

function parse(data: RawData): object | undefined {
  try {
    const text = Array.isArray(data)
      ? Buffer.concat(data).toString('utf8')
      : Buffer.from(data as Buffer).toString('utf8');
    const frame: unknown = JSON.parse(text);
    return typeof frame === 'object' && frame !== null ? frame : undefined;
  } catch {
    return undefined;
  }
}
