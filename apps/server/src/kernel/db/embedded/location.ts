import { createHash } from 'node:crypto';
import { lstat, mkdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { asError } from '#kernel/base';
import type { DbLogger } from '../pool/logger.ts';
import { hasCluster } from './cluster-version.ts';
import { homeFolder, readIfThere, writeWhole } from './files.ts';
import { clusterPaths } from './initialise.ts';
import { leftOver, noteOrigin } from './left-over.ts';
import { blockedAt } from './reach.ts';
import { refusal } from './refusal.ts';
import type { ServerUser } from './user.ts';

/** Written into the data folder when the cluster had to be put elsewhere; holds the path of its home. */
const pointerName = 'pg.location';

type Options = {
  dataDir: string;
  user: ServerUser;
  logger: DbLogger;
  /** Where clusters go that cannot lie in the data folder, best first; other than the system's own in tests. */
  elsewhere?: readonly string[];
};

// The second survives reboots on most systems only, hence the warning.
const systemPlaces = ['/var/lib/muster', '/var/tmp/muster'];

/**
 * The home of the cluster: `postgres` in the data folder, or, when Postgres runs as another user who may not search the
 * way there (a 0700 home), a folder of the system that `pg.location` remembers. Rights that are not ours stay as they are.
 *
 * @throws unavailable `postgres_cluster_missing` when the pointer leads nowhere: an empty start would look like lost data
 * @throws unavailable `postgres_unreachable_folder`
 */
export async function clusterHome(options: Options): Promise<string> {
  const inside = join(options.dataDir, 'postgres');
  const pointer = join(options.dataDir, pointerName);
  const [pointed, making] = ((await readIfThere(pointer)) ?? '').split('\n');
  if (pointed && making !== 'making') return await follow(pointed, pointer, options.user);
  const blocked = await blockedAt(join(inside, 'x'), options.user);
  if (!blocked) {
    await homeFolder(inside, options.user);
    return inside;
  }
  if (await hasCluster(inside)) throw outOfReach(clusterPaths(inside).data, blocked, options.user);
  const home = await makeElsewhere(pointed, blocked, options);
  // Written first, so that a start that is cut here finds its half-made cluster again.
  await writeWhole(pointer, `${home}\nmaking\n`, 0o600);
  return home;
}

/** The cluster in `home` is whole: from now on a pointer that leads nowhere means that something was lost. */
export async function rememberHome(dataDir: string, home: string, logger: DbLogger): Promise<void> {
  if (home === join(dataDir, 'postgres')) return;
  const pointer = join(dataDir, pointerName);
  if ((await readIfThere(pointer)) !== `${home}\n`) await writeWhole(pointer, `${home}\n`, 0o600);
  await noteOrigin(home, await realpath(dataDir));
  const folders = await leftOver(home, pointerName);
  if (folders.length === 0) return;
  logger.warn({ folders }, 'databases of data folders that are gone still lie here; remove those you do not miss');
}

async function follow(pointed: string, pointer: string, user: ServerUser): Promise<string> {
  const { data } = clusterPaths(pointed);
  if (!(await hasCluster(pointed))) {
    throw refusal(
      'postgres_cluster_missing',
      `${pointer} says that the database lies in ${pointed}, and there is none.`,
      `Bring that folder back (is a disk not mounted?), or restore a backup; only to start empty, remove ${pointer}.`,
    );
  }
  const blocked = await blockedAt(data, user);
  if (blocked) throw outOfReach(data, blocked, user);
  return pointed;
}

async function makeElsewhere(begun: string | undefined, blocked: string, options: Options): Promise<string> {
  const { user, logger } = options;
  const hash = createHash('sha256')
    .update(await realpath(options.dataDir))
    .digest('hex')
    .slice(0, 16);
  const problems: string[] = [];
  for (const [i, parent] of (options.elsewhere ?? systemPlaces).entries()) {
    try {
      await mkdir(parent, { recursive: true, mode: 0o755 });
      const found = await lstat(parent);
      if (!found.isDirectory() || found.uid !== process.getuid?.()) throw new Error('it belongs to somebody else');
      const shut = await blockedAt(join(parent, 'x'), user);
      if (shut) throw new Error(`"${user.name}" may not search ${shut}`);
      const home = begun && dirname(begun) === parent ? begun : await freeName(join(parent, hash), logger);
      await homeFolder(home, user);
      const fields = { home, blocked, user: user.name };
      if (i === 0) logger.info(fields, 'the database lies outside the data folder, which its user cannot reach');
      else logger.warn(fields, 'the database lies in a temporary folder of the system; some systems clean it');
      return home;
    } catch (error) {
      problems.push(`${parent}: ${asError(error).message}`);
    }
  }
  throw refusal(
    'postgres_unreachable_folder',
    `The user "${user.name}" may not search ${blocked}, so Postgres cannot work in the data folder, and no other place was found (${problems.join('; ')}).`,
    'Use a data folder others may search (--data /srv/muster), start as an ordinary user, or set DATABASE_URL.',
  );
}

/** A data folder that was removed may have left its database behind; a new folder of the same path must not wake it. */
async function freeName(wanted: string, logger: DbLogger): Promise<string> {
  for (let n = 1; ; n++) {
    const home = n === 1 ? wanted : `${wanted}-${n}`;
    if (!(await hasCluster(home))) return home;
    logger.warn({ found: home }, 'the database of an earlier data folder of this path is still there; it is not used');
  }
}

const outOfReach = (path: string, blocked: string, user: ServerUser): Error =>
  refusal(
    'postgres_unreachable_folder',
    `The database in ${path} exists, but the user "${user.name}" that Postgres runs as may not search ${blocked}.`,
    `Start as the user that made it, or give "${user.name}" the right to search that folder.`,
  );
