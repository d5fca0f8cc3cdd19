import { type Reader, sql, type Tx } from '#kernel/db';

export type SecondFactor = { secret: Uint8Array; confirmed: boolean; lastPeriod: number };

/** Locked in a transaction that takes a code, so that one code is taken once. */
export async function lockSecondFactor(tx: Tx, personId: string): Promise<SecondFactor | undefined> {
  const rows = await tx.query<SecondFactor>(sql`
    -- lock_second_factor: primary key
    select secret, confirmed_at is not null as confirmed, last_period::float8 as "lastPeriod"
    from second_factors where person_id = ${personId} for update`);
  return rows[0];
}

export type SecondFactorState = { on: boolean; recoveryCodesLeft: number };

export async function readSecondFactor(reader: Reader, personId: string): Promise<SecondFactorState> {
  const rows = await reader.query<{ recoveryCodesLeft: number }>(sql`
    -- read_second_factor: primary keys
    select (select count(*)::int from recovery_codes c where c.person_id = f.person_id and c.used_at is null) as "recoveryCodesLeft"
    from second_factors f where f.person_id = ${personId} and f.confirmed_at is not null`);
  return { on: rows.length > 0, recoveryCodesLeft: rows[0]?.recoveryCodesLeft ?? 0 };
}

/** One that waits for its first code takes the place of another that does; false when there is a confirmed one. */
export async function putSecondFactor(tx: Tx, personId: string, secret: Uint8Array, at: Date): Promise<boolean> {
  const rows = await tx.query(sql`
    -- put_second_factor: primary key
    insert into second_factors (person_id, secret, created_at) values (${personId}, ${secret}, ${at})
    on conflict (person_id) do update set secret = excluded.secret, created_at = excluded.created_at, last_period = 0
      where second_factors.confirmed_at is null
    returning 1`);
  return rows.length > 0;
}

export async function takePeriod(
  tx: Tx,
  { personId, period, secret, at }: { personId: string; period: number; secret: Uint8Array; at: Date },
): Promise<void> {
  await tx.query(sql`
    -- take_period: primary key
    update second_factors set last_period = ${period}, secret = ${secret}, confirmed_at = coalesce(confirmed_at, ${at})
    where person_id = ${personId}`);
}

export async function replaceRecoveryCodes(tx: Tx, personId: string, hashes: readonly Uint8Array[]): Promise<void> {
  await tx.query(sql`
    -- replace_recovery_codes: primary key
    delete from recovery_codes where person_id = ${personId}`);
  await tx.query(sql`
    -- replace_recovery_codes: primary key
    insert into recovery_codes (person_id, code_hash) select ${personId}, unnest(${hashes}::bytea[])`);
}

/** False when there is no such code, or it was used. */
export async function takeRecoveryCode(tx: Tx, personId: string, hash: Uint8Array, at: Date): Promise<boolean> {
  const rows = await tx.query(sql`
    -- take_recovery_code: primary key
    update recovery_codes set used_at = ${at} where person_id = ${personId} and code_hash = ${hash} and used_at is null returning 1`);
  return rows.length > 0;
}

/** False when there was none. */
export async function removeSecondFactor(tx: Tx, personId: string): Promise<boolean> {
  const gone = await tx.query(sql`
    -- remove_second_factor: primary key
    delete from second_factors where person_id = ${personId} returning 1`);
  return gone.length > 0;
}
