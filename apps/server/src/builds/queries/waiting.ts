import type { Platform } from '@muster/protocol';
import { type Reader, sql } from '#kernel/db';

/* What is needed to say why a build waits, and for how long: five look-ups, whatever the number of builds asked for. */

/** A queued build with what may hold it back. Times are told as distances from the database's now. */
export type QueuedLine = {
  id: string;
  projectId: string;
  sig: number;
  queue: string;
  platform: Platform;
  requires: Record<string, string>;
  submittedAt: Date;
  eligibleAt: Date;
  eligibleInMs: number;
  waitCause: 'backoff' | 'not_before' | null;
  ckey: string | null;
  keyLimit: number | null;
  pausedAt: Date | null;
  pausedBy: string | null;
  pauseReason: string | null;
  resumesAt: Date | null;
};

export async function readQueuedLines(reader: Reader, ids: readonly string[]): Promise<QueuedLine[]> {
  return reader.query<QueuedLine>(sql`
    -- read_queued_lines: builds_pkey, build_specs_pkey, queues_pkey
    select b.id, b.project_id as "projectId", b.sig, b.queue, b.platform, s.requires,
           b.submitted_at as "submittedAt", b.eligible_at as "eligibleAt",
           (extract(epoch from b.eligible_at - now()) * 1000)::float8 as "eligibleInMs", b.wait_cause as "waitCause",
           b.ckey, b.key_limit as "keyLimit",
           case when q.resumes_at is null or q.resumes_at > now() then q.paused_at end as "pausedAt", q.paused_by as "pausedBy", q.pause_reason as "pauseReason", q.resumes_at as "resumesAt"
    from builds b join build_specs s on s.build_id = b.id
    left join queues q on q.project_id = b.project_id and q.name = b.queue
    where b.id = any((select ${ids}::text[])::text[]) and b.state = 'queued'`);
}

/** Positions are counted up to here; whoever stands behind is told this number. */
export const positionMax = 10_000;

/** How many builds of the same demand stand before each of these. */
export async function readPositions(
  reader: Reader,
  sigs: readonly { projectId: string; sig: number }[],
  ids: readonly string[],
): Promise<Map<string, number>> {
  const rows = await reader.query<{ id: string; ahead: number }>(sql`
    -- read_positions: builds_line, at most positionMax entries per demand
    select l.id, l.ahead
    from unnest((select ${sigs.map((each) => each.projectId)}::text[]), (select ${sigs.map((each) => each.sig)}::bigint[])) d(project_id, sig)
    cross join lateral (
      select b.id, row_number() over (order by b.priority desc, b.queue_seq) - 1 as ahead
      from builds b where b.project_id = d.project_id and b.sig = d.sig and b.state = 'queued'
      order by b.priority desc, b.queue_seq limit ${positionMax}) l
    where l.id = any((select ${ids}::text[])::text[])`);
  return new Map(rows.map((row) => [row.id, row.ahead]));
}

export type KeyHolder = { projectId: string; ckey: string; id: string; state: string };

/** The builds that hold seats of these concurrency keys. */
export async function readKeyHolders(
  reader: Reader,
  keys: readonly { projectId: string; ckey: string }[],
): Promise<KeyHolder[]> {
  if (keys.length === 0) return [];
  return reader.query<KeyHolder>(sql`
    -- read_key_holders: builds_key_seat
    select b.project_id as "projectId", b.ckey, b.id, b.state
    from unnest(${keys.map((key) => key.projectId)}::text[], ${keys.map((key) => key.ckey)}::text[]) k(project_id, ckey)
    join builds b on b.project_id = k.project_id and b.ckey = k.ckey
    where b.ckey is not null and b.state in ('assigned', 'running', 'cancelling')
    order by b.assigned_at`);
}

/** A worker with what its taken seats have run so far. */
export type WorkerLine = {
  id: string;
  projectId: string;
  name: string;
  kind: 'v1' | 'legacy';
  platforms: string[];
  labels: Record<string, string>;
  seats: number;
  state: 'online' | 'offline';
  admission: 'open' | 'draining';
  lastSeenAt: Date;
  elapsedMs: number[];
};
/** Workers looked at per project; more only make the estimate coarser. */
export const workersLookedAtMax = 5_000;

export async function readWorkerLines(reader: Reader, projectIds: readonly string[]): Promise<WorkerLine[]> {
  return reader.query<WorkerLine>(sql`
    -- read_worker_lines: workers_project, builds_worker_seat
    select w.id, w.project_id as "projectId", w.name, w.kind, w.platforms, w.labels, w.seats, w.state, w.admission,
           w.last_seen_at as "lastSeenAt",
           array(select (extract(epoch from now() - b.assigned_at) * 1000)::float8 from builds b
                 where b.worker_id = w.id
                   and b.state in ('assigned', 'running', 'cancelling')) as "elapsedMs"
    from unnest((select ${projectIds}::text[])) p(id)
    cross join lateral (select * from workers w where w.project_id = p.id and w.removed_at is null
                        order by w.id limit ${workersLookedAtMax}) w`);
}

export type RunTimes = { sig: number; samples: number; p50: number | null; p95: number | null };
export const samplesMin = 5;
export const samplesMax = 50;

/** How long the last successful runs of each demand took; of its platform when the demand has too few. */
export async function readRunTimes(
  reader: Reader,
  demands: readonly { projectId: string; sig: number; platform: string }[],
): Promise<Map<number, RunTimes>> {
  const rows = await reader.query<RunTimes>(sql`
    -- read_run_times: builds_samples, builds_samples_platform
    select d.sig, case when own.n >= ${samplesMin} then own.n else wide.n end::integer as samples,
           case when own.n >= ${samplesMin} then own.p50 else wide.p50 end as p50,
           case when own.n >= ${samplesMin} then own.p95 else wide.p95 end as p95
    from unnest((select ${demands.map((each) => each.projectId)}::text[]), (select ${demands.map((each) => each.sig)}::bigint[]),
                (select ${demands.map((each) => each.platform)}::text[])) d(project_id, sig, platform)
    cross join lateral (
      select count(*) n, percentile_cont(0.5) within group (order by ms) p50, percentile_cont(0.95) within group (order by ms) p95
      from (select (extract(epoch from finished_at - assigned_at) * 1000)::float8 ms from builds b
            where b.sig = d.sig and b.state = 'succeeded' and b.assigned_at is not null
            order by b.finished_at desc limit ${samplesMax}) last) own
    left join lateral (
      select count(*) n, percentile_cont(0.5) within group (order by ms) p50, percentile_cont(0.95) within group (order by ms) p95
      from (select (extract(epoch from finished_at - assigned_at) * 1000)::float8 ms from builds b
            where b.project_id = d.project_id and b.platform = d.platform and b.state = 'succeeded' and b.assigned_at is not null
            order by b.finished_at desc limit ${samplesMax}) last) wide on own.n < ${samplesMin}`);
  return new Map(rows.map((row) => [row.sig, row]));
}
