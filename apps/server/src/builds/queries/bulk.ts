import type { BulkAnswer } from '@muster/protocol';
import { type Reader, sql, type Tx } from '#kernel/db';

export type BulkRow = {
  id: string;
  action: unknown;
  matched: number;
  done: number;
  refused: BulkAnswer['refused'];
  state: 'running' | 'done';
};

export async function insertBulk(
  tx: Tx,
  bulk: { id: string; projectId: string; action: object; ids: readonly string[]; askedBy: string },
): Promise<void> {
  await tx.query(sql`
    -- insert_bulk
    insert into build_bulks (id, project_id, action, ids, matched, asked_by)
    values (${bulk.id}, ${bulk.projectId}, ${JSON.stringify(bulk.action)}::jsonb, ${bulk.ids}::text[], ${bulk.ids.length}, ${bulk.askedBy})`);
}

export async function findBulk(reader: Reader, projectId: string, id: string): Promise<BulkRow | undefined> {
  const [row] = await reader.query<BulkRow>(sql`
    -- find_bulk: build_bulks_pkey
    select id, action, matched, done, refused, state from build_bulks where id = ${id} and project_id = ${projectId}`);
  return row;
}

/** Ends a running bulk action where it is; nothing when it is over already. */
export async function stopBulk(
  tx: Tx,
  projectId: string,
  id: string,
): Promise<{ matched: number; done: number } | undefined> {
  const [row] = await tx.query<{ matched: number; done: number }>(sql`
    -- stop_bulk: build_bulks_pkey
    update build_bulks set state = 'done', finished_at = now()
     where id = ${id} and project_id = ${projectId} and state = 'running' returning matched, done`);
  return row;
}

/** The next builds of a running bulk action; nobody else works on it meanwhile. */
export async function takeBulk(
  tx: Tx,
  id: string,
  count: number,
): Promise<{ projectId: string; action: unknown; done: number; refusedCount: number; ids: string[] } | undefined> {
  const [row] = await tx.query<{
    projectId: string;
    action: unknown;
    done: number;
    refusedCount: number;
    ids: string[];
  }>(sql`
    -- take_bulk: build_bulks_pkey
    select project_id as "projectId", action, done, jsonb_array_length(refused) as "refusedCount",
           ids[done + 1 : done + ${count}] as ids
      from build_bulks where id = ${id} and state = 'running' for update`);
  return row;
}

/** Which build comes next, without a lock; nothing unless builds are retried. */
export async function nextToRetry(reader: Reader, id: string): Promise<string | undefined> {
  const [row] = await reader.query<{ next: string | null }>(sql`
    -- next_to_retry: build_bulks_pkey
    select ids[done + 1] as next from build_bulks where id = ${id} and state = 'running' and action ->> 'action' = 'retry'`);
  return row?.next ?? undefined;
}

export async function advanceBulk(tx: Tx, id: string, by: number, refused: BulkAnswer['refused']): Promise<void> {
  await tx.query(sql`
    -- advance_bulk: build_bulks_pkey
    update build_bulks
       set done = done + ${by}, refused = refused || ${JSON.stringify(refused)}::jsonb,
           state = case when done + ${by} >= matched then 'done' else state end,
           finished_at = case when done + ${by} >= matched then now() end
     where id = ${id}`);
}
