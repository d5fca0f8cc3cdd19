/**
 * A server that consists of its database only: lock, embedded Postgres, pool. Run as a process of its own, so that tests
 * can kill it, start several, or run it as another user. It reads one JSON argument, writes JSON lines (`ready`,
 * `refused`, `stopped`), and stops when its input ends or says `stop`.
 */
import { createInterface } from 'node:readline';
import { MusterError, newId, systemClock } from '#kernel/base';
import { createDatabaseServer, createDb, type DatabaseServerOptions, lockDataFolder, sql } from '#kernel/db';
import { keepCompiled } from './keep-compiled.ts';

export type ChildOptions = Pick<
  DatabaseServerOptions,
  'dataDir' | 'postgresUser' | 'elsewhere' | 'packaged' | 'system' | 'databaseUrl'
> & {
  poolMax?: number;
  url?: string;
  startTimeoutMs?: number;
};

export type ChildLine =
  | { event: 'ready'; pid: number; where: string; host: string; tookMs: number; log: string[] }
  | { event: 'refused'; code: string; reason: string; message: string; stack?: string }
  | { event: 'stopped'; tookMs: number };

const options = JSON.parse(process.argv[2] ?? '{}') as ChildOptions;
const say = (line: ChildLine): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const log: string[] = [];
const note = (_: object, message: string): void => void log.push(message);
const logger = { info: note, warn: note, error: note };

async function run(): Promise<void> {
  const began = performance.now();
  await using lock = await lockDataFolder(options.dataDir, {
    instance: newId('job'),
    ...(options.url ? { url: options.url } : {}),
  });
  await using server = createDatabaseServer({ poolMax: 4, ...options, lock, clock: systemClock, logger });
  await server.start();
  await using db = createDb({
    connection: () => server.connection(),
    poolMax: 4,
    statementTimeoutMs: 10_000,
    applicationName: 'database-child',
    clock: systemClock,
  });
  await db.start();
  const [row] = await db.query<{ pidfile: string }>(sql`select pg_read_file('postmaster.pid') as pidfile`);
  const connection = server.connection();
  const host = 'host' in connection ? connection.host : '';
  const pid = Number(row?.pidfile.split('\n')[0]);
  keepCompiled();
  say({ event: 'ready', pid, where: server.describe(), host, tookMs: performance.now() - began, log });
  for await (const line of createInterface({ input: process.stdin })) if (line === 'stop') break;
}

try {
  await run();
  say({ event: 'stopped', tookMs: performance.now() });
} catch (error) {
  if (!(error instanceof MusterError)) throw error;
  say({ event: 'refused', code: error.code, reason: error.reason, message: error.message });
}
process.exit(0);
