import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '#kernel/base';
import type { Connection } from '../pool/connection.ts';
import type { DbLogger } from '../pool/logger.ts';
import type { Binaries } from './binaries.ts';
import { askIdentity, writtenPid } from './identity.ts';
import { clusterPaths } from './initialise.ts';
import { type Postmaster, tellToStop } from './postmaster.ts';
import { isAlive, processesIn, worksIn } from './processes.ts';
import { refusal } from './refusal.ts';

export type FindRunning = {
  home: string;
  connection: Extract<Connection, { host: string }>;
  binaries: Binaries;
  /** `settingsMark` of what we would start it with. */
  mark: string;
  timeoutMs: number;
  clock: Clock;
  logger: DbLogger;
  signal?: AbortSignal;
};

const askEveryMs = 50;
const tellEveryMs = 5_000;
const stopMsMax = 20_000;

/**
 * The server that outlived us, after kill -9 for one. Found by its socket and proved by password and cluster number, it
 * is taken over when version and settings are what we want, else stopped so that a new one can start. Returns nothing
 * when the way is free: no process works on the cluster.
 *
 * @throws unavailable `postgres_foreign_server`, `postgres_still_running`
 */
export async function findRunning(options: FindRunning): Promise<Postmaster | undefined> {
  const { home, connection, clock, logger } = options;
  const { data } = clusterPaths(home);
  const began = clock.monotonic();
  let toldAt = began;
  for (;;) {
    const answer = await askIdentity(connection, data);
    if (answer.kind === 'stranger') throw foreign(answer.why);
    if (answer.kind === 'self') {
      const { pid, version, settings } = answer.self;
      const fits = version.split(' ')[0] === options.binaries.version && settings === options.mark;
      if (fits) {
        logger.info({ pid, version }, 'the database of an earlier server still runs; taking it over');
        return { pid, adopted: true };
      }
      logger.info({ pid, version }, 'the database of an earlier server runs with other settings; restarting it');
      await stopAndWait(pid, options);
      return undefined;
    }
    const left = await livingProcesses(data);
    if (left.length === 0 && answer.kind === 'nobody') {
      await removeDeadLocks(data, options.connection);
      return undefined;
    }
    const waitedMs = clock.monotonic() - began;
    if (waitedMs >= options.timeoutMs) throw stillRunning(left, home);
    if (clock.monotonic() - toldAt >= tellEveryMs) {
      toldAt = clock.monotonic();
      logger.info({ pids: left, waitedMs }, 'waiting for what an earlier database left running');
    }
    // A server that starts, recovers or ends; or children of one that was killed, which end by themselves.
    await clock.sleep(askEveryMs, options.signal);
  }
}

/** Processes on the cluster. Where the system cannot tell, Postgres's own check at its start has to. */
async function livingProcesses(data: string): Promise<number[]> {
  return (await processesIn(data)) ?? [];
}

/**
 * Nobody works on the cluster, yet the process id in its lock files may exist: it went to another process after a reboot,
 * or to a dead one that nobody collects. Postgres would refuse to start because of it. The socket's folder is ours alone.
 */
async function removeDeadLocks(data: string, { host, port }: FindRunning['connection']): Promise<void> {
  const pid = await writtenPid(data);
  if ((await processesIn(data)) === undefined) return;
  if (pid !== undefined && isAlive(pid)) await rm(join(data, 'postmaster.pid'), { force: true });
  for (const ending of ['', '.lock']) await rm(join(host, `.s.PGSQL.${port}${ending}`), { force: true });
}

async function stopAndWait(pid: number, options: FindRunning): Promise<void> {
  const { clock, home, binaries } = options;
  await tellToStop(pid, 'fast', { home, binaries });
  const began = clock.monotonic();
  while (worksIn(pid, clusterPaths(home).data)) {
    if (clock.monotonic() - began >= stopMsMax) throw stillRunning([pid], home);
    await clock.sleep(askEveryMs);
  }
}

const foreign = (why: string): Error =>
  refusal(
    'postgres_foreign_server',
    `Another Postgres answers where the embedded one should (${why}).`,
    'Stop it; two servers never share a cluster or its socket.',
  );

const stillRunning = (pids: readonly number[], home: string): Error =>
  refusal(
    'postgres_still_running',
    `Processes of an earlier database still work on ${home} (${pids.join(', ')}) and do not answer.`,
    'Wait for them or end them with SIGQUIT; a second server is never started over living data.',
  );
