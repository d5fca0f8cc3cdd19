import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { Connection } from '#kernel/db';

/**
 * A connection pooler in miniature, speaking enough of the protocol for one question: are sessions shared? In session mode
 * each client has a server connection of its own, behind a greeting the pooler wrote; in transaction mode all clients
 * share one and take turns, as PgBouncer does with a pool of one.
 */
export async function transactionPooler(
  target: Extract<Connection, { host: string }>,
  mode: 'transaction' | 'session',
): Promise<{ connection: Extract<Connection, { host: string }> } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-pooler-'));
  const { host, port, user, password, database } = target;
  const backends: Client[] = [];
  let shared: Promise<Backend> | undefined;
  const openBackend = async (): Promise<Backend> => {
    const client = new Client({ host, port, user, password, database });
    client.on('error', () => undefined);
    await client.connect();
    backends.push(client);
    return new Backend((client as unknown as { connection: { stream: Socket } }).connection.stream);
  };
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    const backend = mode === 'session' ? openBackend() : (shared ??= openBackend());
    serve(socket, backend);
  });
  await new Promise<void>((resolve) => server.listen(join(folder, `.s.PGSQL.${target.port}`), resolve));
  return {
    connection: { ...target, host: folder },
    async [Symbol.asyncDispose]() {
      server.close();
      for (const client of backends)
        (client as unknown as { connection: { stream: Socket } }).connection.stream.destroy();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A server connection, lent to one request at a time. */
class Backend {
  readonly #stream: Socket;
  #last: Promise<unknown> = Promise.resolve();

  constructor(stream: Socket) {
    this.#stream = stream;
    stream.removeAllListeners('data');
  }

  /** Sends one request and passes answers on until the server is ready for the next. */
  exchange(request: Buffer, answer: (bytes: Buffer) => void): Promise<void> {
    const done = this.#last.then(
      () =>
        new Promise<void>((resolve) => {
          let rest = Buffer.alloc(0);
          const hear = (chunk: Buffer): void => {
            answer(chunk);
            rest = Buffer.concat([rest, chunk]);
            for (
              let length = 0;
              rest.length >= 5 && rest.length >= (length = rest.readUInt32BE(1) + 1);
              rest = rest.subarray(length)
            ) {
              if (rest[0] !== 0x5a) continue;
              this.#stream.off('data', hear);
              resolve();
            }
          };
          this.#stream.on('data', hear);
          this.#stream.write(request);
        }),
    );
    this.#last = done;
    return done;
  }
}

function serve(socket: Socket, backend: Promise<Backend>): void {
  let pending = Buffer.alloc(0);
  let greeted = false;
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    if (!greeted) {
      greeted = true;
      pending = Buffer.alloc(0);
      socket.write(greeting());
      return;
    }
    // A request ends with a simple query (Q) or a sync (S); a terminate (X) ends only this client.
    for (let at = 0; pending.length >= at + 5; ) {
      const length = pending.readUInt32BE(at + 1) + 1;
      if (pending.length < at + length) return;
      const kind = String.fromCharCode(pending[at] ?? 0);
      at += length;
      if (kind === 'X') {
        socket.end();
        return;
      }
      if (kind !== 'Q' && kind !== 'S') continue;
      const request = pending.subarray(0, at);
      pending = pending.subarray(at);
      at = 0;
      void backend.then((server) => server.exchange(request, (bytes) => socket.write(bytes)));
    }
  });
}

/** Authentication ok, a process id nobody has, ready. */
function greeting(): Buffer {
  const key = createHash('md5').update(String(process.hrtime.bigint())).digest().readUInt32BE() >>> 1;
  const message = (kind: string, body: Buffer): Buffer => {
    const head = Buffer.alloc(5);
    head.write(kind);
    head.writeUInt32BE(body.length + 4, 1);
    return Buffer.concat([head, body]);
  };
  const keyData = Buffer.alloc(8);
  keyData.writeUInt32BE(key, 0);
  return Buffer.concat([message('R', Buffer.alloc(4)), message('K', keyData), message('Z', Buffer.from('I'))]);
}
