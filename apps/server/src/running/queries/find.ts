import { type Reader, sql } from '#kernel/db';

/* Things of the kernel's own tables that have an id or a name. */

export type FoundKey = { id: string; name: string; state: 'active' | 'revoked' };

export async function findKeys(reader: Reader, projectId: string, text: string, limit: number): Promise<FoundKey[]> {
  return reader.query<FoundKey>(sql`
    -- find_keys: api_keys_project
    select id, name, case when revoked_at is null then 'active' else 'revoked' end as state from api_keys
     where project_id = ${projectId}
       and (starts_with(id, ${text}) or 'mst_' || short_id = ${text} or strpos(lower(name), lower(${text})) > 0)
     order by revoked_at is not null, id desc limit ${limit}`);
}

export type FoundPerson = { id: string; name: string; role: string };

/** People of the project only. */
export async function findPeople(
  reader: Reader,
  projectId: string,
  text: string,
  limit: number,
): Promise<FoundPerson[]> {
  return reader.query<FoundPerson>(sql`
    -- find_people: memberships_project, people_pkey
    select p.id, p.name, m.role from memberships m join people p on p.id = m.person_id
     where m.project_id = ${projectId}
       and (starts_with(p.id, ${text}) or strpos(lower(p.name), lower(${text})) > 0 or strpos(p.email, lower(${text})) > 0)
     order by p.id desc limit ${limit}`);
}

export async function findAudit(
  reader: Reader,
  projectId: string,
  id: string,
): Promise<{ action: string } | undefined> {
  const [row] = await reader.query<{ action: string }>(sql`
    -- find_audit: audit_project, the months there are
    select action from audit where project_id = ${projectId} and id = ${id} limit 1`);
  return row;
}

export async function projectName(reader: Reader, projectId: string): Promise<string | undefined> {
  const [row] = await reader.query<{ name: string }>(sql`
    -- project_name: projects_pkey
    select name from projects where id = ${projectId}`);
  return row?.name;
}

export type Firsts = { admin: boolean; key: boolean; budget: boolean; people: number };

/** What has been done for the first time. Keys that the environment gives count: somebody made them. */
export async function readFirsts(reader: Reader, projectId: string): Promise<Firsts> {
  const [row] = await reader.query<Firsts>(sql`
    -- read_firsts: people_installation_admins, api_keys_project, budget_caps_pkey, memberships_project
    select exists (select from people where installation_admin) as admin,
           exists (select from api_keys where project_id = ${projectId} and revoked_at is null) as key,
           exists (select from budget_caps where project_id = ${projectId}) as budget,
           (select count(*)::int from memberships where project_id = ${projectId}) as people`);
  return row ?? { admin: false, key: false, budget: false, people: 0 };
}
