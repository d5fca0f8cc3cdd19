import { sql, type Tx } from '#kernel/db';

/** Tries of one address are counted one after the other, so that many at once are no more than they are. */
export async function lockAddress(tx: Tx, address: string): Promise<void> {
  await tx.query(sql`
    -- lock_address: no table
    select pg_advisory_xact_lock(hashtextextended(${`muster.sign_in ${address}`}, 0))`);
}

/** When the try began that has to leave its window before there is room for another; `null`: there is room. */
export async function fullSince(
  tx: Tx,
  of: { address: string; emailHash: Uint8Array },
  pair: { since: Date; max: number },
  any: { since: Date; max: number },
): Promise<{ pair: Date | null; any: Date | null }> {
  const rows = await tx.query<{ pair: Date | null; any: Date | null }>(sql`
    -- full_since: index sign_in_tries_address (address, at desc)
    select
      (select at from sign_in_tries where address = ${of.address} and email_hash = ${of.emailHash} and at > ${pair.since}
        order by at desc offset ${pair.max - 1} limit 1) as pair,
      (select at from sign_in_tries where address = ${of.address} and at > ${any.since}
        order by at desc offset ${any.max - 1} limit 1) as "any"`);
  return rows[0] ?? { pair: null, any: null };
}

export async function addTry(tx: Tx, of: { address: string; emailHash: Uint8Array; at: Date }): Promise<number> {
  const rows = await tx.query<{ id: number }>(sql`
    -- add_try: primary key
    insert into sign_in_tries (address, email_hash, at) values (${of.address}, ${of.emailHash}, ${of.at}) returning id`);
  return rows[0]?.id ?? 0;
}

/** After a right password: those of this address with this email count no more. */
export async function forgetTries(tx: Tx, of: { address: string; emailHash: Uint8Array }): Promise<void> {
  await tx.query(sql`
    -- forget_tries: index sign_in_tries_address (address, at desc)
    delete from sign_in_tries where address = ${of.address} and email_hash = ${of.emailHash}`);
}

/** Everybody starts anew; how many there were. */
export async function forgetEveryTry(tx: Tx): Promise<number> {
  const gone = await tx.query(sql`
    -- forget_every_try: sequential; the tries of an hour
    delete from sign_in_tries returning 1`);
  return gone.length;
}

/** A try that was not answered with yes or no. */
export async function takeTryBack(tx: Tx, id: number): Promise<void> {
  await tx.query(sql`
    -- take_try_back: primary key
    delete from sign_in_tries where id = ${id}`);
}

export async function sweepTries(tx: Tx, before: Date, rows: number): Promise<number> {
  const gone = await tx.query(sql`
    -- sweep_tries: index sign_in_tries_at
    delete from sign_in_tries where id = any (array(
      select id from sign_in_tries where at < ${before} order by at limit ${rows} for update skip locked)) returning 1`);
  return gone.length;
}
