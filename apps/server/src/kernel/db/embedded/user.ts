import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { promisify } from 'node:util';
import { refusal } from './refusal.ts';

/** Who Postgres runs as. `uid` and `gid` are set only when that is somebody else than this process. */
export type ServerUser = { name: string; uid?: number; gid?: number };

/** Options of a spawn that make the child run as `user`. */
export const spawnAs = (user: ServerUser): { uid?: number; gid?: number } =>
  user.uid === undefined || user.gid === undefined ? {} : { uid: user.uid, gid: user.gid };

/**
 * The user Postgres runs as: ourselves, unless we are root, which Postgres refuses; then the first of `wanted`,
 * `postgres` and `nobody` that has a passwd entry, because initdb looks its user up.
 *
 * @throws unavailable `postgres_user_missing`, `postgres_user_unnamed`
 */
export async function serverUser(wanted?: string): Promise<ServerUser> {
  if (process.platform === 'win32') return { name: userInfo().username };
  if (process.getuid?.() !== 0) return { name: ownName() };
  for (const name of wanted ? [wanted] : ['postgres', 'nobody']) {
    const entry = await lookUp(name);
    if (entry && entry.uid !== 0) return { name, ...entry };
  }
  throw refusal(
    'postgres_user_missing',
    `Postgres does not run as root, and there is no ordinary user ${wanted ? `"${wanted}"` : '"postgres" or "nobody"'} to run it as.`,
    'Add one (useradd --system postgres), name one in MUSTER_POSTGRES_USER, start as an ordinary user, or set DATABASE_URL.',
  );
}

function ownName(): string {
  try {
    return userInfo().username;
  } catch (error) {
    throw refusal(
      'postgres_user_unnamed',
      `The user id ${process.getuid?.()} has no entry in /etc/passwd, and Postgres cannot be set up by a user without a name.`,
      'Give it one (in a container: a passwd line for this uid), run as uid 10001 of the image, or set DATABASE_URL.',
      error,
    );
  }
}

async function lookUp(name: string): Promise<{ uid: number; gid: number } | undefined> {
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  for (const line of passwd.split('\n')) {
    const [entry, , uid, gid] = line.split(':');
    if (entry === name) return { uid: Number(uid), gid: Number(gid) };
  }
  return lookUpInDirectory(name);
}

/** People may live in a directory service that `/etc/passwd` does not show; `id` asks all of them. */
async function lookUpInDirectory(name: string): Promise<{ uid: number; gid: number } | undefined> {
  const ask = async (flag: string): Promise<number> =>
    Number((await promisify(execFile)('id', [flag, '--', name])).stdout);
  try {
    return { uid: await ask('-u'), gid: await ask('-g') };
  } catch {
    return undefined;
  }
}
