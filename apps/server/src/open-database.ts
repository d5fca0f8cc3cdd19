import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Read } from '#config';
import type { Clock } from '#kernel/base';
import {
  type Connection,
  createDatabaseServer,
  type DatabaseServer,
  type DataLock,
  describePlan,
  lockDataFolder,
  migrate,
  planMigrations,
  requireMigrated,
} from '#kernel/db';
import type { Telemetry } from '#kernel/telemetry';
import type { Phases } from './phases.ts';
import { version } from './version.ts';

export type OpenDatabase = {
  lock: DataLock;
  server: DatabaseServer;
  connection: Connection;
  /** Whether other processes may use it too. */
  shared: boolean;
};

/** Name of this process: the setting, or one that stays the same for a machine and a data folder. */
export const nodeName = ({ base }: Read['config']): string =>
  base.nodeName ?? `${hostname()}-${createHash('sha256').update(base.dataDir).digest('hex').slice(0, 4)}`;

/** What is done about the schema: as the settings say, nothing unless it is this version's, brought up to it, or only looked at. */
export type SchemaWork = 'by-setting' | 'as-it-is' | 'migrate' | { plan(text: string): void };

/** The first phases of every start: data folder, Postgres (unless `given`), schema. */
export async function openDatabase(
  up: Phases,
  { config, secrets }: Read,
  { logger }: Telemetry,
  { clock, given, schema }: { clock: Clock; given: Connection | undefined; schema: SchemaWork },
): Promise<OpenDatabase> {
  const { dataDir } = config.base;
  const { poolMax, startTimeoutMs, postgresUser, ssl, migrateOnStart } = config.database;
  // Started as root, Postgres runs as another user and must pass through to its own folder; ours stay closed.
  await mkdir(dataDir, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 });
  const lock = await up.open('data folder', () => lockDataFolder(dataDir, { instance: nodeName(config) }));
  const server = createDatabaseServer({
    dataDir,
    lock,
    poolMax,
    clock,
    startTimeoutMs,
    logger: logger.child({ room: 'postgres' }),
    ...(postgresUser === undefined ? {} : { postgresUser }),
    ...(secrets.databaseUrl === undefined ? {} : { databaseUrl: secrets.databaseUrl }),
    ...(ssl === undefined ? {} : { ssl }),
  });
  if (!given) await up.start('database', server);
  const connection = given ?? server.connection();
  const options = { connection, clock, serverVersion: version, logger: logger.child({ room: 'db' }) };
  if (typeof schema === 'object') {
    await up.run('plan', async () => schema.plan(describePlan(await planMigrations(options))));
  } else if (schema === 'migrate' || (schema === 'by-setting' && migrateOnStart))
    await up.run('migrations', () => migrate(options));
  else await up.run('schema', () => requireMigrated(options));
  return { lock, server, connection, shared: given !== undefined || server.kind === 'external' };
}
