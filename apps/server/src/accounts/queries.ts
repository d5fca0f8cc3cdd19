import { type Reader, sql, type Tx } from '#kernel/db';

/** A fact of the installation. */
async function readFact(reader: Reader, key: string): Promise<unknown> {
  const rows = await reader.query<{ value: unknown }>(sql`
    -- read_fact: primary key
    select value from meta where key = ${key}`);
  return rows[0]?.value;
}

/** Writes a fact unless somebody did before; resolves with the one that stands. */
export async function keepFact(tx: Tx, key: string, value: string): Promise<unknown> {
  await tx.query(sql`
    -- keep_fact: primary key
    insert into meta (key, value) values (${key}, to_jsonb(${value}::text)) on conflict (key) do nothing`);
  return readFact(tx, key);
}

export async function changeFact(tx: Tx, key: string, value: string): Promise<void> {
  await tx.query(sql`
    -- change_fact: primary key
    update meta set value = to_jsonb(${value}::text) where key = ${key}`);
}
