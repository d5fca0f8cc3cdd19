import { afterAll, expect, test } from 'vitest';
import { testDatabase } from '#test/database';
import { sql } from '../pool/sql.ts';
import { migrationsFolder } from './files.ts';
import { schemaSnapshot } from './schema-snapshot.ts';

const database = await testDatabase();
afterAll(() => database[Symbol.asyncDispose]());

// Refreshed by `npx vitest run --project db schema-snapshot -u`; its diff is what a reviewer of a migration reads.
test('the schema is the one in migrations/schema.snapshot.sql', async () => {
  await expect(await schemaSnapshot(database.db)).toMatchFileSnapshot(`${migrationsFolder}/schema.snapshot.sql`);
});

test('the snapshot shows every kind of change', async () => {
  await using other = await testDatabase({ migrations: false });
  await other.db.query(sql`create schema muster`);
  const seen = new Set([await schemaSnapshot(other.db)]);
  for (const change of [
    sql`create table t (id bigint generated always as identity primary key, n int)`,
    sql`alter table t alter n set not null`,
    sql`alter table t alter n set default 3`,
    sql`alter table t add check (n > 0)`,
    sql`alter table t set (fillfactor = 50)`,
    sql`create index t_n on t (n) where n > 2`,
    sql`create view v as select n from t`,
    sql`create function f() returns int language sql as 'select 1'`,
    sql`create type e as enum ('a', 'b')`,
    sql`create table p (at timestamptz) partition by range (at)`,
    sql`create sequence s`,
  ]) {
    await other.db.query(change);
    const snapshot = await schemaSnapshot(other.db);
    expect(seen.has(snapshot), change.text).toBe(false);
    seen.add(snapshot);
  }
});
