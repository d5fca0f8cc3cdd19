import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * Stands between a client and a server and can hold requests back: while they are held, the server may be gone. Answers
 * are passed on as they come.
 */
export class Between implements AsyncDisposable {
  readonly #server: Server;
  readonly #target: URL;
  readonly url: string;
  #open = 0;
  #held: (() => void)[] | undefined;
  #idle: (() => void) | undefined;

  private constructor(server: Server, target: string) {
    this.#server = server;
    this.#target = new URL(target);
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // oxlint-disable-line typescript/no-unsafe-type-assertion -- a TCP server's address is never text
  }

  static async of(target: string): Promise<Between> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const between = new Between(server, target);
    server.on('request', (incoming, outgoing) => {
      const pass = (): void => {
        between.#open += 1;
        outgoing.once('close', () => {
          between.#open -= 1;
          if (between.#open === 0) between.#idle?.();
        });
        const onward = request({
          hostname: between.#target.hostname,
          port: between.#target.port,
          method: incoming.method,
          path: incoming.url,
          headers: incoming.headers,
          agent: false,
        });
        onward.on('response', (answer) => {
          outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
          outgoing.flushHeaders();
          answer.pipe(outgoing);
          answer.on('error', () => outgoing.destroy());
        });
        onward.on('error', () => outgoing.destroy());
        outgoing.on('close', () => onward.destroy());
        incoming.pipe(onward);
      };
      if (between.#held) between.#held.push(pass);
      else pass();
    });
    return between;
  }

  /** Lets what is open come to its end, holds back what comes meanwhile, and passes it on when `meanwhile` is done. */
  async hold(meanwhile: () => Promise<void>): Promise<void> {
    this.#held ??= [];
    while (this.#open > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    try {
      await meanwhile();
    } finally {
      const held = this.#held;
      this.#held = undefined;
      for (const pass of held) pass();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
