import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { asError, type Clock } from '#kernel/base';
import { type Connection, clientConfig } from '../pool/connection.ts';
import { errorCode, isStoreDown } from '../pool/store-errors.ts';
import { type Binaries, programPath } from './binaries.ts';
import { explainOutput, explainSpawn, lastLines } from './explain.ts';
import { clusterPaths, superuser } from './initialise.ts';
import { refusal } from './refusal.ts';
import { type PostgresSettings, settingsArguments } from './settings.ts';
import type { Endpoint } from './socket-folder.ts';
import { type ServerUser, spawnAs } from './user.ts';

export type Launch = {
  home: string;
  endpoint: Endpoint;
  binaries: Binaries;
  user: ServerUser;
  settings: PostgresSettings;
};

/** A server process of ours: the child we started, or one that outlived an earlier server, known by its id only. */
export type Postmaster = { pid: number; child?: ChildProcess; adopted: boolean };

/**
 * Starts the postmaster in a process group of its own, so that Ctrl-C on the terminal reaches only us, with its output
 * in a file, so that it can outlive us. Returns before it answers.
 */
export async function launch({
  home,
  endpoint,
  binaries,
  user,
  settings,
}: Launch): Promise<Postmaster & { child: ChildProcess }> {
  const paths = clusterPaths(home);
  const program = programPath(binaries, 'postgres');
  const where = endpoint.folder
    ? [
        '-c',
        'listen_addresses=',
        '-c',
        `unix_socket_directories=${endpoint.folder}`,
        '-c',
        'unix_socket_permissions=0700',
      ]
    : ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='];
  const log = await open(paths.log, 'a', 0o600);
  try {
    const child = spawn(
      program,
      ['-D', paths.data, '-p', String(endpoint.port), ...where, ...settingsArguments(settings)],
      {
        cwd: home,
        env: { LC_ALL: 'C' },
        detached: true,
        stdio: ['ignore', log.fd, log.fd],
        ...spawnAs(user),
      },
    );
    await once(child, 'spawn').catch(async (error: unknown) => {
      throw await explainSpawn(error, program);
    });
    child.unref();
    return { pid: child.pid ?? 0, child, adopted: false };
  } finally {
    await log.close();
  }
}

export const connectionTo = (
  endpoint: Endpoint,
  password: string,
  database: string,
): Extract<Connection, { host: string }> => ({
  host: endpoint.folder ?? '127.0.0.1',
  port: endpoint.port,
  user: superuser,
  password,
  database,
});

export type WaitOptions = {
  connection: Connection;
  postmaster: Postmaster;
  logPath: string;
  /** How long the log was before the start; only what came after explains a failure. */
  logFrom: number;
  timeoutMs: number;
  clock: Clock;
  progress: (waitedMs: number, lastLine: string) => void;
  signal?: AbortSignal;
};

const askEveryMs = 20;
const progressEveryMs = 5_000;

/** Waits until the server answers. Starting up and recovering after a crash may take long and are no failure. */
export async function waitUntilReady(options: WaitOptions): Promise<void> {
  const { clock, postmaster, timeoutMs } = options;
  const began = clock.monotonic();
  let toldAt = began;
  for (;;) {
    const trouble = await knock(options.connection);
    if (trouble === undefined) return;
    const output = await logSince(options);
    if (hasEnded(postmaster)) throw explainEnd(output, postmaster);
    if (!isStoreDown(trouble)) throw trouble;
    const waitedMs = clock.monotonic() - began;
    if (waitedMs >= timeoutMs) {
      throw refusal(
        'postgres_start_timeout',
        `Postgres did not get ready in ${Math.round(timeoutMs / 1000)} s; its last words: ${lastLines(output, 1)}`,
        'Give it more time (MUSTER_DB_START_TIMEOUT_MS); crash recovery of much data takes long.',
        trouble,
      );
    }
    if (clock.monotonic() - toldAt >= progressEveryMs) {
      toldAt = clock.monotonic();
      options.progress(waitedMs, lastLines(output, 1));
    }
    await clock.sleep(askEveryMs, options.signal);
  }
}

const hasEnded = ({ child }: Postmaster): boolean =>
  child !== undefined && (child.exitCode !== null || child.signalCode !== null);

function explainEnd(output: string, { child }: Postmaster): Error {
  const how = child?.signalCode ? `by ${child.signalCode}` : `with exit code ${child?.exitCode}`;
  return (
    explainOutput(output) ??
    refusal(
      'postgres_start_failed',
      `Postgres ended ${how} while starting: ${lastLines(output, 3)}`,
      'Its whole output is in postgres.log of the cluster folder.',
    )
  );
}

/** Asks once whether the server answers; what stood in the way otherwise. */
async function knock(connection: Connection): Promise<Error | undefined> {
  const client = new Client(
    clientConfig(connection, { applicationName: 'muster-supervisor', connectTimeoutMs: 5_000 }),
  );
  client.on('error', () => undefined);
  try {
    await client.connect();
    return undefined;
  } catch (error) {
    return asError(error);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function logSince({ logPath, logFrom }: WaitOptions): Promise<string> {
  const content = await readFile(logPath).catch(() => Buffer.alloc(0));
  return content.subarray(logFrom <= content.length ? logFrom : 0).toString('utf8');
}

export type StopMode = 'fast' | 'immediate';

/** Tells the postmaster to end. SIGKILL is not among the ways: it would leave shared memory and children behind. */
export async function tellToStop(
  pid: number,
  mode: StopMode,
  where: { home: string; binaries: Binaries },
): Promise<void> {
  if (process.platform === 'win32') {
    const args = ['stop', '-W', '-m', mode, '-D', clusterPaths(where.home).data];
    await promisify(execFile)(programPath(where.binaries, 'pg_ctl'), args).catch(() => undefined);
    return;
  }
  try {
    process.kill(pid, mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}
