import { type Reader, sql, type Tx } from '#kernel/db';

/** How long after its end an attempt may still bring lines. */
export const lateLinesMs = 60_000;

/** Whether the build ended so recently that its last attempt's lines are still taken; by the database's clock. */
export async function endedRecently(reader: Reader, buildId: string): Promise<boolean> {
  const rows = await reader.query(sql`
    -- ended_recently: builds_pkey
    select 1 from builds where id = ${buildId} and finished_at > now() - ${lateLinesMs} * interval '1 ms'`);
  return rows.length > 0;
}

export type EndedBuild = {
  id: string;
  projectId: string /** With the database's full precision. */;
  finishedAt: string;
};

/** Builds that ended long enough ago, in the order of their ends, behind one of them or within the first look back. */
export async function endedBuilds(
  reader: Reader,
  after: Pick<EndedBuild, 'finishedAt' | 'id'> | undefined,
  { firstLookMs, afterEndMs, limit }: { firstLookMs: number; afterEndMs: number; limit: number },
): Promise<EndedBuild[]> {
  return await reader.query<EndedBuild>(sql`
    -- ended_builds: builds_finished
    select id, project_id as "projectId", finished_at::text as "finishedAt" from builds
     where finished_at >= coalesce(${after?.finishedAt ?? null}::timestamptz, now() - ${firstLookMs} * interval '1 ms')
       and finished_at <= now() - ${afterEndMs} * interval '1 ms'
       and (finished_at, id) > (coalesce(${after?.finishedAt ?? null}::timestamptz, '-infinity'), ${after?.id ?? ''})
     order by finished_at, id limit ${limit}`);
}

/**
 * Lines stored so far per attempt; never goes back. Nobody waits for a row: answers the attempts whose rows somebody else
 * holds at this moment, for another time.
 */
export async function saveLogLines(
  tx: Tx,
  counts: readonly { buildId: string; term: number; lines: number }[],
): Promise<{ buildId: string; term: number }[]> {
  return await tx.query(sql`
    -- save_log_lines: build_attempts_pkey
    with c as materialized (
      select * from unnest((select ${counts.map((count) => count.buildId)}::text[]), (select ${counts.map((count) => count.term)}::integer[]),
        (select ${counts.map((count) => count.lines)}::integer[])) c(build_id, term, lines)
    ),
    free as materialized (
      select a.build_id, a.term, c.lines from c join build_attempts a on a.build_id = c.build_id and a.term = c.term
      for no key update of a skip locked
    ),
    saved as (
      update build_attempts a set log_lines = greatest(a.log_lines, free.lines)
      from free where a.build_id = free.build_id and a.term = free.term
    )
    select c.build_id as "buildId", c.term from c
    where not exists (select 1 from free where free.build_id = c.build_id and free.term = c.term)
      and exists (select 1 from build_attempts a where a.build_id = c.build_id and a.term = c.term)`);
}
