import { type ErrorCode, errorCodes, MusterError } from '@muster/protocol/errors';
import type { Connection } from '../base/connection.ts';
import { addressOf } from './address.ts';
import { bytesOf, elementsOf, type Form, fromBase64, recordsOf } from './content.ts';
import { type Batch, type FollowOptions, followStream } from './follow-stream.ts';
import { NoEvents } from './stream-reads.ts';
import type { Arrived } from './stream-state.ts';

type Frame = { t: string; ref?: number | string; sub?: string } & Record<string, unknown>;
type Said = { frame: Frame; text: string };

/** A reader that takes more slowly than this is sent is dropped from the socket and reads pages until it has caught up. */
const waitingMax = { frames: 1_000, characters: 8 * 2 ** 20 };
const openMsMax = 10_000;
/** How often the server is asked for a sign of life, and how long it may stay without one. */
const lifeSigns = { pingMs: 25_000, silentMs: 50_000 };

/** For pages that show how the connection is. What is left out is as without it. */
export type SocketWatch = {
  pingMs?: number;
  /** Without anything for so long the socket is given up and opened again. */
  silentMs?: number;
  /** It is open; what the server said of itself in `ready`. */
  opened?(ready: Readonly<Record<string, unknown>>): void;
  /** A frame came; with the answer to a ping, how long it took and what the server's clock said. */
  heard?(pong?: { roundTripMs: number; serverAt: number }): void;
  /** The server stops and said so. */
  draining?(): void;
  /** It is over, or never came up. */
  closed?(why: unknown): void;
};

/**
 * Many streams over one connection (`/v1/socket`): browsers allow six event streams to a server, and this takes 200. Each
 * reader is one of the same kind as `stream.follow`: it catches up by pages, only what comes live is pushed here, and what
 * breaks is read again. Connects when somebody reads, and closes when nobody does.
 *
 * @example
 * const socket = client.socket();
 * for await (const { records } of socket.follow('demo/log')) show(records);
 */
export class StreamSocket {
  readonly #connection: Connection;
  readonly #watch: SocketWatch;
  #line: Promise<Line> | undefined;

  constructor(connection: Connection, watch: SocketWatch = {}) {
    this.#connection = connection;
    this.#watch = watch;
  }

  follow<T = unknown>(path: string, options: FollowOptions = {}): AsyncGenerator<Batch<T>, void> {
    const at = {
      connection: this.#connection,
      address: addressOf(path),
      raw: options.raw === true,
      pushed: (offset: string, form: Form, signal: AbortSignal) => this.#pushed(path, offset, form, signal),
    };
    return followStream<T>(at, options);
  }

  /** What comes behind an offset, until the line breaks or `signal` says so. */
  async *#pushed(path: string, offset: string, form: Form, signal: AbortSignal): AsyncGenerator<Arrived, void> {
    const line = await this.#open();
    const reading = line.subscribe(path, offset);
    const stop = (): void => reading.fail(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    let from = offset;
    try {
      for (;;) {
        signal.throwIfAborted();
        const batch = arrivedOf(await reading.next(), from, form);
        if (!batch) continue;
        from = batch.next;
        yield batch;
        if (batch.closed) return;
      }
    } finally {
      signal.removeEventListener('abort', stop);
      line.unsubscribe(reading);
    }
  }

  async #open(): Promise<Line> {
    const line = await (this.#line ??= Line.open(this.#connection, this.#watch)).catch((error: unknown) => {
      this.#line = undefined;
      throw error;
    });
    if (!line.over) return line;
    this.#line = undefined;
    return this.#open();
  }
}

/** What a frame brings to the reader it names; `undefined` when it only tells how things stand. */
function arrivedOf({ frame, text }: Said, from: string, form: Form): Arrived | undefined {
  const to = typeof frame['to'] === 'string' ? frame['to'] : from;
  const batch = { from, next: to, records: [] as readonly unknown[], upToDate: true, closed: false };
  switch (frame.t) {
    case 'batch':
      if (typeof frame['from'] === 'string' && frame['from'] > from) throw lost('The socket left something out.');
      return { ...batch, records: recordsIn(frame, text, form), upToDate: frame['phase'] === 'live' };
    case 'live':
      return batch;
    case 'closed':
      return { ...batch, closed: true };
    // A gap, and every other end, is told by the next page that is asked for.
    case 'gone':
      throw lost(`The server ended this reader: ${String(frame['reason'])}.`);
    default:
      return undefined;
  }
}

function recordsIn(frame: Frame, text: string, form: Form): readonly unknown[] {
  const { records, text: plain, base64 } = frame;
  if (Array.isArray(records)) return form === 'raw-json' ? elementsOf(text.slice(text.indexOf('"records":'))) : records;
  return recordsOf(form, typeof plain === 'string' ? bytesOf(plain) : fromBase64(String(base64)));
}

const lost = (detail: string): MusterError => new MusterError('unavailable', { reason: 'socket_lost', detail });

/** Frames for one reader, until it fails. */
class Reading {
  readonly name: string;
  #waiting: Said[] = [];
  #characters = 0;
  #failed: { why: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(name: string) {
    this.name = name;
  }

  push(said: Said): void {
    this.#waiting.push(said);
    this.#characters += said.text.length;
    if (this.#waiting.length > waitingMax.frames || this.#characters > waitingMax.characters) {
      this.fail(lost('The reader is slower than what comes.'));
    }
    this.#wake?.();
  }

  fail(why: unknown): void {
    this.#failed ??= { why };
    this.#wake?.();
  }

  async next(): Promise<Said> {
    for (;;) {
      const said = this.#waiting.shift();
      if (said) {
        this.#characters -= said.text.length;
        return said;
      }
      if (this.#failed) throw this.#failed.why;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

/*
 * One WebSocket. Opened and known to the server when `open` resolves; `over` when it is closed by whichever side, and then
 * every reader on it has failed.
 */
class Line {
  readonly #socket: WebSocket;
  readonly #connection: Connection;
  readonly #readings = new Map<string, Reading>();
  readonly #refs = new Map<number | string, Reading>();
  readonly #watch: SocketWatch;
  #token: string | undefined;
  #ref = 0;
  #heardAt = performance.now();
  #looking: ReturnType<typeof setInterval> | undefined;
  #welcome: { resolve: () => void; reject: (why: unknown) => void } | undefined;
  #isReady = false;
  over = false;

  private constructor(socket: WebSocket, connection: Connection, watch: SocketWatch, token: string | undefined) {
    this.#socket = socket;
    this.#connection = connection;
    this.#watch = watch;
    this.#token = token;
  }

  static async open(connection: Connection, watch: SocketWatch): Promise<Line> {
    const token = await connection.credential.now();
    try {
      return await Line.#connect(connection, watch, token);
    } catch (error) {
      const refused = error instanceof MusterError && error.code === 'unauthenticated';
      if (!refused || !connection.credential.renewable) throw error;
      return Line.#connect(connection, watch, await connection.credential.insteadOf(token));
    }
  }

  static async #connect(connection: Connection, watch: SocketWatch, token: string | undefined): Promise<Line> {
    // A platform without WebSockets, or a proxy that does not know them: long polls do.
    if (typeof WebSocket === 'undefined') throw new NoEvents();
    const socket = new WebSocket(addressAt(connection), ['muster.v1']);
    const line = new Line(socket, connection, watch, token);
    const timer = setTimeout(() => line.#end(new NoEvents()), openMsMax);
    try {
      await new Promise<void>((resolve, reject) => {
        line.#welcome = { resolve, reject };
        // With a cookie the server knows who it is before the socket is open.
        if (!connection.byCookie) socket.addEventListener('open', () => line.#send({ t: 'auth', token: token ?? '' }));
        socket.addEventListener('message', ({ data }) => line.#take(String(data)));
        socket.addEventListener('close', ({ code }) => line.#closed(code));
      });
    } finally {
      clearTimeout(timer);
    }
    line.#looking = setInterval(() => line.#look(), watch.pingMs ?? lifeSigns.pingMs);
    if (watch.pingMs !== undefined) line.#look();
    return line;
  }

  /** Its name is the path where that is free: then all who follow it are sent the very same bytes. */
  subscribe(stream: string, after: string): Reading {
    this.#ref += 1;
    const name = this.#readings.has(stream) ? `${stream}#${this.#ref}` : stream;
    const reading = new Reading(name);
    this.#readings.set(name, reading);
    this.#refs.set(this.#ref, reading);
    if (this.over) reading.fail(lost('The socket is closed.'));
    this.#send({ t: 'sub', ref: this.#ref, stream, after, ...(name === stream ? {} : { sub: name }) });
    return reading;
  }

  unsubscribe(reading: Reading): void {
    if (!this.#readings.delete(reading.name)) return;
    for (const [ref, each] of this.#refs) if (each === reading) this.#refs.delete(ref);
    this.#ref += 1;
    this.#send({ t: 'unsub', ref: this.#ref, sub: reading.name });
    if (this.#readings.size === 0) this.#end(lost('Nobody reads any more.'));
  }

  #take(text: string): void {
    const now = performance.now();
    this.#heardAt = now;
    const frame = JSON.parse(text) as Frame;
    this.#watch.heard?.(pongIn(frame, now));
    if (frame.t === 'ready') this.#ready(frame);
    else if (frame.t === 'err') this.#refused(frame);
    else if (frame.t === 'tokenExpiring') void this.#renew();
    else if (frame.t === 'draining') {
      this.#watch.draining?.();
      this.#end(lost('The server is stopping.'));
    } else if (frame.sub !== undefined && frame.ref === undefined) this.#readings.get(frame.sub)?.push({ frame, text });
  }

  #ready(frame: Frame): void {
    if (!this.#isReady) this.#watch.opened?.(frame);
    this.#isReady = true;
    this.#welcome?.resolve();
  }

  /** One that never came up, where pages do: something in between knows no WebSockets. */
  #closed(code: number): void {
    this.#end(this.#isReady ? lost(`The socket was closed (${code}).`) : new NoEvents());
  }

  #refused(frame: Frame): void {
    const error = errorOf(frame);
    // A credential that is over is renewed by the next page that is asked for, or finally refused there.
    if (frame.ref === undefined) return this.#end(this.#isReady ? lost(error.message) : error);
    this.#refs.get(frame.ref)?.fail(error);
  }

  async #renew(): Promise<void> {
    try {
      this.#token = await this.#connection.credential.insteadOf(this.#token);
      this.#send({ t: 'auth', token: this.#token ?? '' });
    } catch {
      // The server ends the socket when the old one is over; connecting again says what is wrong.
    }
  }

  /** A peer that vanished without a word keeps a socket open for ever. */
  #look(): void {
    const now = performance.now();
    const quiet = now - this.#heardAt;
    if (quiet > (this.#watch.silentMs ?? lifeSigns.silentMs)) this.#end(lost('Nothing was heard of the server.'));
    // Somebody who watches wants to know how long an answer takes, also when enough comes.
    else if (this.#watch.pingMs !== undefined || quiet > lifeSigns.pingMs / 2)
      this.#send({ t: 'ping', ref: 'ping', at: now });
  }

  #send(frame: Record<string, unknown>): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  #end(why: unknown): void {
    if (this.over) return;
    this.over = true;
    clearInterval(this.#looking);
    this.#watch.closed?.(why);
    this.#welcome?.reject(why);
    for (const reading of this.#readings.values()) reading.fail(why);
    this.#readings.clear();
    this.#socket.close();
  }
}

/** Browsers can set no header on a socket, so what headers say elsewhere stands in the address. */
function addressAt({ url, byCookie, project }: Connection): string {
  const query = new URLSearchParams({
    ...(byCookie ? { by: 'cookie' } : {}),
    ...(byCookie && project !== undefined ? { project } : {}),
  }).toString();
  return `${url.replace(/^http/, 'ws')}/v1/socket${query === '' ? '' : `?${query}`}`;
}

function pongIn(frame: Frame, now: number): { roundTripMs: number; serverAt: number } | undefined {
  const { at, serverAt } = frame;
  if (frame.t !== 'pong' || typeof at !== 'number' || typeof serverAt !== 'number') return undefined;
  return { roundTripMs: now - at, serverAt };
}

function errorOf(frame: Frame): MusterError {
  const { t: _t, ref: _ref, sub: _sub, code, reason, detail, retryAfterMs, ...extra } = frame;
  return new MusterError((errorCodes as readonly unknown[]).includes(code) ? (code as ErrorCode) : 'unavailable', {
    reason: String(reason),
    detail: String(detail),
    extra,
    ...(typeof retryAfterMs === 'number' ? { retryAfterMs } : {}),
  });
}
