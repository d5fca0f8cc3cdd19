import { chmod, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, newId, systemClock } from '#kernel/base';
import type { Connection } from '../pool/connection.ts';
import { findBinaries } from './binaries.ts';
import { readIfThere } from './files.ts';
import { clusterPaths, initialise, readPassword } from './initialise.ts';
import { lockDataFolder, lockHolder } from './lock.ts';
import { connectionTo, launch, tellToStop, waitUntilReady } from './postmaster.ts';
import { isAlive, processesIn } from './processes.ts';
import { testSettings } from './settings.ts';
import { socketEndpoint } from './socket-folder.ts';
import { serverUser } from './user.ts';

const prefix = 'muster-test-';
const maxConnections = 300;
const startTimeoutMs = 60_000;
const endMsMax = 15_000;
/** A folder without a lock may belong to a run that is just starting. */
const unlockedAgeMs = 60_000;

export type ThrowawayCluster = { connection: Extract<Connection, { host: string }>; folder: string } & AsyncDisposable;

/**
 * A cluster for one run of tests, in a temporary folder, without any care for power cuts. Disposal ends and removes it;
 * what a killed run left behind is removed by the next one.
 */
export async function throwawayCluster(clock: Clock = systemClock): Promise<ThrowawayCluster> {
  await removeLeftovers(clock);
  const folder = await mkdtemp(join(tmpdir(), prefix));
  await chmod(folder, 0o711); // Postgres may run as another user, who must pass through.
  const lock = await lockDataFolder(folder, { instance: newId('job') });
  const home = join(folder, 'pg');
  const user = await serverUser();
  const binaries = await findBinaries({ user, cacheDir: join(tmpdir(), 'muster-binaries') });
  await initialise({ home, binaries, user, clock, sync: false });
  const endpoint = await socketEndpoint(home, user);
  const settings = testSettings(maxConnections);
  const postmaster = await launch({ home, endpoint, binaries, user, settings });
  const connection = connectionTo(endpoint, await readPassword(home), 'postgres');
  const logPath = clusterPaths(home).log;
  await waitUntilReady({
    connection,
    postmaster,
    logPath,
    logFrom: 0,
    timeoutMs: startTimeoutMs,
    clock,
    progress: () => undefined,
  });
  return {
    connection,
    folder,
    async [Symbol.asyncDispose]() {
      await endCluster(home, clock);
      await rm(folder, { recursive: true, force: true, maxRetries: 10 });
      await lock[Symbol.asyncDispose]();
    },
  };
}

/** Ends and removes the clusters of runs that were killed: nobody answers on their lock. */
async function removeLeftovers(clock: Clock): Promise<string[]> {
  const removed: string[] = [];
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(prefix)) continue;
    const folder = join(tmpdir(), name);
    const found = await stat(folder).catch(() => undefined);
    if (!found?.isDirectory() || found.uid !== process.getuid?.()) continue;
    if ((await lockHolder(folder).catch(() => undefined)) !== 'nobody') continue;
    const locked = (await readdir(folder).catch((): string[] => [])).includes('server.sock');
    if (!locked && clock.now() - found.mtimeMs < unlockedAgeMs) continue;
    await endCluster(join(folder, 'pg'), clock);
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
    removed.push(folder);
  }
  return removed;
}

/** Ends the postmaster of a throwaway cluster at once, if one runs, and waits for all of its processes. */
async function endCluster(home: string, clock: Clock): Promise<void> {
  const { data } = clusterPaths(home);
  const first = (await readIfThere(join(data, 'postmaster.pid')))?.split('\n')[0];
  const standing = (): Promise<number[] | undefined> => processesIn(data);
  const pid = Number(first ?? 0);
  const isIt = pid > 0 && ((await standing())?.includes(pid) ?? isAlive(pid));
  if (!isIt) return;
  const user = await serverUser();
  const binaries = await findBinaries({ user, cacheDir: join(tmpdir(), 'muster-binaries') });
  await tellToStop(pid, 'immediate', { home, binaries });
  const began = clock.monotonic();
  while (clock.monotonic() - began < endMsMax && ((await standing())?.length ?? Number(isAlive(pid))) > 0)
    await clock.sleep(20);
}
