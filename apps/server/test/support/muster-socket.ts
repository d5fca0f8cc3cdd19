/**
 * A client of `/v1/socket` for tests: every frame it was sent, in order, and a way to wait for one. Reads like a plain
 * WebSocket and knows nothing of the protocol but JSON.
 *
 * @example
 * await using socket = await openSocket(server.url, { key: server.key });
 * socket.send({ t: 'sub', ref: 1, stream: 'a', after: '-1' });
 * expect(await socket.answer(1)).toMatchObject({ t: 'ok' });
 */
import { WebSocket } from 'ws';

export type Frame = { t: string; ref?: string | number } & Record<string, unknown>;

export type OpenSocketOptions = {
  key?: string | undefined;
  /** Default: `muster.v1` alone. */
  protocols?: string[];
  query?: string;
  headers?: Readonly<Record<string, string>>;
  /** Tests with a certificate of their own. */
  anyCertificate?: boolean;
  /** Do not wait for `ready`. */
  silent?: boolean;
};

export class TestSocket implements AsyncDisposable {
  readonly ws: WebSocket;
  readonly frames: Frame[] = [];
  /** The same as they came. */
  readonly texts: string[] = [];
  /** Bytes of all frames. */
  bytes = 0;
  /** Resolves when it is closed, by whichever side. */
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #waiting = new Set<{
    want: (frame: Frame) => boolean;
    resolve: (frame: Frame) => void;
    reject: (error: Error) => void;
  }>();
  #over: { code: number; reason: string } | undefined;

  constructor(ws: WebSocket) {
    this.ws = ws;
    ws.on('message', (data: Buffer) => this.#take(data));
    ws.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      ws.on('close', (code, reason) => {
        this.#over = { code, reason: reason.toString() };
        for (const { reject } of this.#waiting) reject(this.#gone());
        resolve(this.#over);
      });
    });
  }

  #take(data: Buffer): void {
    this.bytes += data.length;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a test then looks at
    const frame = JSON.parse(data.toString()) as Frame;
    this.texts.push(data.toString());
    this.frames.push(frame);
    for (const waiter of this.#waiting) {
      if (!waiter.want(frame)) continue;
      this.#waiting.delete(waiter);
      waiter.resolve(frame);
    }
  }

  #gone(): Error {
    return new Error(`the socket was closed with ${this.#over?.code} ${this.#over?.reason}`);
  }

  send(frame: Record<string, unknown> | string | Buffer): void {
    this.ws.send(typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame));
  }

  /** The first frame that fits, of those that came and those to come. */
  async frame(want: (frame: Frame) => boolean): Promise<Frame> {
    const here = this.frames.find(want);
    if (here) return here;
    if (this.#over) throw this.#gone();
    return new Promise((resolve, reject) => this.#waiting.add({ want, resolve, reject }));
  }

  /** The `ok`, `err`, `ready` or `pong` to a frame. */
  answer(ref: string | number): Promise<Frame> {
    return this.frame((frame) => frame.ref === ref);
  }

  async ask(frame: Record<string, unknown> & { ref: string | number }): Promise<Frame> {
    this.send(frame);
    return this.answer(frame.ref);
  }

  /** All frames of one subscription so far. */
  of(sub: string): Frame[] {
    return this.frames.filter((frame) => frame['sub'] === sub && frame.t !== 'ok');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.ws.terminate();
    await this.closed;
  }
}

/** Opens a socket and, unless told otherwise, waits until it is ready. Rejects with the status of a refused upgrade. */
export async function openSocket(url: string, options: OpenSocketOptions = {}): Promise<TestSocket> {
  const { key, protocols = ['muster.v1'], query = '', silent = false, anyCertificate = false, headers = {} } = options;
  const ws = new WebSocket(`${url.replace(/^http/, 'ws')}/v1/socket${query}`, protocols, {
    headers: { ...(key === undefined ? {} : { authorization: `Bearer ${key}` }), ...headers },
    rejectUnauthorized: !anyCertificate,
  });
  const socket = new TestSocket(ws);
  await new Promise<void>((resolve, reject) => {
    ws.once('open', () => resolve());
    ws.once('unexpected-response', (_request, response) => {
      let body = '';
      response.on('data', (part: Buffer) => (body += part.toString()));
      response.on('end', () => {
        ws.terminate();
        reject(new RefusedUpgrade(response.statusCode ?? 0, body));
      });
    });
    ws.once('error', reject);
  });
  if (!silent) await socket.frame(({ t }) => t === 'ready');
  return socket;
}

export class RefusedUpgrade extends Error {
  readonly status: number;
  readonly problem: Record<string, unknown>;

  constructor(status: number, body: string) {
    super(`upgrade refused with ${status}: ${body}`);
    this.status = status;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a test then looks at
    this.problem = JSON.parse(body) as Record<string, unknown>;
  }
}
