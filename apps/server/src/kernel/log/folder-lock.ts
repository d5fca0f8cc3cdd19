import { createHash } from 'node:crypto';
import { realpath, unlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { conflict } from '#kernel/base';

/**
 * One process per log folder: a listening local socket whose name is made from the folder's real path and that answers
 * with who holds it. On Linux and Windows the name lives in the kernel and dies with the process, so nothing stale is
 * left behind; elsewhere it is a socket file, and one that nobody answers on is removed.
 */
export async function lockFolder(dir: string, me: string): Promise<AsyncDisposable> {
  const address = addressOf(await realpath(dir));
  for (let attempt = 0; attempt < 3; attempt++) {
    const server = await listen(address, me);
    if (server) return { [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) };
    const holder = await ask(address);
    if (holder !== undefined) {
      throw conflict(
        'log_folder_in_use',
        `The log folder ${dir} is in use by ${holder}. Stop that server first, or give this one its own folder.`,
        {
          extra: { holder },
        },
      );
    }
    if (address.startsWith('/')) await unlink(address).catch(() => undefined);
  }
  throw conflict('log_folder_in_use', `The log folder ${dir} is in use by a process that does not answer.`);
}

function addressOf(folder: string): string {
  const name = `muster-log-${createHash('sha256').update(folder).digest('hex').slice(0, 32)}`;
  if (process.platform === 'linux') return `\0${name}`;
  if (process.platform === 'win32') return `\\\\.\\pipe\\${name}`;
  return join(tmpdir(), `${name}.sock`);
}

function listen(address: string, me: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end(me);
    });
    server.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    server.listen(address, () => {
      server.unref();
      resolve(server);
    });
  });
}

/** Who answers at `address`; `undefined` when nobody listens. */
function ask(address: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let heard = '';
    const socket = connect(address);
    socket.setTimeout(2000, () => socket.destroy());
    socket.on('data', (bytes) => {
      heard = (heard + bytes.toString('utf8')).slice(0, 200);
    });
    let connected = false;
    socket.on('connect', () => {
      connected = true;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(connected ? heard || 'another process' : undefined));
  });
}
