import { type Reader, sql, type Tx } from '#kernel/db';

/** One link per node; the one before ends here. */
export async function putSetupToken(
  tx: Tx,
  { node, secretHash, at, expiresAt }: { node: string; secretHash: Uint8Array; at: Date; expiresAt: Date },
): Promise<void> {
  await tx.query(sql`
    -- put_setup_token: unique (node)
    insert into setup_tokens (secret_hash, node, created_at, expires_at) values (${secretHash}, ${node}, ${at}, ${expiresAt})
    on conflict (node) do update set secret_hash = excluded.secret_hash, created_at = excluded.created_at, expires_at = excluded.expires_at`);
}

export async function hasSetupToken(reader: Reader, secretHash: Uint8Array, at: Date): Promise<boolean> {
  const rows = await reader.query(sql`
    -- has_setup_token: primary key
    select 1 from setup_tokens where secret_hash = ${secretHash} and expires_at > ${at}`);
  return rows.length > 0;
}

/** Once there is an admin no link leads anywhere. */
export async function removeSetupTokens(tx: Tx): Promise<void> {
  await tx.query(sql`
    -- remove_setup_tokens: sequential; as many rows as nodes
    delete from setup_tokens`);
}
