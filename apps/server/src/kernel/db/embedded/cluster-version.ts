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
 * @throws unavailable `postgres_version_mismatch` saying what to do
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
      'Move it away, or stop the server and put a copy of the whole data folder back.',
    );
  }
  throw refusal(
    'postgres_version_mismatch',
    `The database in ${data} was made by Postgres ${major}, and this version of Muster brings Postgres ${binaries.major}.`,
    'Start the Muster release you used before: it still reads this folder, and nothing was changed. To begin anew with this one, name an empty folder (MUSTER_DATA_DIR); no command moves the data yet.',
  );
}
