import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { systemClock } from '../../apps/server/src/kernel/base/index.ts';
import {
  type Connection,
  createDatabaseServer,
  type DatabaseServer,
  lockDataFolder,
} from '../../apps/server/src/kernel/db/index.ts';
import { benchFolder } from './bench-folder.ts';

export type DurablePostgres = AsyncDisposable & {
  connection: Extract<Connection, { host: string }>;
  about: string;
  /** Ends it, and starts it again at the same address. */
  stop(): Promise<void>;
  start(): Promise<void>;
};

/** The embedded Postgres as a server runs it, durable, on a folder of its own. */
export async function durablePostgres(poolMax: number): Promise<DurablePostgres> {
  const dataDir = await benchFolder(tmpdir(), 'muster-bench-pg-');
  const lock = await lockDataFolder(dataDir, { instance: 'bench' });
  const make = (): DatabaseServer => createDatabaseServer({ dataDir, lock, poolMax, clock: systemClock });
  let server = make();
  await server.start();
  const connection = server.connection();
  if (!('host' in connection)) throw new Error('the embedded Postgres has no address');
  return {
    connection,
    about: server.describe().replace(/ in \/.*/, ''),
    stop: async () => server[Symbol.asyncDispose](),
    async start() {
      server = make();
      await server.start();
      const now = server.connection();
      if (!('host' in now) || now.host !== connection.host || now.port !== connection.port)
        throw new Error('the embedded Postgres came back at another address');
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await lock[Symbol.asyncDispose]();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** A Redis of the machine's own packages; `undefined` where there is none. */
export async function redis(
  appendfsync: 'always' | 'everysec',
): Promise<(AsyncDisposable & { socket: string; about: string }) | undefined> {
  const program = ['/usr/bin/redis-server', '/usr/local/bin/redis-server', '/opt/homebrew/bin/redis-server'].find(
    existsSync,
  );
  if (!program) return undefined;
  const folder = await benchFolder(tmpdir(), 'muster-bench-redis-');
  const socket = path.join(folder, 'redis.sock');
  const args = [
    '--port',
    '0',
    '--unixsocket',
    socket,
    '--dir',
    folder,
    '--save',
    '',
    '--appendonly',
    'yes',
    '--appendfsync',
    appendfsync,
  ];
  const child = spawn(program, args, { stdio: 'ignore' });
  while (!existsSync(socket)) await systemClock.sleep(20);
  const version = /v=([\d.]+)/.exec(execFileSync(program, ['--version'], { encoding: 'utf8' }))?.[1] ?? '?';
  return {
    socket,
    about: `Redis ${version}, appendfsync ${appendfsync}`,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await once(child, 'exit');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
