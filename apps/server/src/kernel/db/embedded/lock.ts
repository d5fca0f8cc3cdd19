import { createHash, randomBytes } from 'node:crypto';
import { linkSync, lstatSync, renameSync, rmSync, type Stats } from 'node:fs';
import { mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { asError, conflict, type MusterError } from '#kernel/base';
import { errorCode } from '../pool/store-errors.ts';
import { refusal } from './refusal.ts';

/** Who holds a data folder, as the holder itself answers. */
export type LockHolder = { instance: string; pid: number; url?: string };

/**
 * The right to be the one server of a data folder. A listening socket, because only a living process can answer on one:
 * a file or a process id would survive its writer, and ids are used again after a reboot.
 */
export type DataLock = AsyncDisposable & {
  /** Tells those who find the folder taken where this server is. */
  announce(url: string): void;
  /** Whether the socket in the folder is still ours; false after somebody removed or replaced it. */
  isHeld(): boolean;
};

const socketName = 'server.sock';
const socketPathBytesMax = 100;
const answerBytesMax = 4_096;
const answerMsMax = 2_000;
const attemptsMax = 20;

/**
 * Takes `folder` for this process.
 *
 * @throws conflict `data_folder_in_use` naming the other server's URL
 * @throws unavailable `postgres_no_rights` when the folder cannot hold a socket
 */
export async function lockDataFolder(folder: string, me: { instance: string; url?: string }): Promise<DataLock> {
  const holder: LockHolder = { ...me, pid: process.pid };
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end(`${JSON.stringify(holder)}\n`);
  });
  const announce = (url: string): void => void (holder.url = url);
  if (process.platform === 'win32') return { ...(await lockPipe(server, folder)), announce };
  try {
    return { ...(await lockSocket(server, folder)), announce };
  } catch (error) {
    await close(server); // One that lost must not keep its process alive.
    throw error;
  }
}

async function lockSocket(server: Server, folder: string): Promise<Pick<DataLock, 'isHeld'> & AsyncDisposable> {
  await using place = await shortWay(folder);
  const path = join(place.folder, socketName);
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    if (await listenAt(server, place.folder, path)) {
      return held(server, join(folder, socketName), lstatSync(path));
    }
    const found = lstatOf(path);
    const other = await ask(path);
    if (other !== 'nobody') throw inUse(folder, other);
    if (found) removeDead(path, found);
  }
  throw inUse(folder, undefined);
}

/** Who holds `folder` at the moment; `nobody` when no process answers, nothing when one is there but says nothing. */
export async function lockHolder(folder: string): Promise<LockHolder | 'nobody' | undefined> {
  if (process.platform === 'win32') return await ask(await pipeName(folder));
  await using place = await shortWay(folder);
  return await ask(join(place.folder, socketName));
}

/** Listens under a name of its own and then takes the known name in one step, so it never exists without answering. */
async function listenAt(server: Server, folder: string, path: string): Promise<boolean> {
  if (!server.listening) {
    const own = join(folder, `.${randomBytes(4).toString('hex')}.sock`);
    await listen(server, own).catch((error: unknown) => {
      throw refusal(
        'postgres_no_rights',
        `The data folder cannot hold a socket (${asError(error).message}).`,
        'Give the user of the server the right to write there; on a shared or mounted folder use a disk of this machine.',
        error,
      );
    });
    ownNames.set(server, own);
  }
  const own = ownNames.get(server) ?? path;
  try {
    linkSync(own, path);
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
  rmSync(own, { force: true });
  return true;
}

const ownNames = new WeakMap<Server, string>();

/**
 * Removes the socket of a dead process, and only that one: another starter may have put its living socket there since we
 * asked. So it is moved away first, and put back when it turns out to be a different one.
 */
function removeDead(path: string, dead: Stats): void {
  const aside = `${path}.${randomBytes(4).toString('hex')}.dead`;
  try {
    renameSync(path, aside);
  } catch {
    return; // Somebody else removed it.
  }
  if (!isSame(lstatSync(aside), dead)) {
    try {
      linkSync(aside, path);
    } catch {
      // A third one came between; the next attempt asks it.
    }
  }
  rmSync(aside, { force: true });
}

const isSame = (a: Stats, b: Stats): boolean => a.ino === b.ino && a.dev === b.dev && a.birthtimeMs === b.birthtimeMs;

function lstatOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

function held(server: Server, path: string, mine: Stats): Pick<DataLock, 'isHeld'> & AsyncDisposable {
  const isHeld = (): boolean => {
    const found = lstatOf(path);
    return server.listening && found !== undefined && isSame(found, mine);
  };
  return {
    isHeld,
    async [Symbol.asyncDispose]() {
      if (isHeld()) rmSync(path, { force: true });
      await close(server);
    },
  };
}

/** Windows has no sockets in folders; a named pipe ends with its process, so a taken name is a living holder. */
async function lockPipe(server: Server, folder: string): Promise<Pick<DataLock, 'isHeld'> & AsyncDisposable> {
  const name = await pipeName(folder);
  try {
    await listen(server, name);
  } catch (error) {
    if (errorCode(error) !== 'EADDRINUSE') throw error;
    const other = await ask(name);
    throw inUse(folder, other === 'nobody' ? undefined : other);
  }
  return { isHeld: () => server.listening, [Symbol.asyncDispose]: () => close(server) };
}

async function pipeName(folder: string): Promise<string> {
  return `\\\\.\\pipe\\muster-${createHash('sha256')
    .update(await realpath(folder))
    .digest('hex')
    .slice(0, 32)}`;
}

function ask(path: string): Promise<LockHolder | 'nobody' | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let answer = '';
    socket.setTimeout(answerMsMax, () => socket.destroy());
    socket.on('data', (chunk) => {
      answer += chunk.toString();
      if (answer.length > answerBytesMax) socket.destroy();
    });
    socket.on('close', () => resolve(parse(answer)));
    socket.on('error', (error) => {
      const code = errorCode(error);
      if (code === 'ENOENT' || code === 'ECONNREFUSED') resolve('nobody');
      // The holder ended while we asked, or it belongs to a user we may not talk to.
      else if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'EACCES') resolve(undefined);
      else reject(error);
    });
  });
}

function parse(answer: string): LockHolder | undefined {
  try {
    return JSON.parse(answer) as LockHolder;
  } catch {
    return undefined;
  }
}

function inUse(folder: string, holder: LockHolder | undefined): MusterError {
  const who = holder
    ? holder.url
      ? `at ${holder.url}`
      : `with process id ${holder.pid}`
    : 'that does not say where it is';
  return conflict(
    'data_folder_in_use',
    `The data folder ${folder} is in use by another Muster server ${who}. Stop that one, or give this one a folder of its own (--data).`,
    { extra: { ...holder } },
  );
}

/** `folder` by a name short enough for a socket: itself, or a link to it in a temporary folder, gone after use. */
async function shortWay(folder: string): Promise<{ folder: string } & AsyncDisposable> {
  const longest = join(folder, `.${'0'.repeat(8)}.sock`);
  if (Buffer.byteLength(longest) <= socketPathBytesMax)
    return { folder, [Symbol.asyncDispose]: () => Promise.resolve() };
  const parent = await mkdtemp('/tmp/muster-lock-');
  await symlink(await realpath(folder), join(parent, 'd'));
  return { folder: join(parent, 'd'), [Symbol.asyncDispose]: () => rm(parent, { recursive: true, force: true }) };
}

const listen = (server: Server, path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.removeListener('error', reject);
      server.on('error', () => undefined);
      resolve();
    });
  });

const close = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
  });
