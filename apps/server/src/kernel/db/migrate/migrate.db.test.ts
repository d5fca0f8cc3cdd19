import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Signal, systemClock } from '#kernel/base';
import { type TestDatabase, testDatabase } from '#test/database';
import { transactionPooler } from '#test/pooler';
import type { DbLogger } from '../pool/logger.ts';
import { sql } from '../pool/sql.ts';
import { type MigrateOptions, migrate, requireMigrated } from './migrate.ts';
import { describePlan, planMigrations } from './plan.ts';

let database: TestDatabase;
let folder: string;
let options: MigrateOptions;

beforeEach(async () => {
  database = await testDatabase({ migrations: false });
  folder = await mkdtemp(join(tmpdir(), 'muster-migrations-'));
  options = { connection: database.options, clock: systemClock, serverVersion: '1.2.0', folder };
});
afterEach(async () => {
  await database[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const write = (name: string, text: string): Promise<void> => writeFile(join(folder, name), text);
const tables = async (): Promise<string[]> =>
  (
    await database.db.query<{ name: string }>(sql`
    select relname as name from pg_class where relnamespace = to_regnamespace('muster') and relkind = 'r' order by 1`)
  ).map(({ name }) => name);

describe('running', () => {
  test('each file once, in order, in schema muster', async () => {
    await write('0002_b.sql', 'create table b (a_id int references a);');
    await write('0001_a.sql', 'create table a (id int primary key); insert into a values (1);');
    expect((await migrate(options)).applied).toEqual(['0001_a.sql', '0002_b.sql']);
    await write('0003_c.sql', 'create table c ();');
    expect((await migrate(options)).applied).toEqual(['0003_c.sql']);
    expect((await migrate(options)).applied).toEqual([]);
    expect(await tables()).toEqual(['a', 'b', 'c', 'migrations']);
  });

  test('many servers at once migrate once', async () => {
    await write('0001_a.sql', 'create table a (id int); select pg_sleep(0.2);');
    await write('0002_b.sql', 'create table b (id int);');
    const reports = await Promise.all(Array.from({ length: 5 }, () => migrate(options)));
    expect(reports.map(({ applied }) => applied.length).toSorted((a, b) => a - b)).toEqual([0, 0, 0, 0, 2]);
  });

  test('those who wait say so every 5 s, and go on when the one before dies', async () => {
    await write('0001_a.sql', 'create table a (id int);');
    const holder = await database.db.query<{ pid: number }>(sql`select 1 as pid`);
    expect(holder).toHaveLength(1);
    const told = new Signal<{ waitedMs: number }>();
    const logger: DbLogger = {
      info: (fields, message) => message.includes('waiting') && told.fire(fields as never),
      warn: () => undefined,
      error: () => undefined,
    };
    // A clock on which 5 s pass with every look.
    let now = 0;
    const clock = { ...systemClock, monotonic: () => (now += 2_500) };
    const dying = migrateAndHang();
    await dying.holding;
    const first = told.next();
    const waiting = migrate({ ...options, clock, logger });
    expect((await first).waitedMs).toBeGreaterThanOrEqual(5_000);
    await dying.kill();
    expect((await waiting).applied).toEqual(['0001_a.sql']);
  });

  /** A server that holds the migration lock until its connection is cut. */
  function migrateAndHang(): { holding: Promise<unknown>; kill: () => Promise<void> } {
    const locked = database.db.transaction(async (tx) => {
      await tx.query(sql`select pg_advisory_lock(-4925304132261308689)`);
      return await tx.query<{ pid: number }>(sql`select pg_backend_pid() as pid`);
    });
    return {
      holding: locked,
      async kill() {
        const [row] = await locked;
        await database.db.query(sql`select pg_terminate_backend(${row?.pid})`).catch(() => undefined);
      },
    };
  }

  test('a failing file leaves nothing of it, names file and line, and keeps those before', async () => {
    await write('0001_a.sql', 'create table a (id int);');
    await write('0002_b.sql', 'create table b (id int);\n\ncreate table c (id nonsense);');
    await expect(migrate(options)).rejects.toMatchObject({
      code: 'conflict',
      reason: 'migration_failed',
      message: expect.stringContaining('0002_b.sql failed at line 3'),
    });
    expect(await tables()).toEqual(['a', 'migrations']);
    await write('0002_b.sql', 'create table b (id int);');
    expect((await migrate(options)).applied).toEqual(['0002_b.sql']);
  });

  test('a table in use is not waited for with everybody queueing behind', async () => {
    await write('0001_a.sql', 'create table a (id int);');
    await migrate(options);
    await write('0002_a.sql', 'alter table a add n int;');
    const stepped = new Signal();
    const back = stepped.next();
    const logger: DbLogger = { info: () => undefined, warn: () => stepped.fire(), error: () => undefined };
    let migrating: Promise<unknown> | undefined;
    await database.db.transaction(async (tx) => {
      await tx.query(sql`select * from a`);
      migrating = migrate({ ...options, logger });
      await back;
    });
    expect(await migrating).toMatchObject({ applied: ['0002_a.sql'] });
  });
});

describe('refusing', () => {
  test('a file that changed since it ran, by name', async () => {
    await write('0001_a.sql', 'create table a (id int);\n');
    await migrate(options);
    await write('0001_a.sql', 'create table a (id int);\r\n');
    expect((await migrate(options)).applied).toEqual([]);
    await write('0001_a.sql', 'create table a (id bigint);\n');
    await expect(migrate(options)).rejects.toMatchObject({
      reason: 'migration_changed',
      message: expect.stringContaining('0001_a.sql'),
    });
  });

  test('a newer schema only when it is marked breaking, with the version needed', async () => {
    await write('0001_a.sql', 'create table a (id int);');
    await write('0002_new.sql', 'create table b (id int);');
    await migrate({ ...options, serverVersion: '1.3.0' });
    await rm(join(folder, '0002_new.sql'));
    expect(await migrate(options)).toMatchObject({ applied: [], unknown: ['0002_new.sql'] });
    await write('0002_new.sql', 'create table b (id int);');
    await write('0003_break.sql', '-- breaking: a is gone\ndrop table a;');
    await migrate({ ...options, serverVersion: '2.0.0' });
    await rm(join(folder, '0003_break.sql'));
    await expect(migrate(options)).rejects.toMatchObject({
      reason: 'schema_newer',
      message: expect.stringMatching(/a is gone.*version 2\.0\.0/s),
      extra: { versionNeeded: '2.0.0' },
    });
  });

  test('names that are no migrations, and numbers used twice', async () => {
    await write('1_a.sql', 'select 1');
    await expect(migrate(options)).rejects.toThrow('1_a.sql is not named like a migration');
    await rm(join(folder, '1_a.sql'));
    await write('0001_a.sql', 'select 1');
    await write('0001_b.sql', 'select 1');
    await expect(migrate(options)).rejects.toThrow('have the same number');
  });

  test('a pooler in transaction mode, with the remedy; one in session mode is fine', async () => {
    await write('0001_a.sql', 'create table a (id int);');
    await using shared = await transactionPooler(database.options, 'transaction');
    await expect(migrate({ ...options, connection: shared.connection })).rejects.toMatchObject({
      reason: 'pooler_in_transaction_mode',
      message: expect.stringContaining('pool_mode to session'),
    });
    expect(await tables()).toEqual([]);
    await using own = await transactionPooler(database.options, 'session');
    expect(await migrate({ ...options, connection: own.connection })).toMatchObject({ applied: ['0001_a.sql'] });
  });

  test('an old schema when told not to migrate', async () => {
    await write('0001_a.sql', 'create table a (id int);');
    await expect(requireMigrated(options)).rejects.toMatchObject({
      reason: 'schema_older',
      extra: { pending: ['0001_a.sql'] },
    });
    expect(await tables()).toEqual([]);
    await migrate(options);
    await requireMigrated(options);
  });

  test('a database that is not there is unavailable', async () => {
    await expect(
      migrate({ ...options, connection: { ...database.options, host: '/nonexistent' } }),
    ).rejects.toMatchObject({
      reason: 'store_down',
    });
  });
});

describe('the plan', () => {
  test('names statements, locks and times, and changes nothing', async () => {
    await write('0001_a.sql', 'create table a (id int primary key, n int);');
    await migrate(options);
    await database.db.query(sql`insert into a select i, i from generate_series(1, 1000) i`);
    await database.db.query(sql`analyze a`);
    await write(
      '0002_more.sql',
      `-- breaking: n is renamed
create index a_n on a (n);
alter table a rename n to m;
create table b (id int);
create index b_id on b (id);
update a set m = 2;`,
    );
    const plan = await planMigrations(options);
    expect(plan).toMatchObject([
      {
        name: '0002_more.sql',
        breaking: 'n is renamed',
        statements: [
          { line: 2, lock: 'share', table: 'a', rows: 1000, expected: 'at once' },
          { line: 3, lock: 'access exclusive', table: 'a' },
          { line: 4, lock: null },
          { line: 5, lock: null, table: 'b' },
          { line: 6, lock: 'row exclusive', table: 'a' },
        ],
      },
    ]);
    expect(describePlan(plan)).toContain('share lock on a (about 1000 rows), at once');
    expect(await tables()).toEqual(['a', 'migrations']);
    await migrate(options);
    expect(describePlan(await planMigrations(options))).toContain('Nothing to do');
  });

  test('of an empty database is all of it', async () => {
    await write('0001_a.sql', 'create table a (id int);');
    expect(await planMigrations(options)).toHaveLength(1);
    expect(await tables()).toEqual([]);
  });
});
