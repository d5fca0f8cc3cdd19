import type { BuildState, ChangeBuild } from '@muster/protocol';
import { sql, type Tx } from '#kernel/db';

export async function lockBuild(tx: Tx, id: string): Promise<{ state: BuildState; version: number } | undefined> {
  const [row] = await tx.query<{ state: BuildState; version: number }>(sql`
    -- lock_build: builds_pkey
    select state, version from builds where id = ${id} for no key update`);
  return row;
}

/** What a submitter wrote; fields that are not there stay. */
export async function changeSpec(tx: Tx, id: string, change: ChangeBuild): Promise<void> {
  const { name, tags, requires, notBefore } = change;
  await tx.query(sql`
    -- change_spec: build_specs_pkey
    update build_specs
       set name = case when ${name !== undefined} then ${name ?? null} else name end,
           tags = case when ${tags !== undefined} then ${JSON.stringify(tags ?? {})}::jsonb else tags end,
           requires = case when ${requires !== undefined} then ${JSON.stringify(requires ?? {})}::jsonb else requires end,
           not_before = case when ${notBefore !== undefined} then ${notBefore ?? null}::timestamptz else not_before end
     where build_id = ${id}`);
}

export type Changed = { sig: number; priority: number; waitMs: number };

/**
 * The place in line, and the version in any case. `undefined` when the new demand was pruned meanwhile. A back-off of the
 * build stays in force: only a wait for `notBefore` is replaced.
 */
export async function changeLine(
  tx: Tx,
  id: string,
  change: Pick<ChangeBuild, 'priority' | 'notBefore'> & { sig?: number },
): Promise<Changed | undefined> {
  const { priority, notBefore, sig } = change;
  const [changed] = await tx.query<Changed>(sql`
    -- change_line: builds_pkey, demands_pkey
    update builds b
       set version = b.version + 1,
           priority = coalesce(${priority ?? null}::smallint, b.priority),
           sig = coalesce(${sig ?? null}::bigint, b.sig),
           eligible_at = case when ${notBefore !== undefined} and b.wait_cause is distinct from 'backoff'
                              then greatest(now(), ${notBefore ?? null}::timestamptz) else b.eligible_at end,
           wait_cause = case when ${notBefore !== undefined} and b.wait_cause is distinct from 'backoff'
                             then case when ${notBefore ?? null}::timestamptz > now() then 'not_before' end
                             else b.wait_cause end
     where b.id = ${id}
       and (${sig ?? null}::bigint is null or exists (select 1 from demands d where d.sig = ${sig ?? null}::bigint))
    returning b.sig, b.priority, (extract(epoch from b.eligible_at - now()) * 1000)::float8 as "waitMs"`);
  return changed;
}

/** Many at once, queued ones only; resolves with those that moved. */
export async function setPriorities(
  tx: Tx,
  projectId: string,
  ids: readonly string[],
  priority: number,
): Promise<{ id: string; sig: number; queue: string }[]> {
  return await tx.query(sql`
    -- set_priorities: builds_pkey
    update builds set priority = ${priority}, version = version + 1
     where id = any(array(select id from builds where id = any(${ids}::text[]) and project_id = ${projectId}
                             and state = 'queued' order by id for no key update))
    returning id, sig, queue`);
}

/** Adds to the tags of many; a build whose tags would become more than `tagsMax` stays as it is. Resolves with those changed. */
export async function addTags(
  tx: Tx,
  projectId: string,
  ids: readonly string[],
  tags: Readonly<Record<string, string>>,
  tagsMax: number,
): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(sql`
    -- add_tags: build_specs_pkey, builds_pkey
    with chosen as (
      select s.build_id from build_specs s join builds b on b.id = s.build_id
       where s.build_id = any(${ids}::text[]) and b.project_id = ${projectId}
         and (select count(*) from jsonb_object_keys(s.tags || ${JSON.stringify(tags)}::jsonb)) <= ${tagsMax}
       order by b.id for no key update of b),
    tagged as (update build_specs s set tags = s.tags || ${JSON.stringify(tags)}::jsonb
                 from chosen where s.build_id = chosen.build_id returning s.build_id)
    update builds b set version = version + 1 from tagged where b.id = tagged.build_id returning b.id`);
  return rows.map((row) => row.id);
}

/** Which of these exist in the project, with their state. */
export async function readStates(tx: Tx, projectId: string, ids: readonly string[]): Promise<Map<string, BuildState>> {
  const rows = await tx.query<{ id: string; state: BuildState }>(sql`
    -- read_states: builds_pkey
    select id, state from builds where id = any(${ids}::text[]) and project_id = ${projectId}`);
  return new Map(rows.map((row) => [row.id, row.state]));
}
