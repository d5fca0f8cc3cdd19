import { connect, type Socket } from 'node:net';

/** A request byte by byte, for what no client library would send. */
export class RawRequest implements Disposable {
  readonly #socket: Socket;
  #received = '';
  #closed = false;
  readonly #waiting = new Set<() => void>();

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.#socket = connect(Number(port), hostname);
    this.#socket.on('data', (bytes: Buffer) => {
      this.#received += bytes.toString('latin1');
      this.#tell();
    });
    for (const event of ['close', 'error']) {
      this.#socket.on(event, () => {
        this.#closed = true;
        this.#tell();
      });
    }
  }

  #tell(): void {
    for (const told of this.#waiting) told();
  }

  /** Resolves when the bytes left this process, or cannot any more. */
  async send(bytes: string | Uint8Array): Promise<void> {
    if (this.#closed) return;
    await new Promise<void>((resolve) => this.#socket.write(bytes, () => resolve()));
  }

  head(method: string, path: string, headers: Record<string, string | number>): Promise<void> {
    const lines = Object.entries({ host: 'localhost', ...headers }).map(([name, value]) => `${name}: ${value}`);
    return this.send(`${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
  }

  /** Status and body of the answer, once `whole` says there is enough of it or the connection ended. */
  async answer(): Promise<{ status: number; text: string }> {
    await this.#until(() => this.#closed || this.#complete());
    const [head = '', ...rest] = this.#received.split('\r\n\r\n');
    return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1] ?? 0), text: rest.join('\r\n\r\n') };
  }

  /** Everything received until now. */
  soFar(): string {
    return this.#received;
  }

  /** Resolves when the other side ended the connection. */
  closed(): Promise<void> {
    return this.#until(() => this.#closed);
  }

  #complete(): boolean {
    const at = this.#received.indexOf('\r\n\r\n');
    if (at === -1) return false;
    const head = this.#received.slice(0, at);
    if (/^HTTP\/1\.1 (204|304)/.test(head)) return true;
    const length = Number(/\ncontent-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN);
    return this.#received.length - at - 4 >= length;
  }

  #until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => {
      const told = (): void => {
        if (!holds()) return;
        this.#waiting.delete(told);
        resolve();
      };
      this.#waiting.add(told);
    });
  }

  /** Ends the connection as a dying client does. */
  cut(): void {
    this.#socket.resetAndDestroy();
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

export type FormPart = { name: string; fileName?: string; type?: string; value: string | Uint8Array };
export const boundary = 'a-boundary-of-our-own';
export const formType = `multipart/form-data; boundary=${boundary}`;

/** A multipart body as bytes, parts in the order given. `open` leaves out the last boundary. */
export function formBody(parts: readonly FormPart[], options: { open?: boolean } = {}): Buffer {
  const chunks = parts.flatMap(({ name, fileName, type, value }) => [
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${fileName === undefined ? '' : `; filename="${fileName}"`}\r\n` +
        `${fileName === undefined ? '' : `Content-Type: ${type ?? 'application/octet-stream'}\r\n`}\r\n`,
    ),
    Buffer.from(value),
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([...chunks, Buffer.from(options.open ? '' : `--${boundary}--\r\n`)]);
}
