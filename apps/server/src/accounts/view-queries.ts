import { type Reader, sql, type Tx } from '#kernel/db';

export type ViewRow = {
  id: string;
  ownerId: string;
  shared: boolean;
  name: string;
  page: string;
  search: string;
  updatedAt: Date;
};

/** Those of an owner, and those everybody has. */
export async function listViews(
  reader: Reader,
  projectId: string,
  ownerId: string,
  page: string | null,
): Promise<ViewRow[]> {
  return reader.query<ViewRow>(sql`
    -- list_views: primary key (project_id, id); a few hundred at most
    select id, owner_id as "ownerId", shared, name, page, search, updated_at as "updatedAt"
    from saved_views where project_id = ${projectId} and (shared or owner_id = ${ownerId})
      and (${page}::text is null or page = ${page})
    order by page, name, id`);
}

export async function lockView(tx: Tx, projectId: string, id: string): Promise<ViewRow | undefined> {
  const rows = await tx.query<ViewRow>(sql`
    -- lock_view: primary key
    select id, owner_id as "ownerId", shared, name, page, search, updated_at as "updatedAt"
    from saved_views where project_id = ${projectId} and id = ${id} for update`);
  return rows[0];
}

/** `ownerId` null: those that are shared. */
export async function countViews(reader: Reader, projectId: string, ownerId: string | null): Promise<number> {
  const rows = await reader.query<{ n: number }>(sql`
    -- count_views: primary key (project_id, id)
    select count(*)::int as n from saved_views
    where project_id = ${projectId} and shared = (${ownerId}::text is null) and (${ownerId}::text is null or owner_id = ${ownerId})`);
  return rows[0]?.n ?? 0;
}

export async function putView(tx: Tx, row: ViewRow & { projectId: string }): Promise<void> {
  await tx.query(sql`
    -- put_view: primary key
    insert into saved_views (project_id, id, owner_id, shared, name, page, search, updated_at)
    values (${row.projectId}, ${row.id}, ${row.ownerId}, ${row.shared}, ${row.name}, ${row.page}, ${row.search}, ${row.updatedAt})
    on conflict (project_id, id) do update set shared = excluded.shared, name = excluded.name, page = excluded.page,
      search = excluded.search, updated_at = excluded.updated_at`);
}

export async function removeView(tx: Tx, projectId: string, id: string): Promise<void> {
  await tx.query(sql`
    -- remove_view: primary key
    delete from saved_views where project_id = ${projectId} and id = ${id}`);
}
