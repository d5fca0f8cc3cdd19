import { type Db, sql, type Tx } from '#kernel/db';

/**
 * The SQL of what keeps the queue going: due times, ended leases, schedules, and taking out what is old. Batches are
 * looked up, never joined, for the reason that `queries.ts` gives.
 */

/** Makes due jobs ready; answers with their kinds. */
export async function promoteDue(db: Db, limit: number): Promise<{ kind: string }[]> {
  return await db.query(sql`
    -- promote_due: jobs_waiting, from its head. By ctid: a waiting row changes only by being promoted or removed.
    with due as materialized (
      select ctid as place from jobs where state = 'waiting' and run_at <= now()
       order by run_at limit ${limit} for update skip locked)
    update jobs j set state = 'ready' where j.ctid = any(array(select place from due)) returning j.kind`);
}

/** How long until the next waiting job is due; `null` when none waits. */
export async function nextDueMs(db: Db): Promise<number | null> {
  const rows = await db.query<{ ms: number | null }>(sql`
    -- next_due_ms: jobs_waiting, its first entry
    select (extract(epoch from min(run_at) - now()) * 1000)::float8 as ms from jobs where state = 'waiting'`);
  return rows[0]?.ms ?? null;
}

/** Takes the turn to sweep and says how long nobody had it; nothing when another process has it now. */
export async function takeSweep(tx: Tx, name: string): Promise<number | undefined> {
  const rows = await tx.query<{ gapMs: number }>(sql`
    -- take_sweep: job_sweeps_pkey
    select (extract(epoch from now() - last_at) * 1000)::float8 as "gapMs"
      from job_sweeps where name = ${name} for update skip locked`);
  return rows[0]?.gapMs;
}

export async function storeSweep(tx: Tx, name: string): Promise<void> {
  await tx.query(sql`
    -- store_sweep: job_sweeps_pkey
    update job_sweeps set last_at = now() where name = ${name}`);
}

/** After blindness: every holder gets its whole lease again before anyone concludes that it is gone. */
export async function raiseLeases(tx: Tx): Promise<number> {
  const rows = await tx.query<{ raised: number }>(sql`
    -- raise_leases: jobs_running
    with raised as (
      update jobs set lease_ends_at = now() + lease_ms * interval '1 ms'
       where state = 'running' and lease_ends_at < now() + lease_ms * interval '1 ms' returning 1)
    select count(*) as raised from raised`);
  return rows[0]?.raised ?? 0;
}

export type Ended = {
  id: string;
  kind: string;
  term: number;
  attempt: number;
  attemptsMax: number;
  holder: string;
  cancelReason: string | null;
};

/** Jobs whose lease has ended by the database's clock, locked. */
export async function lockEnded(tx: Tx, limit: number): Promise<Ended[]> {
  return await tx.query(sql`
    -- lock_ended: jobs_running: as many rows as there are handlers running in all processes
    select id, kind, term, attempt, attempts_max as "attemptsMax", holder, cancel_reason as "cancelReason"
      from jobs where state = 'running' and lease_ends_at < now() order by id limit ${limit} for update skip locked`);
}

/** Removes finished jobs that are older than wanted; answers with how many. */
export async function removeFinished(db: Db, olderThanMs: number, limit: number): Promise<number> {
  const rows = await db.query<{ removed: number }>(sql`
    -- remove_finished: jobs_done_age, from its head
    with old as materialized (
      select ctid as place from jobs_done where finished_at < now() - ${olderThanMs}::float8 * interval '1 ms'
       order by finished_at limit ${limit} for update skip locked),
    removed as (delete from jobs_done d where d.ctid = any(array(select place from old)) returning 1)
    select count(*) as removed from removed`);
  return rows[0]?.removed ?? 0;
}

export async function databaseNow(db: Db): Promise<Date> {
  const rows = await db.query<{ now: Date }>(sql`
    -- database_now: reads no table
    select date_trunc('milliseconds', now()) as now`);
  if (!rows[0]) throw new Error('the database has no time');
  return rows[0].now;
}

/** Registers a schedule; one whose spec changed starts anew. */
export async function upsertSchedule(db: Db, kind: string, spec: string, nextAt: Date): Promise<void> {
  await db.query(sql`
    -- upsert_schedule: job_schedules_pkey
    insert into job_schedules (kind, spec, next_at) values (${kind}, ${spec}, ${nextAt})
    on conflict (kind) do update set spec = excluded.spec, next_at = excluded.next_at
     where job_schedules.spec <> excluded.spec`);
}

export type ScheduleRow = { kind: string; nextAt: Date; now: Date };

export async function readSchedules(db: Db, kinds: readonly string[]): Promise<ScheduleRow[]> {
  return await db.query(sql`
    -- read_schedules: job_schedules_pkey; as many rows as there are schedules
    select kind, next_at as "nextAt", now() as now from job_schedules where kind = any(${kinds})`);
}

/** Moves a schedule on from `due`; `false` when another process has done it. */
export async function advanceSchedule(tx: Tx, kind: string, due: Date, next: Date): Promise<boolean> {
  const rows = await tx.query(sql`
    -- advance_schedule: job_schedules_pkey
    update job_schedules set next_at = ${next}, last_due_at = ${due} where kind = ${kind} and date_trunc('milliseconds', next_at) = ${due}
    returning 1`);
  return rows.length > 0;
}

/** How many jobs of a kind are unfinished, counted up to `max`. */
export async function countUnfinished(tx: Tx, kind: string, max: number): Promise<number> {
  const rows = await tx.query<{ count: number }>(sql`
    -- count_unfinished: jobs_unique: runs of a schedule carry a unique key
    select count(*) as count from (
      select 1 from jobs where kind = ${kind} and unique_key is not null limit ${max}) unfinished`);
  return rows[0]?.count ?? 0;
}
