import type { Role } from '@muster/protocol';
import { type Reader, sql, type Tx } from '#kernel/db';

/** Who is an admin of what changes under this lock, so that two removals of the last two cannot both succeed. */
export async function lockAdmins(tx: Tx): Promise<void> {
  await tx.query(sql`
    -- lock_admins: no table
    select pg_advisory_xact_lock(hashtext('muster.admins'))`);
}

export async function hasInstallationAdmin(reader: Reader): Promise<boolean> {
  const rows = await reader.query(sql`
    -- has_installation_admin: index people_installation_admins
    select 1 from people where installation_admin limit 1`);
  return rows.length > 0;
}

export async function otherInstallationAdmins(reader: Reader, personId: string): Promise<boolean> {
  const rows = await reader.query(sql`
    -- other_installation_admins: index people_installation_admins
    select 1 from people where installation_admin and id <> ${personId} limit 1`);
  return rows.length > 0;
}

export type NewPerson = { id: string; email: string; name: string; installationAdmin: boolean; at: Date };

/** False when the email is taken. */
export async function insertPerson(tx: Tx, { id, email, name, installationAdmin, at }: NewPerson): Promise<boolean> {
  const rows = await tx.query(sql`
    -- insert_person: unique (email)
    insert into people (id, email, name, installation_admin, created_at, updated_at)
    values (${id}, ${email}, ${name}, ${installationAdmin}, ${at}, ${at})
    on conflict (email) do nothing returning 1`);
  return rows.length > 0;
}

export async function putPassword(tx: Tx, personId: string, id: string, password: string, at: Date): Promise<void> {
  await tx.query(sql`
    -- put_password: unique (provider, account_id)
    insert into person_credentials (id, person_id, provider, account_id, password, created_at, updated_at)
    values (${id}, ${personId}, 'credential', ${personId}, ${password}, ${at}, ${at})
    on conflict (provider, account_id) do update set password = excluded.password, updated_at = excluded.updated_at`);
}

export async function readPassword(reader: Reader, personId: string): Promise<string | undefined> {
  const rows = await reader.query<{ password: string }>(sql`
    -- read_password: unique (provider, account_id)
    select password from person_credentials where provider = 'credential' and account_id = ${personId}`);
  return rows[0]?.password;
}

export type PersonRow = {
  id: string;
  email: string;
  name: string;
  role: Role;
  installationAdmin: boolean;
  secondFactor: boolean;
  signIns: number;
  createdAt: Date;
  lastSignInAt: Date | null;
};

/** Members of a project, newest person first, from before `before`. */
export async function listMembers(
  reader: Reader,
  projectId: string,
  before: string | null,
  limit: number,
): Promise<PersonRow[]> {
  return reader.query<PersonRow>(sql`
    -- list_members: index memberships_project (project_id, person_id desc), sign_ins_person
    select p.id, p.email, p.name, m.role, p.installation_admin as "installationAdmin", p.created_at as "createdAt",
      exists (select 1 from second_factors f where f.person_id = p.id and f.confirmed_at is not null) as "secondFactor",
      (select count(*)::int from sign_ins s where s.person_id = p.id and s.expires_at > now()) as "signIns",
      (select s.created_at from sign_ins s where s.person_id = p.id order by s.id desc limit 1) as "lastSignInAt"
    from memberships m join people p on p.id = m.person_id
    where m.project_id = ${projectId} and (${before}::text is null or m.person_id < ${before})
    order by m.person_id desc limit ${limit}`);
}

export async function readMember(reader: Reader, projectId: string, personId: string): Promise<PersonRow | undefined> {
  const rows = await reader.query<PersonRow>(sql`
    -- read_member: primary keys
    select p.id, p.email, p.name, m.role, p.installation_admin as "installationAdmin", p.created_at as "createdAt",
      exists (select 1 from second_factors f where f.person_id = p.id and f.confirmed_at is not null) as "secondFactor",
      (select count(*)::int from sign_ins s where s.person_id = p.id and s.expires_at > now()) as "signIns",
      (select s.created_at from sign_ins s where s.person_id = p.id order by s.id desc limit 1) as "lastSignInAt"
    from memberships m join people p on p.id = m.person_id
    where m.project_id = ${projectId} and m.person_id = ${personId}`);
  return rows[0];
}

export async function putMembership(
  tx: Tx,
  { projectId, personId, role, at }: { projectId: string; personId: string; role: Role; at: Date },
): Promise<void> {
  await tx.query(sql`
    -- put_membership: primary key
    insert into memberships (project_id, person_id, role, created_at, updated_at)
    values (${projectId}, ${personId}, ${role}, ${at}, ${at})
    on conflict (person_id, project_id) do update set role = excluded.role, updated_at = excluded.updated_at`);
}

export async function removeMembership(tx: Tx, projectId: string, personId: string): Promise<void> {
  await tx.query(sql`
    -- remove_membership: primary key
    delete from memberships where person_id = ${personId} and project_id = ${projectId}`);
}

export async function otherAdmins(reader: Reader, projectId: string, personId: string): Promise<boolean> {
  const rows = await reader.query(sql`
    -- other_admins: index memberships_project (project_id, person_id desc)
    select 1 from memberships where project_id = ${projectId} and role = 'admin' and person_id <> ${personId} limit 1`);
  return rows.length > 0;
}

export async function isPerson(reader: Reader, personId: string): Promise<boolean> {
  const rows = await reader.query(sql`
    -- is_person: primary key
    select 1 from people where id = ${personId}`);
  return rows.length > 0;
}

export async function setInstallationAdmin(tx: Tx, personId: string, admin: boolean, at: Date): Promise<void> {
  await tx.query(sql`
    -- set_installation_admin: primary key
    update people set installation_admin = ${admin}, updated_at = ${at} where id = ${personId}`);
}
