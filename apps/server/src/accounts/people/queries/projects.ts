import { type Reader, sql, type Tx } from '#kernel/db';

export type ProjectRow = { id: string; name: string; createdAt: Date; archivedAt: Date | null };

/** Projects a person belongs to, or all of them; newest first. */
export async function listProjects(
  reader: Reader,
  memberId: string | null,
  before: string | null,
  limit: number,
): Promise<ProjectRow[]> {
  return reader.query<ProjectRow>(sql`
    -- list_projects: primary keys of projects and memberships
    select id, name, created_at as "createdAt", archived_at as "archivedAt" from projects p
    where (${before}::text is null or id < ${before})
      and (${memberId}::text is null or exists (select 1 from memberships m where m.person_id = ${memberId} and m.project_id = p.id))
    order by id desc limit ${limit}`);
}

export async function countProjects(reader: Reader): Promise<number> {
  const rows = await reader.query<{ n: number }>(sql`
    -- count_projects: sequential; at most a thousand
    select count(*)::int as n from projects`);
  return rows[0]?.n ?? 0;
}

/** `undefined` when the name is taken. */
export async function insertProject(tx: Tx, id: string, name: string, at: Date): Promise<ProjectRow | undefined> {
  const rows = await tx.query<ProjectRow>(sql`
    -- insert_project: unique (name)
    insert into projects (id, name, created_at) values (${id}, ${name}, ${at}) on conflict (name) do nothing
    returning id, name, created_at as "createdAt", archived_at as "archivedAt"`);
  return rows[0];
}

export async function lockProject(tx: Tx, id: string): Promise<ProjectRow | undefined> {
  const rows = await tx.query<ProjectRow>(sql`
    -- lock_project: primary key
    select id, name, created_at as "createdAt", archived_at as "archivedAt" from projects where id = ${id} for no key update`);
  return rows[0];
}

export async function isNameTaken(reader: Reader, name: string, besides: string): Promise<boolean> {
  const rows = await reader.query(sql`
    -- is_name_taken: unique (name)
    select 1 from projects where name = ${name} and id <> ${besides}`);
  return rows.length > 0;
}

export async function changeProject(
  tx: Tx,
  { id, name, archivedAt }: Pick<ProjectRow, 'id' | 'name' | 'archivedAt'>,
): Promise<void> {
  await tx.query(sql`
    -- change_project: primary key
    update projects set name = ${name}, archived_at = ${archivedAt} where id = ${id}`);
}
