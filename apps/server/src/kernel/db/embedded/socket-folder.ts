import { randomInt } from 'node:crypto';
import { lstat, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { privateFolder, readIfThere, writeWhole } from './files.ts';
import { blockedAt } from './reach.ts';
import type { ServerUser } from './user.ts';

/** Where the server is reached: the socket of `port` in `folder`, or, without a folder, loopback. */
export type Endpoint = { folder?: string; port: number };

const socketPort = 5432;
/** The kernel takes 103 to 107 bytes, depending on the system. */
const socketPathBytesMax = 100;

/**
 * The place of the cluster's socket: `run` in its home, or, where that path is too long for a socket, a short private
 * folder that `run.location` remembers. On Windows a random port of the loopback address.
 */
export async function socketEndpoint(home: string, user: ServerUser): Promise<Endpoint> {
  if (process.platform === 'win32') return { port: randomInt(49_152, 65_536) };
  const folder = join(home, 'run');
  if (fits(folder)) {
    await privateFolder(folder, user);
    return { folder, port: socketPort };
  }
  const pointer = join(home, 'run.location');
  const known = (await readIfThere(pointer))?.trim();
  if (known && (await isPrivate(known, user))) return { folder: known, port: socketPort };
  const made = await makeShort(user);
  await writeWhole(pointer, `${made}\n`, 0o600);
  return { folder: made, port: socketPort };
}

const fits = (folder: string): boolean =>
  Buffer.byteLength(join(folder, `.s.PGSQL.${socketPort}.lock`)) <= socketPathBytesMax;

async function makeShort(user: ServerUser): Promise<string> {
  for (const parent of ['/tmp', '/var/tmp']) {
    if (await blockedAt(join(parent, 'x'), user)) continue;
    const folder = await mkdtemp(join(parent, 'muster-pg-')).catch(() => undefined);
    if (!folder) continue;
    await privateFolder(folder, user);
    return folder;
  }
  throw new Error('neither /tmp nor /var/tmp can hold the socket of Postgres');
}

/** Somebody else may have made a folder of that name after ours was cleaned away. */
async function isPrivate(folder: string, user: ServerUser): Promise<boolean> {
  const found = await lstat(folder).catch(() => undefined);
  const owner = user.uid ?? process.getuid?.();
  return found !== undefined && found.isDirectory() && found.uid === owner && (found.mode & 0o077) === 0;
}
