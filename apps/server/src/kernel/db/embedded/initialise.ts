import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, randomToken } from '#kernel/base';
import { errorCode } from '../pool/store-errors.ts';
import { type Binaries, programPath } from './binaries.ts';
import { explainOutput, explainSpawn, lastLines } from './explain.ts';
import { homeFolder, privateFolder, readIfThere, syncFolder, writeWhole } from './files.ts';
import { processesNaming } from './processes.ts';
import { refusal } from './refusal.ts';
import { type ServerUser, spawnAs } from './user.ts';

export const superuser = 'muster';
const outputBytesMax = 64 * 1024;
const leftOverMsMax = 10_000;

/** The paths of one cluster. Its home is ours; `pg` and the socket's folder belong to the user Postgres runs as. */
export const clusterPaths = (home: string): { data: string; half: string; password: string; log: string } => ({
  data: join(home, 'pg'),
  half: join(home, 'pg.new'),
  password: join(home, 'password'),
  log: join(home, 'postgres.log'),
});

export type Initialise = {
  home: string;
  binaries: Binaries;
  user: ServerUser;
  clock: Clock;
  /** Off only where nothing must survive a power cut. */
  sync?: boolean;
  /** See `hasLittleSharedMemory`; initdb starts a server as well. */
  littleSharedMemory?: boolean;
};

/**
 * Makes the cluster in `pg.new` and renames it to `pg` when all of it is on disk, so a start that was cut leaves
 * nothing that looks like a cluster. What an earlier cut left is removed.
 */
export async function initialise({
  home,
  binaries,
  user,
  clock,
  sync = true,
  littleSharedMemory = false,
}: Initialise): Promise<void> {
  const paths = clusterPaths(home);
  await homeFolder(home, user);
  await endLeftOver(paths.half, clock);
  await rm(paths.half, { recursive: true, force: true });
  await mkdir(paths.half, { mode: 0o700 });
  await privateFolder(paths.half, user);
  if (!(await readIfThere(paths.password))) await writeWhole(paths.password, `${randomToken(32)}\n`, 0o600);
  // initdb reads the password from a file, and may not read ours.
  const given = `${paths.password}.init`;
  await writeWhole(given, `${await readPassword(home)}\n`, 0o600, user);
  const options = [
    '--encoding=UTF8',
    '--locale=C',
    '--data-checksums',
    '--auth=scram-sha-256',
    `--username=${superuser}`,
  ];
  // Older versions than 16 cannot be told.
  if (littleSharedMemory && binaries.major >= 16) options.push('--set=dynamic_shared_memory_type=mmap');
  const args = [...options, `--pwfile=${given}`, `--pgdata=${paths.half}`, ...(sync ? [] : ['--no-sync'])];
  try {
    await runInitdb(programPath(binaries, 'initdb'), args, home, user);
  } finally {
    await rm(given, { force: true });
  }
  await rename(paths.half, paths.data);
  if (sync) await syncFolder(home);
}

/** An initdb whose starter was killed works on for a moment, and would write into what we make. It is told to end. */
async function endLeftOver(half: string, clock: Clock): Promise<void> {
  const began = clock.monotonic();
  for (;;) {
    const left = await processesNaming(half);
    if (left.length === 0) return;
    if (clock.monotonic() - began >= leftOverMsMax) {
      throw refusal(
        'postgres_still_running',
        `An earlier attempt to make the database still works on ${half} (${left.join(', ')}).`,
        'Wait for it, or end it.',
      );
    }
    for (const pid of left) tellToEnd(pid);
    await clock.sleep(20);
  }
}

function tellToEnd(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}

async function runInitdb(program: string, args: string[], cwd: string, user: ServerUser): Promise<void> {
  const child = spawn(program, args, {
    cwd,
    env: { LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...spawnAs(user),
  });
  let output = '';
  const collect = (chunk: Buffer): void => void (output = (output + chunk.toString()).slice(-outputBytesMax));
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  try {
    await once(child, 'close'); // Rejects when the program cannot be run at all.
  } catch (error) {
    throw await explainSpawn(error, program);
  }
  if (child.exitCode === 0) return;
  throw (
    explainOutput(output) ??
    refusal(
      'postgres_init_failed',
      `Postgres could not make its cluster: ${lastLines(output, 3)}`,
      'See docs/operate/troubleshooting, or set DATABASE_URL.',
    )
  );
}

export async function readPassword(home: string): Promise<string> {
  return ((await readIfThere(clusterPaths(home).password)) ?? '').trim();
}
