import type { Failure } from '@muster/protocol';
import { type Reader, sql } from '#kernel/db';

/* What the overview, the search and the first steps ask of builds. Each is one statement of one project. */

export type BuildsNow = { waiting: number; running: number; oldestWaitMs: number | null };

export async function readBuildsNow(reader: Reader, projectId: string): Promise<BuildsNow> {
  const [row] = await reader.query<BuildsNow>(sql`
    -- read_builds_now: builds_by_state, the unfinished only
    select count(*) filter (where state = 'queued')::int as waiting, count(*) filter (where state <> 'queued')::int as running,
           (extract(epoch from now() - min(submitted_at) filter (where state = 'queued')) * 1000)::float8 as "oldestWaitMs"
      from builds where project_id = ${projectId} and state in ('queued', 'assigned', 'running', 'cancelling')`);
  return row ?? { waiting: 0, running: 0, oldestWaitMs: null };
}

export type StepCounts = { step: number; started: number; finished: number; failed: number };

/** What was taken and what ended in each step after `from`. */
export async function readBuildSteps(
  reader: Reader,
  projectId: string,
  from: Date,
  stepMs: number,
): Promise<StepCounts[]> {
  return reader.query<StepCounts>(sql`
    -- read_build_steps: builds_by_state for the held, builds_finished for those that ended since
    with seen as (
      select state, assigned_at, finished_at from builds
       where project_id = ${projectId} and state in ('assigned', 'running', 'cancelling')
      union all
      select state, assigned_at, finished_at from builds where finished_at >= ${from} and project_id = ${projectId}),
    marks as (
      select assigned_at as at, 1 as started, 0 as finished, 0 as failed from seen where assigned_at >= ${from}
      union all
      select finished_at, 0, 1, (state = 'failed')::int from seen where finished_at is not null)
    select floor(extract(epoch from at - ${from}::timestamptz) * 1000 / ${stepMs}::float8)::int as step,
           sum(started)::int as started, sum(finished)::int as finished, sum(failed)::int as failed
      from marks group by 1 order by 1`);
}

export type WorkersNow = { online: number; busy: number; draining: number; offline: number };

export async function readWorkersNow(reader: Reader, projectId: string): Promise<WorkersNow> {
  const [row] = await reader.query<WorkersNow>(sql`
    -- read_workers_now: workers_project, builds_worker_seat
    select count(*) filter (where state = 'offline')::int as offline,
           count(*) filter (where state = 'online' and admission = 'draining')::int as draining,
           count(*) filter (where state = 'online' and admission = 'open' and held >= seats)::int as busy,
           count(*) filter (where state = 'online' and admission = 'open' and held < seats)::int as online
      from (select w.state, w.admission, w.seats,
                   (select count(*) from builds b where b.worker_id = w.id and b.state in ('assigned', 'running', 'cancelling')) as held
              from workers w where w.project_id = ${projectId} and w.removed_at is null) each_one`);
  return row ?? { online: 0, busy: 0, draining: 0, offline: 0 };
}

/** Ids of those that wait longest: ids sort by birth. */
export async function readLongestWaiting(reader: Reader, projectId: string, limit: number): Promise<string[]> {
  const rows = await reader.query<{ id: string }>(sql`
    -- read_longest_waiting: builds_by_state from its old end
    select id from builds where project_id = ${projectId} and state = 'queued' order by id limit ${limit}`);
  return rows.map(({ id }) => id);
}

export type FailedBuild = { id: string; name: string | null; finishedAt: Date; failure: Failure };

/** Of the youngest failed builds those that ended last: a build that ran for days is no news for long. */
export async function readLatestFailures(reader: Reader, projectId: string, limit: number): Promise<FailedBuild[]> {
  return reader.query<FailedBuild>(sql`
    -- read_latest_failures: builds_by_state from its young end, build_specs_pkey
    select b.id, s.name, b.finished_at as "finishedAt", b.failure
      from (select id, finished_at, failure from builds where project_id = ${projectId} and state = 'failed'
             order by id desc limit 50) b
      join build_specs s on s.build_id = b.id order by b.finished_at desc, b.id limit ${limit}`);
}

export type PausedQueue = { name: string; pausedAt: Date; by: string; reason: string; waiting: number };

/** Queues that are paused and do not go on by themselves. */
export async function readHeldQueues(reader: Reader, projectId: string): Promise<PausedQueue[]> {
  return reader.query<PausedQueue>(sql`
    -- read_held_queues: queues_pkey, builds_by_state
    select q.name, q.paused_at as "pausedAt", coalesce(q.paused_by, '') as by, coalesce(q.pause_reason, '') as reason,
           (select count(*)::int from builds b where b.project_id = q.project_id and b.state = 'queued' and b.queue = q.name) as waiting
      from queues q where q.project_id = ${projectId} and q.paused_at is not null and q.resumes_at is null
     order by q.name limit 20`);
}

export type Named = { id: string; name: string | null; state: string };

/** Builds whose id begins so; an exact one is among them. */
export async function findBuildsById(reader: Reader, projectId: string, from: string, limit: number): Promise<Named[]> {
  return reader.query<Named>(sql`
    -- find_builds_by_id: builds_newest, build_specs_pkey
    select b.id, s.name, b.state from builds b join build_specs s on s.build_id = b.id
     where b.project_id = ${projectId} and b.id >= ${from} and b.id < ${`${from}~`} order by b.id desc limit ${limit}`);
}

/** By id, or by a part of the name. There are thousands of workers at most. */
export async function findWorkers(reader: Reader, projectId: string, text: string, limit: number): Promise<Named[]> {
  return reader.query<Named>(sql`
    -- find_workers: workers_project
    select id, name, case when state = 'online' and admission = 'draining' then 'draining' else state end as state
      from workers where project_id = ${projectId} and removed_at is null
       and (starts_with(id, ${text}) or strpos(lower(name), lower(${text})) > 0)
     order by id desc limit ${limit}`);
}

export async function findQueues(reader: Reader, projectId: string, text: string, limit: number): Promise<Named[]> {
  return reader.query<Named>(sql`
    -- find_queues: queues_pkey
    select name as id, name, case when paused_at is null then 'open' else 'paused' end as state from queues
     where project_id = ${projectId} and strpos(lower(name), lower(${text})) > 0 order by name limit ${limit}`);
}

/** What a file or a report of diagnostics belongs to. */
export async function findOwner(
  reader: Reader,
  projectId: string,
  id: string,
): Promise<{ kind: 'build' | 'worker'; id: string } | undefined> {
  const [row] = await reader.query<{ kind: 'build' | 'worker'; id: string }>(sql`
    -- find_owner: build_artifacts_pkey, worker_diagnostics_pkey
    select 'build' as kind, b.id from build_artifacts a join builds b on b.id = a.build_id
     where a.id = ${id} and b.project_id = ${projectId}
    union all
    select 'worker', d.worker_id from worker_diagnostics d where d.id = ${id} and d.project_id = ${projectId} limit 1`);
  return row;
}

export async function readBuildFirsts(reader: Reader, projectId: string): Promise<{ worker: boolean; build: boolean }> {
  const [row] = await reader.query<{ worker: boolean; build: boolean }>(sql`
    -- read_build_firsts: workers_project, builds_newest
    select exists (select from workers where project_id = ${projectId}) as worker,
           exists (select from builds where project_id = ${projectId}) as build`);
  return row ?? { worker: false, build: false };
}

/** An attempt that still runs, for what its time has cost so far. */
export type HeldTime = { startedAt: Date; queue: string; platform: string };

export async function readHeldTimes(reader: Reader, projectId: string): Promise<HeldTime[]> {
  return reader.query<HeldTime>(sql`
    -- read_held_times: builds_by_state, build_attempts_held
    select a.started_at as "startedAt", b.queue, b.platform
      from builds b join build_attempts a on a.build_id = b.id and a.state = 'held'
     where b.project_id = ${projectId} and b.state in ('assigned', 'running', 'cancelling')`);
}
