import { connect, type Socket } from 'node:net';

/**
 * One kept-alive connection that sends one request at a time with as little of its own as possible, so that a number is
 * the server's and not the client's.
 */
export class PlainConnection {
  readonly #socket: Socket;
  readonly #host: string;
  #received: Buffer = Buffer.alloc(0);
  #answer: { resolve: (answer: PlainAnswer) => void; reject: (error: Error) => void } | undefined;

  private constructor(socket: Socket, host: string) {
    this.#socket = socket;
    this.#host = host;
    socket.setNoDelay(true);
    socket.on('data', (data: Buffer) => this.#take(data));
    const over = (): void => this.#answer?.reject(new Error('the connection ended'));
    socket.on('close', over);
    socket.on('error', over);
  }

  static async open(url: string): Promise<PlainConnection> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new PlainConnection(socket, `${hostname}:${port}`);
  }

  /** Resolves with the whole answer; `sent` is called when the request has left. */
  ask(
    method: string,
    path: string,
    token: string,
    body: string | Buffer,
    type = 'application/json',
    sent?: () => void,
  ): Promise<PlainAnswer> {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    const head = `${method} ${path} HTTP/1.1\r\nhost: ${this.#host}\r\nauthorization: Bearer ${token}\r\ncontent-type: ${type}\r\ncontent-length: ${bytes.length}\r\n\r\n`;
    return new Promise((resolve, reject) => {
      this.#answer = { resolve, reject };
      this.#socket.write(Buffer.concat([Buffer.from(head), bytes]), () => sent?.());
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(data: Buffer): void {
    this.#received = this.#received.length === 0 ? data : Buffer.concat([this.#received, data]);
    const end = this.#received.indexOf('\r\n\r\n');
    if (end === -1) return;
    const head = this.#received.subarray(0, end).toString('latin1');
    const length = Number(/\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (this.#received.length < end + 4 + length) return;
    const text = this.#received.subarray(end + 4, end + 4 + length).toString();
    this.#received = this.#received.subarray(end + 4 + length);
    const answer = this.#answer;
    this.#answer = undefined;
    answer?.resolve({ status: Number(head.slice(9, 12)), text });
  }
}

export type PlainAnswer = { status: number; text: string };

/** The JSON of an answer that is good; otherwise what it said. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- a benchmark trusts the server it measures
export function good<T>({ status, text }: PlainAnswer): T {
  if (status >= 300) throw new Error(`answered ${status}: ${text}`);
  return JSON.parse(text) as T;
}
