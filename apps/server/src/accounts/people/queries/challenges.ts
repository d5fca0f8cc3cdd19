import { type Reader, sql, type Tx } from '#kernel/db';

/** That somebody gave the right password and has to give a code. */
export async function putChallenge(
  tx: Tx,
  row: { id: string; identifier: string; personId: string; at: Date; expiresAt: Date },
): Promise<void> {
  await tx.query(sql`
    -- put_challenge: primary key
    insert into verifications (id, identifier, value, created_at, updated_at, expires_at)
    values (${row.id}, ${row.identifier}, ${row.personId}, ${row.at}, ${row.at}, ${row.expiresAt})`);
}

/** Whose it is, while it lasts. */
export async function readChallenge(reader: Reader, identifier: string, at: Date): Promise<string | undefined> {
  const rows = await reader.query<{ personId: string }>(sql`
    -- read_challenge: index verifications_identifier (identifier, created_at desc)
    select value as "personId" from verifications where identifier = ${identifier} and expires_at > ${at}`);
  return rows[0]?.personId;
}

/** False when somebody was faster. */
export async function endChallenge(tx: Tx, identifier: string, at: Date): Promise<boolean> {
  const gone = await tx.query(sql`
    -- end_challenge: index verifications_identifier (identifier, created_at desc)
    delete from verifications where identifier = ${identifier} and expires_at > ${at} returning 1`);
  return gone.length > 0;
}

/** After a new password: half of a sign-in counts no more. */
export async function endChallengesOf(tx: Tx, personId: string): Promise<void> {
  await tx.query(sql`
    -- end_challenges_of: sequential over what was asked for in the last day: a handful of rows
    delete from verifications where identifier like 'second:%' and value = ${personId}`);
}
