/**
 * A real, migrated Postgres database for a test file. The run's cluster (`cluster.setup.ts`) holds a template per content
 * of `migrations/`, migrated once; each `testDatabase()` is a copy of it (20-30 ms) that nobody else sees. Make one per
 * file at its top, `await using` it or dispose of it in `afterAll`, and call `wipe()` in `beforeEach`: it deletes every
 * row and puts back what migrations themselves inserted (about 1 ms). `options` is what `createDb` takes, for tests that
 * need a second pool, a second server process (`url`), or their own settings; a folder of other migrations may be given.
 *
 * @example
 * const database = await testDatabase();
 * afterAll(() => database[Symbol.asyncDispose]());
 * beforeEach(() => database.wipe());
 * test('…', async () => void (await database.db.query(sql`select 1`)));
 */
import { createHash, randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { inject } from 'vitest';
import { systemClock } from '#kernel/base';
import { createDb, type DbOptions, migrate, migrationsKey, type PoolDb, readMigrations } from '#kernel/db';
import { fillSeed, wipeText } from './wipe.ts';

export type TestDatabase = AsyncDisposable & {
  db: PoolDb;
  /** To make another pool on the same database. */
  options: Extract<DbOptions, { host: string }>;
  /** The same database for a child process. */
  url: string;
  /** Deletes all rows but those that migrations inserted. */
  wipe(): Promise<void>;
};

export type TestDatabaseOptions = {
  /** A folder of migrations to run instead of the server's own; false for an empty database. */
  migrations?: string | false;
  poolMax?: number;
  onQuery?: DbOptions['onQuery'];
};

/** A fresh database of its own, migrated, with a started pool. Disposal drops it, also when others still use it. */
export async function testDatabase(wanted: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const cluster = inject('postgres');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await cloneTemplate(name, wanted.migrations);
  const options = {
    ...cluster,
    database: name,
    poolMax: wanted.poolMax ?? 10,
    statementTimeoutMs: 20_000,
    applicationName: name,
    clock: systemClock,
    ...(wanted.onQuery ? { onQuery: wanted.onQuery } : {}),
  };
  const db = createDb(options);
  await db.start();
  let wiping: Promise<string> | undefined;
  let wiper: Client | undefined;
  return {
    db,
    options,
    url: `postgresql://${cluster.user}:${cluster.password}@localhost:${cluster.port}/${name}?host=${encodeURIComponent(cluster.host)}`,
    async wipe() {
      wiping ??= wipeText(db);
      const text = await wiping;
      wiper ??= await connectTo(name);
      await wiper.query(text);
    },
    async [Symbol.asyncDispose]() {
      await wiper?.end();
      await db[Symbol.asyncDispose]();
      await onDatabase('postgres', (client) => client.query(`drop database if exists ${name} with (force)`));
    },
  };
}

async function cloneTemplate(name: string, migrations: TestDatabaseOptions['migrations']): Promise<void> {
  const template = migrations === false ? 'template0' : await ensureTemplate(migrations);
  await onDatabase('postgres', (client) =>
    client.query(`create database ${name} template ${template} strategy file_copy`),
  );
}

/** Makes the template of these migrations unless this run has it already. Files ask at once; one makes it. */
async function ensureTemplate(folder: string | undefined): Promise<string> {
  const key = migrationsKey(await readMigrations(folder));
  const template = `template_${createHash('sha256').update(key).digest('hex').slice(0, 16)}`;
  await onDatabase('postgres', async (client) => {
    await client.query('select pg_advisory_lock(1)');
    const { rowCount } = await client.query('select from pg_database where datname = $1', [template]);
    if (rowCount) return;
    const half = `half_${randomBytes(6).toString('hex')}`;
    await client.query(`create database ${half} template template0`);
    const connection = { ...inject('postgres'), database: half };
    await migrate({ connection, clock: systemClock, serverVersion: 'test', ...(folder ? { folder } : {}) });
    await onDatabase(half, fillSeed);
    await client.query(`alter database ${half} rename to ${template}`);
  });
  return template;
}

async function onDatabase<T>(database: string, act: (client: Client) => Promise<T>): Promise<T> {
  const client = await connectTo(database);
  try {
    return await act(client);
  } finally {
    await client.end();
  }
}

async function connectTo(database: string): Promise<Client> {
  const { host, port, user, password } = inject('postgres');
  const client = new Client({ host, port, user, password, database });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
