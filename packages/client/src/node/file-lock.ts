import { createHash } from 'node:crypto';
import { unlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * One process per file: it listens on a local socket named after the file's real path. On Linux and Windows such a name
 * dies with its process, so a kill leaves nothing stale; elsewhere it is a socket file, removed when nobody answers on it.
 * `undefined`: somebody else has it.
 */
export async function lockFile(realPath: string): Promise<AsyncDisposable | undefined> {
  const address = addressOf(realPath);
  const server = (await listen(address)) ?? ((await isStale(address)) ? await listen(address) : undefined);
  return server && { [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) };
}

function addressOf(path: string): string {
  const name = `muster-outbox-${createHash('sha256').update(path).digest('hex').slice(0, 32)}`;
  if (process.platform === 'linux') return `\0${name}`;
  return process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : join(tmpdir(), `${name}.sock`);
}

function listen(address: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    server.listen(address, () => {
      server.unref();
      resolve(server);
    });
  });
}

/** A socket file that nobody answers on any more is taken away. */
function isStale(address: string): Promise<boolean> {
  if (!address.startsWith('/')) return Promise.resolve(false);
  return new Promise((resolve) => {
    const socket = connect(address, () => {
      socket.destroy();
      resolve(false);
    });
    socket.on('error', () =>
      resolve(
        unlink(address).then(
          () => true,
          () => false,
        ),
      ),
    );
  });
}
