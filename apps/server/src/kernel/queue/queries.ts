import { type Db, type Reader, type Statement, sql, type Tx } from '#kernel/db';
import type { JobEnd } from './job-state.ts';

/**
 * The SQL of a job's life. What takes `Db` is one statement and its own transaction; the guard in it decides (I3).
 * Every write of a holder names (id, term): one that names an old term changes nothing (I4).
 */

/**
 * How these statements keep their plans, however big the tables are and however many dead rows they have:
 * - No join with a batch. After a vacuum that found the queue empty the planner believes it empty, expects one row
 *   everywhere, and compares each of 500 with each of 20 000. `= any(…)` is looked up in an index, or hashed.
 * - No name, so planned at each run (0.2 ms a batch): a kept plan was made when the table was small and reads all of it.
 * - "Running" is said as `lease_ends_at is not null` (a CHECK makes them the same): for `state = 'running'` the planner
 *   takes the small index jobs_running and does not count its dead entries, of which there are as many as jobs lately.
 * - `(… in (select …)) is true` is not turned into a join; it is looked up in a hash.
 */
const plannedAnew = ({ text, values }: Statement): Statement => ({ text, values });

/** (id, term) as one text, to be compared with `j.id || ' ' || j.term`. */
const claimsOf = (held: readonly Held[]): string[] => held.map(({ id, term }) => `${id} ${term}`);
const idsOf = (held: readonly Held[]): string[] => held.map(({ id }) => id);

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
      select g.id, g.payload::json from given g
       where g.payload is not null and (g.id in (select id from added)) is true)
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
        select head.place from want w cross join lateral (
          select j.ctid as place from jobs j where j.state = 'ready' and j.kind = w.kind
           order by j.priority desc, j.id limit w.count for update skip locked) head),
      taken as (
        update jobs j set state = 'running', term = j.term + 1, attempt = j.attempt + 1, claimed_at = now(),
               holder = ${holder},
               (lease_ms, lease_ends_at) = (
                 select w.lease_ms, now() + w.lease_ms * interval '1 ms' from want w where w.kind = j.kind)
         where j.ctid = any(array(select place from next))
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
       where j.id = any(${idsOf(held)}) and j.id || ' ' || j.term = any(${claimsOf(held)})
         and j.lease_ends_at is not null
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
  // Most are done; only the others need words.
  const others = endings
    .filter(({ outcome }) => outcome !== 'done')
    .map(({ id, term, outcome, reason }) => [`${id} ${term}`, { outcome, reason }]);
  return await to.query(
    plannedAnew(sql`
      -- finish_jobs: jobs_pkey, job_payloads_pkey. A failed job's payload is read as it was before this statement.
      with other as materialized (select ${JSON.stringify(Object.fromEntries(others))}::jsonb as by_claim),
      gone as (
        delete from jobs j
         where j.id = any(${idsOf(endings)}) and j.id || ' ' || j.term = any(${claimsOf(endings)})
           and (j.lease_ends_at is not null) = ${from === 'running'}
        returning j.*),
      unloaded as (
        delete from job_payloads p where p.job_id = any(${idsOf(endings)}) and (p.job_id in (select id from gone)) is true),
      ended as (
        select g.*, coalesce(o.own ->> 'outcome', 'done') as outcome, o.own ->> 'reason' as reason
          from other, gone g, lateral (select other.by_claim -> (g.id || ' ' || g.term) as own) o)
      insert into jobs_done (id, kind, outcome, reason, attempt, term, project_id, enqueued_at, claimed_at, payload)
      select e.id, e.kind, e.outcome, case when e.outcome = 'cancelled' then coalesce(e.cancel_reason, e.reason) else e.reason end,
             e.attempt, e.term, e.project_id, e.enqueued_at, e.claimed_at,
             case when e.outcome = 'failed' then (select p.payload from job_payloads p where p.job_id = e.id) end
        from ended e
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
  const byClaim = returns.map(({ id, term, ...rest }) => [`${id} ${term}`, rest]);
  return await to.query(
    plannedAnew(sql`
      -- return_jobs: jobs_pkey
      with back as materialized (select ${JSON.stringify(Object.fromEntries(byClaim))}::jsonb as by_claim)
      update jobs j set (state, run_at, attempt, last_error, lease_ms, lease_ends_at, holder) = (
        select case when f.run_at > now() then 'waiting' else 'ready' end, f.run_at,
               j.attempt - (o.own ->> 'free')::bool::int, coalesce(o.own ->> 'error', j.last_error), null::int, null::timestamptz, null
          from back, lateral (select back.by_claim -> (j.id || ' ' || j.term) as own) o,
               lateral (select coalesce(to_timestamp((o.own ->> 'untilMs')::float8 / 1000),
                                        now() + (o.own ->> 'delayMs')::float8 * interval '1 ms') as run_at) f)
       where j.id = any(${idsOf(returns)}) and j.id || ' ' || j.term = any(${claimsOf(returns)})
         and j.lease_ends_at is not null and j.cancel_reason is null
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
