import { type Db, type Reader, type Statement, sql, type Tx } from '#kernel/db';
import type { JobEnd } from './job-state.ts';

/**
 * The SQL of a job's life. What takes `Db` is one statement and its own transaction; the guard in it decides (I3).
 * Every write of a holder names (id, term): one that names an old term changes nothing (I4).
 */

/**
 * How these statements keep their plans: rows are found one by one, by key or by place, however big the table is and
 * however many dead rows it has.
 * - No name, so planned at each run (0.2 ms a batch): a kept plan was made when `jobs` was empty and reads all of it.
 * - Batches come as `from (select …arrays… offset 0) given, unnest(…)`: the planner then expects ten rows. Knowing that
 *   there are five hundred, it would read a table of 100 000 rows instead, at each batch.
 * - "Running" is said as `lease_ends_at is not null` (a CHECK makes them the same): for `state = 'running'` the planner
 *   takes the small index jobs_running and does not count its dead entries, of which there are as many as jobs lately.
 */
const plannedAnew = ({ text, values }: Statement): Statement => ({ text, values });

export type NewJob = {
  id: string;
  kind: string;
  payload: string | null;
  runAt: Date | null;
  priority: number;
  uniqueKey: string | null;
  attemptsMax: number;
  projectId: string | null;
};

/** Inserts jobs; those whose unique key is taken are left out of the answer. */
export async function insertJobs(tx: Tx, jobs: readonly NewJob[]): Promise<{ id: string; due: boolean }[]> {
  return await tx.query(sql`
    -- insert_jobs: jobs_unique decides about unique keys.
    with given as (
      select * from unnest(
        ${jobs.map((job) => job.id)}::text[], ${jobs.map((job) => job.kind)}::text[],
        ${jobs.map((job) => job.payload)}::text[], ${jobs.map((job) => job.runAt)}::timestamptz[],
        ${jobs.map((job) => job.priority)}::int[], ${jobs.map((job) => job.uniqueKey)}::text[],
        ${jobs.map((job) => job.attemptsMax)}::int[], ${jobs.map((job) => job.projectId)}::text[]
      ) as g(id, kind, payload, run_at, priority, unique_key, attempts_max, project_id)),
    added as (
      insert into jobs (id, kind, state, priority, attempts_max, run_at, unique_key, project_id)
      select id, kind, case when run_at > now() then 'waiting' else 'ready' end, priority, attempts_max,
             coalesce(run_at, now()), unique_key, project_id
        from given
      on conflict (kind, unique_key) where unique_key is not null do nothing
      returning id, state),
    stored as (
      insert into job_payloads (job_id, payload)
      select g.id, g.payload::json from given g join added a using (id) where g.payload is not null)
    select id, state = 'ready' as due from added`);
}

/** The unfinished job that has this unique key. */
export async function findUnique(tx: Tx, kind: string, uniqueKey: string): Promise<string | undefined> {
  const rows = await tx.query<{ id: string }>(
    sql`
    -- find_unique: jobs_unique
    select id from jobs where kind = ${kind} and unique_key = ${uniqueKey}`,
  );
  return rows[0]?.id;
}

export type Want = { kind: string; count: number; leaseMs: number };
export type ClaimedJob = {
  id: string;
  kind: string;
  term: number;
  attempt: number;
  attemptsMax: number;
  enqueuedAt: Date;
  readySinceMs: number;
  payload: unknown;
};

/** Takes the first ready jobs of each kind: more urgent first, then older. One statement looks, decides and takes. */
export async function claimJobs(db: Db, want: readonly Want[], holder: string): Promise<ClaimedJob[]> {
  return await db.query(
    plannedAnew(sql`
      -- claim_jobs: jobs_ready from its head, once per kind; lateral keeps that order of work. By ctid: a ready row
      -- changes only by being taken or removed, under its lock.
      with want as materialized (
        select * from unnest(
          ${want.map((w) => w.kind)}::text[], ${want.map((w) => w.count)}::int[], ${want.map((w) => w.leaseMs)}::int[]
        ) as w(kind, count, lease_ms)),
      next as materialized (
        select array_agg(head.place) as places, array_agg(w.lease_ms) as leases
          from want w cross join lateral (
            select j.ctid as place from jobs j where j.state = 'ready' and j.kind = w.kind
             order by j.priority desc, j.id limit w.count for update skip locked) head),
      taken as (
        update jobs j set state = 'running', term = j.term + 1, attempt = j.attempt + 1, claimed_at = now(),
               lease_ms = n.lease_ms, lease_ends_at = now() + n.lease_ms * interval '1 ms', holder = ${holder}
          from next, unnest(next.places, next.leases) as n(place, lease_ms)
         where j.ctid = n.place and j.state = 'ready'
        returning j.*)
      select t.id, t.kind, t.term, t.attempt, t.attempts_max as "attemptsMax", t.enqueued_at as "enqueuedAt",
             (extract(epoch from now() - t.run_at) * 1000)::float8 as "readySinceMs", p.payload
        from taken t left join lateral (select payload from job_payloads where job_id = t.id limit 1) p on true
       order by t.priority desc, t.id`),
  );
}

export type Held = { id: string; term: number };

/** Raises leases by their own length. What is not in the answer is not held any more. */
export async function renewLeases(
  db: Db,
  held: readonly Held[],
): Promise<{ id: string; term: number; cancelReason: string | null }[]> {
  return await db.query(
    plannedAnew(sql`
      -- renew_leases: jobs_pkey
      update jobs j set lease_ends_at = now() + j.lease_ms * interval '1 ms'
        from (select ${held.map((h) => h.id)}::text[] as ids, ${held.map((h) => h.term)}::int[] as terms offset 0) given,
             unnest(given.ids, given.terms) as h(id, term)
       where j.id = h.id and j.term = h.term and j.lease_ends_at is not null
      returning j.id, j.term, j.cancel_reason as "cancelReason"`),
  );
}

export type Ending = Held & { outcome: JobEnd; reason: string | null };

/**
 * Moves jobs to `jobs_done`, out of the hands of their holder or out of the line; answers with those that were there under
 * this very term. A cancelled job keeps
 * the reason of who asked for it.
 */
export async function finishJobs(
  to: Db | Tx,
  endings: readonly Ending[],
  from: 'running' | 'line',
): Promise<{ id: string; term: number; kind: string; outcome: JobEnd }[]> {
  return await to.query(
    plannedAnew(sql`
      -- finish_jobs: jobs_pkey, job_payloads_pkey. A failed job's payload is read as it was before this statement; a
      -- join with what the delete returns would compare every row with every other.
      with ending as materialized (
        select e.* from (
          select ${endings.map((e) => e.id)}::text[] as ids, ${endings.map((e) => e.term)}::int[] as terms,
                 ${endings.map((e) => e.outcome)}::text[] as outcomes, ${endings.map((e) => e.reason)}::text[] as reasons
          offset 0) given, unnest(given.ids, given.terms, given.outcomes, given.reasons) as e(id, term, outcome, reason)),
      gone as (
        delete from jobs j using ending e
         where j.id = e.id and j.term = e.term and (j.lease_ends_at is not null) = ${from === 'running'}
        returning j.*, e.outcome, e.reason),
      unloaded as (delete from job_payloads p using gone g where p.job_id = g.id)
      insert into jobs_done (id, kind, outcome, reason, attempt, term, project_id, enqueued_at, claimed_at, payload)
      select g.id, g.kind, g.outcome,
             case when g.outcome = 'cancelled' then coalesce(g.cancel_reason, g.reason) else g.reason end,
             g.attempt, g.term, g.project_id, g.enqueued_at, g.claimed_at,
             case when g.outcome = 'failed' then (select p.payload from job_payloads p where p.job_id = g.id) end
        from gone g
      returning id, term, kind, outcome`),
  );
}

export type Return = Held & {
  /** Epoch ms, or a delay from now. */
  untilMs: number | null;
  delayMs: number;
  error: string | null;
  /** The claim does not count against `attempts_max`. */
  free: boolean;
};

/** Puts jobs back in line; a job somebody wants cancelled is left as it is and is missing in the answer. */
export async function returnJobs(
  to: Db | Tx,
  returns: readonly Return[],
): Promise<{ id: string; term: number; kind: string; due: boolean }[]> {
  return await to.query(
    plannedAnew(sql`
      -- return_jobs: jobs_pkey
      with back as materialized (
        select b.*, coalesce(to_timestamp(until_ms / 1000), now() + delay_ms * interval '1 ms') as run_at
          from (
            select ${returns.map((r) => r.id)}::text[] as ids, ${returns.map((r) => r.term)}::int[] as terms,
                   ${returns.map((r) => r.untilMs)}::float8[] as untils, ${returns.map((r) => r.delayMs)}::float8[] as delays,
                   ${returns.map((r) => r.error)}::text[] as errors, ${returns.map((r) => r.free)}::bool[] as frees
            offset 0) given,
            unnest(given.ids, given.terms, given.untils, given.delays, given.errors, given.frees)
              as b(id, term, until_ms, delay_ms, error, free))
      update jobs j set state = case when b.run_at > now() then 'waiting' else 'ready' end, run_at = b.run_at,
             attempt = j.attempt - b.free::int, last_error = coalesce(b.error, j.last_error),
             lease_ms = null, lease_ends_at = null, holder = null
        from back b
       where j.id = b.id and j.term = b.term and j.lease_ends_at is not null and j.cancel_reason is null
      returning j.id, j.term, j.kind, j.state = 'ready' as due`),
  );
}

/** Locks one unfinished job. */
export async function lockJob(
  tx: Tx,
  id: string,
): Promise<{ kind: string; state: 'waiting' | 'ready' | 'running'; term: number } | undefined> {
  const rows = await tx.query<{ kind: string; state: 'waiting' | 'ready' | 'running'; term: number }>(
    sql`
    -- lock_job: jobs_pkey
    select kind, state, term from jobs where id = ${id} for update`,
  );
  return rows[0];
}

/** Marks a running job as unwanted; the first reason stays. */
export async function markCancelled(tx: Tx, id: string, reason: string): Promise<void> {
  await tx.query(sql`
    -- mark_cancelled: jobs_pkey
    update jobs set cancel_reason = coalesce(cancel_reason, ${reason}) where id = ${id} and state = 'running'`);
}

export type Depth = {
  kind: string;
  waiting: number;
  ready: number;
  running: number;
  oldestReadyMs: number | null;
};

export async function readDepth(db: Reader): Promise<Depth[]> {
  return await db.query(sql`
    -- read_depth: The whole table, which is unfinished jobs only; asked by few and seldom.
    select kind, count(*) filter (where state = 'waiting') as waiting, count(*) filter (where state = 'ready') as ready,
           count(*) filter (where state = 'running') as running,
           (extract(epoch from now() - min(run_at) filter (where state = 'ready')) * 1000)::float8 as "oldestReadyMs"
      from jobs group by kind order by kind`);
}

export type FinishedJob = {
  id: string;
  kind: string;
  outcome: JobEnd;
  reason: string | null;
  attempt: number;
  projectId: string | null;
  enqueuedAt: Date;
  claimedAt: Date | null;
  finishedAt: Date;
};

/** Jobs that did not end well, newest first. */
export async function readFinished(
  db: Reader,
  {
    kind,
    outcome,
    before,
    limit,
  }: { kind: string; outcome: 'failed' | 'cancelled'; before: string | null; limit: number },
): Promise<FinishedJob[]> {
  return await db.query(sql`
    -- read_finished: jobs_done_kind
    select id, kind, outcome, reason, attempt, project_id as "projectId", enqueued_at as "enqueuedAt",
           claimed_at as "claimedAt", finished_at as "finishedAt"
      from jobs_done
     where kind = ${kind} and outcome <> 'done' and outcome = ${outcome} and (${before}::text is null or id < ${before})
     order by id desc limit ${limit}`);
}

/** Takes a failed job out of the finished ones, to be enqueued again. */
export async function takeFailed(
  tx: Tx,
  id: string,
): Promise<{ kind: string; payload: string | null; projectId: string | null } | undefined> {
  const rows = await tx.query<{ kind: string; payload: string | null; projectId: string | null }>(sql`
    -- take_failed: jobs_done_pkey
    delete from jobs_done where id = ${id} and outcome = 'failed'
    returning kind, payload::text as payload, project_id as "projectId"`);
  return rows[0];
}
