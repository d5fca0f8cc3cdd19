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

export type EndedBuild = { id: string; projectId: string; /** With the database's full precision. */ finishedAt: string };

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

/** Lines stored so far per attempt; never goes back. */
export async function saveLogLines(
  tx: Tx,
  counts: readonly { buildId: string; term: number; lines: number }[],
): Promise<void> {
  await tx.query(sql`
    -- save_log_lines: build_attempts_pkey
    update build_attempts a set log_lines = greatest(a.log_lines, c.lines)
    from unnest(${counts.map((count) => count.buildId)}::text[], ${counts.map((count) => count.term)}::integer[],
                ${counts.map((count) => count.lines)}::integer[]) c(build_id, term, lines)
    where a.build_id = c.build_id and a.term = c.term`);
}
