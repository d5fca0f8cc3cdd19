import { buildTable, statesAllowing } from '@muster/protocol';
import { sql, type Tx } from '#kernel/db';

/**
 * The right to sweep until the transaction ends, and how long nobody has swept by the database's clock. `undefined`:
 * another node sweeps just now. The first sweep of an installation saw no gap.
 */
export async function takeSweep(tx: Tx, name: string): Promise<{ gapMs: number } | undefined> {
  await tx.query(sql`
    -- first_sweep: build_sweeps_pkey
    insert into build_sweeps (name, ran_at) values (${name}, clock_timestamp()) on conflict do nothing`);
  const [row] = await tx.query<{ gapMs: number }>(sql`
    -- take_sweep: build_sweeps_pkey
    with last as materialized (select name, ran_at from build_sweeps where name = ${name} for no key update skip locked)
    update build_sweeps s set ran_at = clock_timestamp() from last where s.name = last.name
    returning (extract(epoch from clock_timestamp() - last.ran_at) * 1000)::float8 as "gapMs"`);
  return row;
}

/** Nobody could be heard for a while: every lease and every grace begins anew, and nobody counts as silent (I6). */
export async function raiseAll(tx: Tx, graceMs: number): Promise<{ leases: number; workers: number }> {
  const leases = await tx.query(sql`
    -- raise_leases: builds_worker_seat, all of it
    update builds set lease_until = greatest(lease_until, now() + make_interval(secs => lease_ttl_ms / 1000.0)),
      grace_until = case when state = 'cancelling' then greatest(grace_until, now() + make_interval(secs => ${graceMs}::int / 1000.0)) end
    where state in ('assigned', 'running', 'cancelling') returning 1`);
  const workers = await tx.query(sql`
    -- raise_workers: workers_online, all of it
    update workers set last_seen_at = now() where state = 'online' and removed_at is null returning 1`);
  return { leases: leases.length, workers: workers.length };
}

/** Held builds past one of their times, locked, oldest first. Other nodes' rows are left to them. */
export async function lockDue(tx: Tx, what: 'run' | 'grace' | 'lease', limit: number): Promise<string[]> {
  const rows = await tx.query<{ id: string }>(
    what === 'run'
      ? sql`
        -- lock_overdue_runs: builds_worker_seat, all of it
        select id from builds where state in ('assigned', 'running', 'cancelling') and run_until <= now()
          and state = any(${statesAllowing(buildTable, 'timeLimit').filter((state) => state !== 'cancelling')}::text[])
        order by run_until limit ${limit} for no key update skip locked`
      : what === 'grace'
        ? sql`
        -- lock_graces_over: builds_worker_seat, all of it
        select id from builds where state in ('assigned', 'running', 'cancelling') and state = 'cancelling' and grace_until <= now()
        order by grace_until limit ${limit} for no key update skip locked`
        : sql`
        -- lock_leases_ended: builds_worker_seat, all of it
        select id from builds where state in ('assigned', 'running', 'cancelling') and lease_until <= now()
        order by lease_until limit ${limit} for no key update skip locked`,
  );
  return rows.map((row) => row.id);
}

/** Builds that waited longer than they wanted to. */
export async function expireQueued(
  tx: Tx,
  failure: object,
  limit: number,
): Promise<{ id: string; projectId: string; term: number; queue: string }[]> {
  return await tx.query(sql`
    -- expire_queued: builds_deadline
    with late as materialized (
      select id from builds where state = 'queued' and queue_deadline_at is not null and queue_deadline_at <= now()
      order by queue_deadline_at limit ${limit} for no key update skip locked)
    update builds b set state = 'failed', version = b.version + 1, finished_at = now(), wait_cause = null,
      failure = ${JSON.stringify(failure)}::jsonb
    from late where b.id = late.id and b.state = any(${statesAllowing(buildTable, 'queueDeadline')}::text[])
    returning b.id, b.project_id as "projectId", b.term, b.queue`);
}

/** Builds whose backoff or `notBefore` is over are plainly in line again. Answers their demands. */
export async function admitEligible(tx: Tx, limit: number): Promise<{ projectId: string; sig: number }[]> {
  return await tx.query(sql`
    -- admit_eligible: builds_eligible
    with due as materialized (
      select id from builds where state = 'queued' and wait_cause is not null and eligible_at <= now()
      order by eligible_at limit ${limit} for no key update skip locked)
    update builds b set wait_cause = null from due where b.id = due.id
    returning b.project_id as "projectId", b.sig`);
}

/** What becomes eligible within `withinMs`, the first of each demand. */
export async function soonEligible(
  tx: Tx,
  withinMs: number,
  limit: number,
): Promise<{ projectId: string; sig: number; inMs: number }[]> {
  return await tx.query(sql`
    -- soon_eligible: builds_eligible
    select project_id as "projectId", sig, (extract(epoch from min(eligible_at) - now()) * 1000)::float8 as "inMs"
    from (select project_id, sig, eligible_at from builds where state = 'queued' and wait_cause is not null
      and eligible_at <= now() + make_interval(secs => ${withinMs}::int / 1000.0) order by eligible_at limit ${limit}) soon
    group by project_id, sig`);
}
