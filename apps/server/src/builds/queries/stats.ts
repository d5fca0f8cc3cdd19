import { type Reader, type Statement, sql } from '#kernel/db';

export type StatsBy = 'queue' | 'platform' | 'worker';

export type StatsRow = {
  group: string | null;
  states: Record<string, number>;
  submitted: number;
  finished: number;
  succeeded: number;
  waitMsP50: number | null;
  waitMsP95: number | null;
  runMsP50: number | null;
  runMsP95: number | null;
};

const groupOf = (by: StatsBy | undefined): Statement =>
  by === 'queue' ? sql`queue` : by === 'platform' ? sql`platform` : by === 'worker' ? sql`worker_id` : sql`null::text`;

/**
 * Every build that was unfinished at some time in the window, as it stands now. A wait counts for a build taken in the
 * window, a run for one that ended in it with a result.
 */
export async function readStats(
  reader: Reader,
  projectId: string,
  windowMs: number,
  by: StatsBy | undefined,
): Promise<StatsRow[]> {
  return await reader.query<StatsRow>(sql`
    -- read_stats: builds_by_state for the unfinished, builds_finished for those that ended in the window
    with bounds as (select now() - ${windowMs}::float8 * interval '1 millisecond' as start),
    seen as (
      select b.* from builds b where b.project_id = ${projectId} and b.state in ('queued', 'assigned', 'running', 'cancelling')
      union all
      select b.* from bounds, builds b where b.finished_at >= bounds.start and b.project_id = ${projectId}),
    measured as (
      select ${groupOf(by)} as grp, seen.state,
             submitted_at >= bounds.start as submitted, finished_at is not null as finished,
             case when assigned_at >= bounds.start
                  then extract(epoch from assigned_at - greatest(submitted_at, s.not_before)) * 1000 end as wait_ms,
             case when seen.state in ('succeeded', 'failed') and assigned_at is not null
                  then extract(epoch from finished_at - assigned_at) * 1000 end as run_ms
        from bounds, seen join build_specs s on s.build_id = seen.id),
    counted as (
      select grp, jsonb_object_agg(state, n) as states
        from (select grp, state, count(*)::int as n from measured group by grp, state) c group by grp)
    select m.grp as "group", c.states, count(*) filter (where m.submitted)::int as submitted,
           count(*) filter (where m.finished)::int as finished,
           count(*) filter (where m.state = 'succeeded')::int as succeeded,
           percentile_cont(0.5) within group (order by wait_ms)::float8 as "waitMsP50",
           percentile_cont(0.95) within group (order by wait_ms)::float8 as "waitMsP95",
           percentile_cont(0.5) within group (order by run_ms)::float8 as "runMsP50",
           percentile_cont(0.95) within group (order by run_ms)::float8 as "runMsP95"
      from measured m join counted c on c.grp is not distinct from m.grp
     group by m.grp, c.states order by m.grp nulls last`);
}

const attemptGroupOf = (by: StatsBy | undefined): Statement =>
  by === 'queue'
    ? sql`b.queue`
    : by === 'platform'
      ? sql`b.platform`
      : by === 'worker'
        ? sql`a.worker_id`
        : sql`null::text`;

/** Worker time of attempts that ended in the window, by the same groups. */
export async function readWorkerMs(
  reader: Reader,
  projectId: string,
  windowMs: number,
  by: StatsBy | undefined,
): Promise<{ group: string | null; workerMs: number }[]> {
  return await reader.query(sql`
    -- read_worker_ms: builds_finished and builds_by_state, build_attempts_pkey
    select ${attemptGroupOf(by)} as "group", coalesce(sum(a.worker_ms), 0)::bigint as "workerMs"
      from builds b join build_attempts a on a.build_id = b.id
     where b.project_id = ${projectId}
       and (b.finished_at >= now() - ${windowMs}::float8 * interval '1 millisecond'
            or b.state in ('queued', 'assigned', 'running', 'cancelling'))
       and a.ended_at >= now() - ${windowMs}::float8 * interval '1 millisecond'
     group by 1`);
}
