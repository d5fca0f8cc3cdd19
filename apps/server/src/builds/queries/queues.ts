import type { Platform } from '@muster/protocol';
import { type Reader, sql, type Tx } from '#kernel/db';
import type { BuildRow } from './build-row.ts';

export type QueueRow = {
  name: string;
  pausedAt: Date | null;
  pausedBy: string | null;
  pauseReason: string | null;
  resumesAt: Date | null;
};

/** Queues of a project after a name, in order of their names. */
export async function readQueues(reader: Reader, projectId: string, after: string, limit: number): Promise<QueueRow[]> {
  return reader.query<QueueRow>(sql`
    -- read_queues: queues_pkey
    select name, paused_at as "pausedAt", paused_by as "pausedBy", pause_reason as "pauseReason", resumes_at as "resumesAt"
    from queues where project_id = ${projectId} and name > ${after} order by name limit ${limit}`);
}

export async function readQueue(reader: Reader, projectId: string, name: string): Promise<QueueRow | undefined> {
  const [row] = await reader.query<QueueRow>(sql`
    -- read_queue: queues_pkey
    select name, paused_at as "pausedAt", paused_by as "pausedBy", pause_reason as "pauseReason", resumes_at as "resumesAt"
    from queues where project_id = ${projectId} and name = ${name}`);
  return row;
}

export type DemandRow = {
  sig: number;
  projectId: string;
  queue: string;
  platform: Platform;
  requires: Record<string, string>;
  depth: number;
  running: number;
  oldestWaitMs: number | null;
};

/** Every demand of these queues with what waits and what runs. */
export async function readDemands(reader: Reader, projectId: string, queues: readonly string[]): Promise<DemandRow[]> {
  return reader.query<DemandRow>(sql`
    -- read_demands: demands_project_id_queue_platform_requires_key, builds_by_state (unfinished builds of the project)
    select d.sig, d.project_id as "projectId", d.queue, d.platform, d.requires, coalesce(c.depth, 0)::integer as depth,
           coalesce(c.running, 0)::integer as running,
           (extract(epoch from now() - c.oldest) * 1000)::float8 as "oldestWaitMs"
    from demands d
    left join (select sig, count(*) filter (where state = 'queued') depth, count(*) filter (where state <> 'queued') running,
                      min(submitted_at) filter (where state = 'queued') oldest
               from builds where project_id = ${projectId} and state in ('queued', 'assigned', 'running', 'cancelling')
               group by sig) c using (sig)
    where d.project_id = ${projectId} and d.queue = any(${queues}::text[])
    order by d.queue, d.platform, d.requires::text`);
}

/** Builds of a queue in the order they will be taken, behind one of them. */
export async function readLine(
  reader: Reader,
  projectId: string,
  queue: string,
  page: { after?: { priority: number; queueSeq: number } | undefined; limit: number },
): Promise<BuildRow[]> {
  const { priority, queueSeq } = page.after ?? { priority: 32_767, queueSeq: 0 };
  return reader.query<BuildRow>(sql`
    -- read_line: builds_line (queued builds of the project)
    select * from build_rows
    where "projectId" = ${projectId} and state = 'queued' and queue = ${queue}
      and (priority < ${priority} or (priority = ${priority} and "queueSeq" > ${queueSeq}))
    order by priority desc, "queueSeq" limit ${page.limit}`);
}

/** Pauses, or changes the pause. A queue nobody used yet may be paused too. */
export async function pauseQueueRow(
  tx: Tx,
  pause: { projectId: string; name: string; by: string; reason: string; resumesAt: string | null },
): Promise<QueueRow | undefined> {
  const [row] = await tx.query<QueueRow>(sql`
    -- pause_queue: queues_pkey
    insert into queues (project_id, name, paused_at, paused_by, pause_reason, resumes_at)
    values (${pause.projectId}, ${pause.name}, now(), ${pause.by}, ${pause.reason}, ${pause.resumesAt}::timestamptz)
    on conflict (project_id, name) do update set
      paused_at = coalesce(queues.paused_at, now()), paused_by = excluded.paused_by,
      pause_reason = excluded.pause_reason, resumes_at = excluded.resumes_at
    returning name, paused_at as "pausedAt", paused_by as "pausedBy", pause_reason as "pauseReason", resumes_at as "resumesAt"`);
  return row;
}

/** Ends a pause; `dueOnly` only one whose time is over. Nothing when it was not paused (or not due). */
export async function resumeQueueRow(tx: Tx, projectId: string, name: string, dueOnly: boolean): Promise<boolean> {
  const rows = await tx.query(sql`
    -- resume_queue: queues_pkey
    update queues set paused_at = null, paused_by = null, pause_reason = null, resumes_at = null
    where project_id = ${projectId} and name = ${name} and paused_at is not null
      and (not ${dueOnly}::boolean or resumes_at <= now())
    returning 1`);
  return rows.length > 0;
}

/** Demands of a queue that have builds in line. */
export async function readWaitingSigs(reader: Reader, projectId: string, queue: string): Promise<number[]> {
  const rows = await reader.query<{ sig: number }>(sql`
    -- read_waiting_sigs: demands_project_id_queue_platform_requires_key, builds_line
    select d.sig from demands d
    where d.project_id = ${projectId} and d.queue = ${queue}
      and exists (select 1 from builds b where b.project_id = d.project_id and b.sig = d.sig and b.state = 'queued')`);
  return rows.map((row) => row.sig);
}

/** What waits per (queue, platform, labels) over all projects, for the gauges. */
export async function readDepths(
  reader: Reader,
): Promise<
  { queue: string; platform: string; requires: Record<string, string>; depth: number; oldestWaitSeconds: number }[]
> {
  return reader.query(sql`
    -- read_depths: builds_line
    select d.queue, d.platform, d.requires, sum(c.depth)::integer as depth,
           max(extract(epoch from now() - c.oldest))::float8 as "oldestWaitSeconds"
    from (select project_id, sig, count(*) depth, min(submitted_at) oldest from builds where state = 'queued'
          group by project_id, sig) c
    join demands d using (sig) group by d.queue, d.platform, d.requires
    order by depth desc limit 256`);
}

export type WorkerCounts = { online: number; busy: number; draining: number; offline: number };

/** Workers by the state people see. */
export async function readWorkerCounts(reader: Reader): Promise<WorkerCounts> {
  const [row] = await reader.query<WorkerCounts>(sql`
    -- read_worker_counts: workers_project, builds_worker_seat
    select count(*) filter (where state = 'offline')::integer as offline,
           count(*) filter (where state = 'online' and admission = 'draining')::integer as draining,
           count(*) filter (where state = 'online' and admission = 'open' and held >= seats)::integer as busy,
           count(*) filter (where state = 'online' and admission = 'open' and held < seats)::integer as online
    from (select w.state, w.admission, w.seats,
                 (select count(*) from builds b where b.worker_id = w.id
                    and b.state in ('assigned', 'running', 'cancelling')) held
          from workers w where w.removed_at is null) w`);
  return row ?? { online: 0, busy: 0, draining: 0, offline: 0 };
}

/** Online, open workers that match each demand that waits; every project by itself. */
export async function readMatchingCounts(
  reader: Reader,
): Promise<{ queue: string; platform: string; requires: Record<string, string>; workers: number }[]> {
  return reader.query(sql`
    -- read_matching_counts: builds_line, workers_project
    select d.queue, d.platform, d.requires, sum((
      select count(*) from workers w where w.project_id = d.project_id and w.removed_at is null and w.state = 'online'
        and w.admission = 'open' and d.platform = any(w.platforms || case w.kind when 'legacy' then '{}'::text[] else '{any}' end) and d.requires <@ w.labels))::integer as workers
    from (select distinct project_id, sig from builds where state = 'queued' limit 1024) c
    join demands d using (sig) group by d.queue, d.platform, d.requires limit 256`);
}

/** Builds that are held, and uploads that are open. */
export async function readHeldCounts(reader: Reader): Promise<{ leases: number; uploadsOpen: number }> {
  const [row] = await reader.query<{ leases: number; uploadsOpen: number }>(sql`
    -- read_held_counts: builds_lease, build_uploads_open
    select (select count(*) from builds where state in ('assigned', 'running', 'cancelling'))::integer as leases,
           (select count(*) from build_uploads where state = 'open')::integer as "uploadsOpen"`);
  return row ?? { leases: 0, uploadsOpen: 0 };
}

/** Builds in line and builds that are held, over all projects. */
export async function readCounts(reader: Reader): Promise<{ pending: number; active: number }> {
  const [row] = await reader.query<{ pending: number; active: number }>(sql`
    -- read_counts: builds_line, builds_worker_seat
    select (select count(*) from builds where state = 'queued')::integer as pending,
           (select count(*) from builds where state in ('assigned', 'running', 'cancelling'))::integer as active`);
  return row ?? { pending: 0, active: 0 };
}
