import { type Reader, sql, type Tx } from '#kernel/db';
import type { Retention } from '#kernel/log';
import { catalogLimits } from './limits.ts';
import type { BulkShape } from './shapes.ts';

export type Refused = BulkShape['refused'][number];
export type BulkRow = {
  id: string;
  projectId: string;
  action: BulkShape['action'];
  prefix: string;
  retention: Retention | null;
  dryRun: boolean;
  state: BulkShape['state'];
  matched: number;
  changed: number;
  skipped: number;
  cursor: string | null;
  problems: Refused[];
  createdAt: Date;
  finishedAt: Date | null;
};

export async function insertBulk(
  tx: Tx,
  input: Pick<BulkRow, 'id' | 'projectId' | 'action' | 'prefix' | 'retention' | 'dryRun'> & { requestedBy: string },
): Promise<void> {
  const retention = input.retention === null ? null : JSON.stringify(input.retention);
  await tx.query(sql`
    -- insert_stream_bulk: primary key
    insert into stream_bulk_jobs (id, project_id, action, prefix, retention, dry_run, requested_by)
    values (${input.id}, ${input.projectId}, ${input.action}, ${input.prefix}, ${retention}::jsonb, ${input.dryRun}, ${input.requestedBy})`);
}

export async function findBulk(reader: Reader, id: string): Promise<BulkRow | undefined> {
  const [row] = await reader.query<BulkRow>(sql`
    -- find_stream_bulk: primary key
    select id, project_id as "projectId", action, prefix, retention, dry_run as "dryRun", state, matched, changed, skipped, cursor, problems,
      created_at as "createdAt", finished_at as "finishedAt"
    from stream_bulk_jobs where id = ${id}`);
  return row;
}

export async function countUnfinished(tx: Tx, projectId: string): Promise<number> {
  const [row] = await tx.query<{ count: number }>(sql`
    -- count_unfinished_stream_bulks: stream_bulk_jobs_unfinished
    select count(*)::int as count from stream_bulk_jobs where project_id = ${projectId} and finished_at is null`);
  return row?.count ?? 0;
}

/** How far a bulk job is. Named by the cursor it stood at, so that a page counts once. */
export async function advanceBulk(
  tx: Tx,
  id: string,
  from: string | null,
  page: { cursor: string | null; matched: number; changed: number; skipped: number; refused: readonly Refused[] },
): Promise<void> {
  await tx.query(sql`
    -- advance_stream_bulk: primary key
    update stream_bulk_jobs set cursor = ${page.cursor}, matched = matched + ${page.matched}, changed = changed + ${page.changed},
      skipped = skipped + ${page.skipped},
      problems = case when jsonb_array_length(problems) < ${catalogLimits.bulkRefusedMax} then problems || ${JSON.stringify(page.refused)}::jsonb else problems end,
      state = case when ${page.cursor}::text is null then 'done' else 'running' end,
      finished_at = case when ${page.cursor}::text is null then now() end
    where id = ${id} and cursor is not distinct from ${from} and finished_at is null`);
}

export async function sweepBulks(tx: Tx): Promise<void> {
  await tx.query(sql`
    -- sweep_stream_bulks: stream_bulk_jobs_finished
    delete from stream_bulk_jobs where finished_at < now() - ${catalogLimits.bulkKeepDays}::int * interval '1 day'`);
}

export type SettingsRow = { projectId: string; publicRead: string[]; version: number };

export async function listSettings(reader: Reader): Promise<SettingsRow[]> {
  return reader.query(sql`
    -- list_stream_settings: sequential, at start and when hints may have been lost; one small row per project that set any
    select project_id as "projectId", public_read as "publicRead", version from stream_settings`);
}

export async function findSettings(reader: Reader, projectId: string): Promise<SettingsRow | undefined> {
  const [row] = await reader.query<SettingsRow>(sql`
    -- find_stream_settings: primary key
    select project_id as "projectId", public_read as "publicRead", version from stream_settings where project_id = ${projectId}`);
  return row;
}

/** Zero rows: it has another version by now. */
export async function putSettings(
  tx: Tx,
  input: { projectId: string; publicRead: readonly string[]; by: string; version: number },
): Promise<SettingsRow | undefined> {
  const [row] = await tx.query<SettingsRow>(sql`
    -- put_stream_settings: primary key
    insert into stream_settings as s (project_id, public_read, updated_by) values (${input.projectId}, ${input.publicRead}, ${input.by})
    on conflict (project_id) do update set public_read = excluded.public_read, updated_by = excluded.updated_by, updated_at = now(),
      version = s.version + 1
    where s.version = ${input.version}
    returning project_id as "projectId", public_read as "publicRead", version`);
  return row;
}
