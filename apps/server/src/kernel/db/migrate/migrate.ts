import { Client } from 'pg';
import { asError, type Clock, conflict } from '#kernel/base';
import { type Connection, clientConfig, schemaName } from '../pool/connection.ts';
import { type DbLogger, silentLogger } from '../pool/logger.ts';
import { asStoreError } from '../pool/store-errors.ts';
import { type Migration, readMigrations } from './files.ts';
import { compare, type Pending, prepareHistory, readHistory } from './history.ts';
import { lockMigrations, lockTimedOut, unlockMigrations } from './lock.ts';
import { refuseTransactionPooler } from './pooler.ts';

export type MigrateOptions = {
  connection: Connection;
  clock: Clock;
  /** Recorded with each migration, and named when an older server meets it. */
  serverVersion: string;
  logger?: DbLogger;
  /** Another folder than the server's own; for tests. */
  folder?: string;
};

export type MigrateReport = { applied: string[]; unknown: string[]; tookMs: number };

/** A change waits at most this long for a table in use: everything behind it waits as well. Then it steps back. */
const lockTimeoutMs = 3_000;
const lockAttemptsMax = 20;
const lockRetryMs = 500;

/**
 * Brings the database to this server's schema: one session advisory lock on one direct connection, one transaction per
 * file. Any number of servers may start at once; all but one wait, logging every 5 s, and then find nothing to do.
 *
 * @throws conflict `migration_changed`, `schema_newer`, `pooler_in_transaction_mode`, `migration_failed`
 * @throws unavailable `store_down`
 */
export async function migrate(options: MigrateOptions): Promise<MigrateReport> {
  const { clock, logger = silentLogger } = options;
  const began = clock.monotonic();
  const migrations = await readMigrations(options.folder);
  await using session = await openSession(options);
  const { client } = session;
  try {
    await refuseTransactionPooler(client, options.connection);
    await lockMigrations(client, clock, (waitedMs) =>
      logger.info({ waitedMs }, 'another server migrates the database; waiting for it'),
    );
    await client.query(prepareHistory);
    const { pending, unknown } = compare(migrations, await readHistory(client));
    warnAboutUnknown(unknown, logger);
    for (const migration of pending) await applyOne(client, migration, options);
    await unlockMigrations(client);
    const tookMs = clock.monotonic() - began;
    if (pending.length > 0) logger.info({ count: pending.length, tookMs }, 'database migrated');
    return { applied: pending.map(({ name }) => name), unknown: unknown.map(({ name }) => name), tookMs };
  } catch (error) {
    throw asStoreError(error);
  }
}

/**
 * For servers told not to migrate (`MUSTER_MIGRATE_ON_START=false`): changes nothing, and refuses a database that is not
 * at this server's schema.
 *
 * @throws conflict `schema_older` naming what is missing, and all that `migrate` throws
 */
export async function requireMigrated(options: MigrateOptions): Promise<void> {
  const migrations = await readMigrations(options.folder);
  await using session = await openSession(options);
  await refuseTransactionPooler(session.client, options.connection);
  const { pending, unknown } = compare(migrations, await readHistory(session.client));
  warnAboutUnknown(unknown, options.logger ?? silentLogger);
  if (pending.length === 0) return;
  const names = pending.map(({ name }) => name);
  throw conflict(
    'schema_older',
    `The database lacks ${names.length === 1 ? 'the migration' : 'the migrations'} ${names.join(', ')}, and MUSTER_MIGRATE_ON_START is off. Run: npm run migrate`,
    { extra: { pending: names } },
  );
}

/** One direct connection with no time limit on its statements. */
export async function openSession({
  connection,
}: Pick<MigrateOptions, 'connection'>): Promise<{ client: Client } & AsyncDisposable> {
  const client = new Client(clientConfig(connection, { applicationName: 'muster-migrate', connectTimeoutMs: 10_000 }));
  client.on('error', () => undefined);
  const end = (): Promise<void> => client.end().catch(() => undefined);
  try {
    await client.connect();
    await client.query(
      `set search_path to ${schemaName}; set statement_timeout to 0; set idle_in_transaction_session_timeout to 0`,
    );
  } catch (error) {
    await end();
    throw asStoreError(error);
  }
  return { client, [Symbol.asyncDispose]: end };
}

async function applyOne(client: Client, migration: Migration, options: MigrateOptions): Promise<void> {
  const { clock, logger = silentLogger } = options;
  for (let attempt = 1; ; attempt++) {
    const began = clock.monotonic();
    try {
      await client.query('begin');
      await client.query(`set local lock_timeout to ${lockTimeoutMs}`);
      await client.query(migration.text);
      const tookMs = Math.round(clock.monotonic() - began);
      const { name, checksum, breaking } = migration;
      await client.query(
        'insert into muster.migrations (name, checksum, breaking, server_version, took_ms) values ($1, $2, $3, $4, $5)',
        [name, checksum, breaking ?? null, options.serverVersion, tookMs],
      );
      await client.query('commit');
      logger.info({ migration: name, tookMs }, 'migration applied');
      return;
    } catch (error) {
      await client.query('rollback').catch(() => undefined);
      if (!lockTimedOut(error) || attempt >= lockAttemptsMax) throw failed(migration, error);
      logger.warn(
        { migration: migration.name, attempt },
        'a table is in use; the migration steps back and tries again',
      );
      await clock.sleep(lockRetryMs);
    }
  }
}

function failed(migration: Migration, thrown: unknown): Error {
  const down = asStoreError(thrown);
  if (down !== thrown) return down;
  const error = asError(thrown);
  const at =
    'position' in error && typeof error.position === 'string'
      ? ` at line ${lineAt(migration.text, Number(error.position))}`
      : '';
  const detail = `The migration ${migration.name} failed${at}: ${error.message}. Nothing of it was kept.`;
  return conflict('migration_failed', detail, { extra: { migration: migration.name }, cause: thrown });
}

const lineAt = (text: string, position: number): number => text.slice(0, position).split('\n').length;

function warnAboutUnknown(unknown: Pending['unknown'], logger: DbLogger): void {
  if (unknown.length === 0) return;
  const names = unknown.map(({ name }) => name);
  logger.warn({ migrations: names }, 'the database is newer than this server; its changes are marked as compatible');
}
