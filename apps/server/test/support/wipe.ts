import type { Client } from 'pg';
import { escapeIdentifier } from 'pg';
import { type Reader, sql } from '#kernel/db';

// Migrations may insert rows that the server counts on (the first project, say). They are kept aside in a schema of
// their own when the template is made, and put back by each wipe.
const seedSchema = 'muster_seed';

/** Copies what migrations inserted into the seed schema; run once, on the template. */
export async function fillSeed(client: Client): Promise<void> {
  await client.query(`create schema ${seedSchema}`);
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c where c.relnamespace = 'muster'::regnamespace
       and c.relkind in ('r', 'p') and not c.relispartition and c.relname <> 'migrations'`,
  );
  for (const { name } of rows) {
    const table = escapeIdentifier(name);
    const { rowCount } = await client.query(`select from muster.${table} limit 1`);
    if (rowCount) await client.query(`create table ${seedSchema}.${table} as table muster.${table}`);
  }
}

type Table = { name: string; seeded: boolean; columns: string };

/** The statements of one wipe, sent as one: triggers and foreign keys rest meanwhile, so the order does not matter. */
export async function wipeText(db: Reader): Promise<string> {
  // Catalog tables, found by namespace; served by pg_class_relname_nsp_index.
  const tables = await db.query<Table>(sql`
    select c.relname as name,
           to_regclass(${seedSchema} || '.' || quote_ident(c.relname)) is not null as seeded,
           (select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
             where attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = '') as columns
      from pg_class c
     where c.relnamespace = to_regnamespace('muster') and c.relkind in ('r', 'p') and not c.relispartition
       and c.relname <> 'migrations'`);
  const lines = tables.flatMap(({ name, seeded, columns }) => {
    const table = escapeIdentifier(name);
    const restore = `insert into muster.${table} (${columns}) overriding system value select ${columns} from ${seedSchema}.${table};`;
    return [`delete from muster.${table};`, ...(seeded ? [restore] : [])];
  });
  return ['begin;', 'set local session_replication_role = replica;', ...lines, 'commit;'].join('\n');
}
