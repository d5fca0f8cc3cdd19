import { readdir } from 'node:fs/promises';
import type { Binaries } from './binaries.ts';
import { clusterMajor } from './identity.ts';
import { clusterPaths } from './initialise.ts';
import { refusal } from './refusal.ts';

/** Whether a cluster is there; an empty folder is none, so it may be filled. */
export async function hasCluster(home: string): Promise<boolean> {
  return (await readdir(clusterPaths(home).data).catch((): string[] => [])).length > 0;
}

/**
 * Data of another major version cannot be read, and is never converted in passing.
 *
 * @throws unavailable `postgres_version_mismatch` with the two commands that move the data
 */
export async function refuseOtherVersion(home: string, binaries: Pick<Binaries, 'major'>): Promise<void> {
  if (!(await hasCluster(home))) return;
  const { data } = clusterPaths(home);
  const major = await clusterMajor(data);
  if (major === binaries.major) return;
  if (major === undefined) {
    throw refusal(
      'postgres_cluster_missing',
      `${data} is there but holds no Postgres cluster.`,
      'Move it away, or restore a backup.',
    );
  }
  throw refusal(
    'postgres_version_mismatch',
    `The database in ${data} was made by Postgres ${major}, and this version of Muster brings Postgres ${binaries.major}.`,
    `Move the data: 1. with the Muster release you used before: muster backup --to before-upgrade.muster ` +
      `2. with this release and a new data folder: muster restore before-upgrade.muster`,
  );
}
