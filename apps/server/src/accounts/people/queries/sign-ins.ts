import type { Role } from '@muster/protocol';
import { type Reader, sql, type Tx } from '#kernel/db';

export type Membership = { projectId: string; projectName: string; role: Role; archived: boolean };

export type SignInRecord = {
  signInId: string;
  personId: string;
  name: string;
  email: string;
  installationAdmin: boolean;
  createdAt: Date;
  updatedAt: Date;
  confirmedAt: Date;
  /** The first of them first. */
  memberships: Membership[];
};

/** The sign-in of a token that goes on at `at`, with whom it is of and what they are where. */
export const findSignIn = (
  reader: Reader,
  tokenHash: string,
  at: Date,
  bornAfter: Date,
): Promise<SignInRecord | undefined> => findBy(reader, { tokenHash, id: null }, at, bornAfter);

/** The same, of a sign-in that is known already. */
export const findSignInById = (
  reader: Reader,
  id: string,
  at: Date,
  bornAfter: Date,
): Promise<SignInRecord | undefined> => findBy(reader, { tokenHash: null, id }, at, bornAfter);

async function findBy(
  reader: Reader,
  of: { tokenHash: string | null; id: string | null },
  at: Date,
  bornAfter: Date,
): Promise<SignInRecord | undefined> {
  const rows = await reader.query<SignInRecord>(sql`
    -- find_sign_in: unique (token_hash) or primary key, primary keys of people, memberships and projects
    select s.id as "signInId", p.id as "personId", p.name, p.email, p.installation_admin as "installationAdmin",
      s.created_at as "createdAt", s.updated_at as "updatedAt", s.confirmed_at as "confirmedAt",
      coalesce((select jsonb_agg(jsonb_build_object('projectId', m.project_id, 'projectName', j.name, 'role', m.role,
          'archived', j.archived_at is not null) order by m.created_at, m.project_id)
        from memberships m join projects j on j.id = m.project_id where m.person_id = p.id), '[]') as memberships
    from sign_ins s join people p on p.id = s.person_id
    where (s.token_hash = ${of.tokenHash} or s.id = ${of.id}) and s.expires_at > ${at} and s.created_at > ${bornAfter}`);
  return rows[0];
}

export async function insertSignIn(
  tx: Tx,
  row: {
    id: string;
    tokenHash: string;
    personId: string;
    address: string;
    userAgent: string;
    at: Date;
    expiresAt: Date;
  },
): Promise<void> {
  await tx.query(sql`
    -- insert_sign_in: primary key
    insert into sign_ins (id, token_hash, person_id, address, user_agent, created_at, updated_at, expires_at, confirmed_at)
    values (${row.id}, ${row.tokenHash}, ${row.personId}, ${row.address}, ${row.userAgent}, ${row.at}, ${row.at}, ${row.expiresAt}, ${row.at})`);
}

/** Moves the end on, once per hour whoever comes first. */
export async function touchSignIn(
  tx: Tx,
  signInId: string,
  times: { at: Date; seenBefore: Date; idleMs: number; lifeMs: number },
): Promise<void> {
  await tx.query(sql`
    -- touch_sign_in: primary key
    update sign_ins set updated_at = ${times.at},
      expires_at = least(${times.at}::timestamptz + ${times.idleMs}::float8 * interval '1 millisecond',
        created_at + ${times.lifeMs}::float8 * interval '1 millisecond')
    where id = ${signInId} and updated_at < ${times.seenBefore}`);
}

export type SignInRow = {
  id: string;
  address: string | null;
  userAgent: string | null;
  createdAt: Date;
  lastSeenAt: Date;
  expiresAt: Date;
};

export async function listSignIns(reader: Reader, personId: string, at: Date, limit: number): Promise<SignInRow[]> {
  return reader.query<SignInRow>(sql`
    -- list_sign_ins: index sign_ins_person (person_id, id desc)
    select id, address, user_agent as "userAgent", created_at as "createdAt", updated_at as "lastSeenAt", expires_at as "expiresAt"
    from sign_ins where person_id = ${personId} and expires_at > ${at} order by id desc limit ${limit}`);
}

export async function endSignIn(tx: Tx, personId: string, signInId: string): Promise<boolean> {
  const gone = await tx.query(sql`
    -- end_sign_in: primary key
    delete from sign_ins where id = ${signInId} and person_id = ${personId} returning 1`);
  return gone.length > 0;
}

/** Every sign-in of a person but `kept`. */
export async function endSignInsOf(tx: Tx, personId: string, kept: string | null): Promise<number> {
  const gone = await tx.query(sql`
    -- end_sign_ins_of: index sign_ins_person (person_id, id desc)
    delete from sign_ins where person_id = ${personId} and (${kept}::text is null or id <> ${kept}) returning 1`);
  return gone.length;
}

/** Those that are too many, the oldest first; whether there were any. */
export async function endOldestSignIns(tx: Tx, personId: string, keep: number): Promise<boolean> {
  const gone = await tx.query(sql`
    -- end_oldest_sign_ins: index sign_ins_person (person_id, id desc)
    delete from sign_ins where id in (
      select id from sign_ins where person_id = ${personId} order by id desc offset ${keep}) returning 1`);
  return gone.length > 0;
}

export async function replaceToken(tx: Tx, signInId: string, tokenHash: string, at: Date): Promise<void> {
  await tx.query(sql`
    -- replace_token: primary key
    update sign_ins set token_hash = ${tokenHash}, confirmed_at = ${at}, updated_at = ${at} where id = ${signInId}`);
}

export async function confirmSignIn(tx: Tx, signInId: string, at: Date): Promise<void> {
  await tx.query(sql`
    -- confirm_sign_in: primary key
    update sign_ins set confirmed_at = ${at} where id = ${signInId}`);
}

export async function sweepSignIns(tx: Tx, at: Date, rows: number): Promise<number> {
  const gone = await tx.query(sql`
    -- sweep_sign_ins: index sign_ins_expiry
    delete from sign_ins where id = any (array(
      select id from sign_ins where expires_at <= ${at} order by expires_at limit ${rows} for update skip locked)) returning 1`);
  return gone.length;
}

export async function sweepVerifications(tx: Tx, at: Date, rows: number): Promise<number> {
  const gone = await tx.query(sql`
    -- sweep_verifications: index verifications_expiry
    delete from verifications where id = any (array(
      select id from verifications where expires_at <= ${at} order by expires_at limit ${rows} for update skip locked)) returning 1`);
  return gone.length;
}
