import { type Reader, sql, type Tx } from '#kernel/db';

/** A link that lets a person choose a new password; the ones before it for the same person end. */
export async function putReset(
  tx: Tx,
  {
    id,
    identifier,
    personId,
    at,
    expiresAt,
  }: { id: string; identifier: string; personId: string; at: Date; expiresAt: Date },
): Promise<void> {
  await tx.query(sql`
    -- put_reset: sequential over what was asked for in the last day: a handful of rows
    delete from verifications where identifier like 'reset:%' and value = ${personId}`);
  await tx.query(sql`
    -- put_reset: primary key
    insert into verifications (id, identifier, value, created_at, updated_at, expires_at)
    values (${id}, ${identifier}, ${personId}, ${at}, ${at}, ${expiresAt})`);
}

export type OpenReset = { personId: string; name: string; email: string };

export async function findReset(reader: Reader, identifier: string, at: Date): Promise<OpenReset | undefined> {
  const rows = await reader.query<OpenReset>(sql`
    -- find_reset: index verifications_identifier (identifier, created_at desc), primary key of people
    select p.id as "personId", p.name, p.email from verifications v join people p on p.id = v.value
    where v.identifier = ${identifier} and v.expires_at > ${at}`);
  return rows[0];
}

/** False when somebody was faster. */
export async function useReset(tx: Tx, identifier: string, at: Date): Promise<boolean> {
  const gone = await tx.query(sql`
    -- use_reset: index verifications_identifier (identifier, created_at desc)
    delete from verifications where identifier = ${identifier} and expires_at > ${at} returning 1`);
  return gone.length > 0;
}
