import { type Reader, sql, type Tx } from '#kernel/db';

export type IdempotencyRow = { digest: string; answer: Uint8Array | null };

/** Takes the key. Primary key index; a second taker waits here until the first commits or rolls back. */
export async function takeIdempotencyKey(
  tx: Tx,
  key: { projectId: string; route: string; key: string; digest: string; keepMs: number },
): Promise<boolean> {
  const rows = await tx.query(sql`
    -- take_idempotency_key: primary key (project_id, route, key); an expired row is taken over in place
    insert into idempotency_keys (project_id, route, key, digest, expires_at)
    values (${key.projectId}, ${key.route}, ${key.key}, ${key.digest}, now() + ${key.keepMs} * interval '1 millisecond')
    on conflict (project_id, route, key) do update
      set digest = excluded.digest, answer = null, expires_at = excluded.expires_at, created_at = now()
      where idempotency_keys.expires_at <= now()
    returning key`);
  return rows.length > 0;
}

export async function findIdempotencyKey(
  reader: Reader,
  key: { projectId: string; route: string; key: string },
): Promise<IdempotencyRow | undefined> {
  const rows = await reader.query<IdempotencyRow>(sql`
    -- find_idempotency_key: primary key (project_id, route, key)
    select digest, answer from idempotency_keys
    where project_id = ${key.projectId} and route = ${key.route} and key = ${key.key}`);
  return rows[0];
}

export async function storeIdempotentAnswer(
  tx: Tx,
  key: { projectId: string; route: string; key: string },
  answer: Uint8Array,
): Promise<void> {
  await tx.query(sql`
    -- store_idempotent_answer: primary key (project_id, route, key)
    update idempotency_keys set answer = ${answer}
    where project_id = ${key.projectId} and route = ${key.route} and key = ${key.key}`);
}

/** Removes at most `rows` keys past their time; resolves with how many went. */
export async function sweepIdempotencyKeys(tx: Tx, rows: number): Promise<number> {
  const gone = await tx.query(sql`
    -- sweep_idempotency_keys: index idempotency_keys_expires_at
    delete from idempotency_keys where ctid = any (array(
      select ctid from idempotency_keys where expires_at <= now() order by expires_at limit ${rows} for update skip locked))
    returning key`);
  return gone.length;
}
