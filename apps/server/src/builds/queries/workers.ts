import type { BuildState, Platform, RegisterWorker, StopReason } from '@muster/protocol';
import { type Reader, sql, type Tx } from '#kernel/db';

type HeldBuild = {
  buildId: string;
  term: number;
  state: BuildState;
  /** The worker gave a sign of life in this term. */
  heard: boolean;
  stopReason: StopReason | null;
  /** The worker was told to stop. */
  stopKnown: boolean;
};

export type WorkerRow = {
  id: string;
  projectId: string;
  alias: string | null;
  kind: 'v1' | 'legacy';
  name: string;
  platforms: Platform[];
  labels: Record<string, string>;
  seats: number;
  state: 'online' | 'offline';
  admission: 'open' | 'draining';
  drainReason: string | null;
  drainExit: boolean;
  drainTold: boolean;
  lastSeenAt: Date;
  registeredAt: Date;
  version: string;
  host: { os: string; arch: string; cpus: number; memoryBytes: number } | null;
  succeeded: number;
  failed: number;
  lost: number;
  /** In order of build id. */
  held: HeldBuild[];
  diagnostics: { id: string; status: string; runAt: string } | null;
};

/** With what they hold; removed workers are not there. */
export async function readWorkers(reader: Reader, ids: readonly string[]): Promise<WorkerRow[]> {
  return await reader.query<WorkerRow>(sql`
    -- read_workers: workers_pkey, builds_worker_seat, worker_diagnostics_latest
    select * from worker_rows where id = any((select ${ids}::text[])::text[])`);
}

export async function readWorker(reader: Reader, projectId: string, id: string): Promise<WorkerRow | undefined> {
  const [row] = await reader.query<WorkerRow>(sql`
    -- read_worker: workers_pkey, builds_worker_seat, worker_diagnostics_latest
    select * from worker_rows where id = ${id} and "projectId" = ${projectId}`);
  return row;
}

/** Newest first. `state` is the stored presence or admission; `busy` is left to the caller's filter on `held`. */
export async function listWorkers(
  reader: Reader,
  { projectId, before, limit }: { projectId: string; before: string | null; limit: number },
): Promise<WorkerRow[]> {
  return await reader.query<WorkerRow>(sql`
    -- list_workers: workers_project, builds_worker_seat, worker_diagnostics_latest
    select * from worker_rows where "projectId" = ${projectId} and (${before}::text is null or id < ${before})
    order by id desc limit ${limit}`);
}

export async function lockWorker(tx: Tx, projectId: string, id: string): Promise<WorkerRow | undefined> {
  const [locked] = await tx.query(sql`
    -- lock_worker: workers_pkey
    select 1 from workers where id = ${id} and project_id = ${projectId} and removed_at is null for no key update`);
  return locked && (await readWorker(tx, projectId, id));
}

export type NewWorker = RegisterWorker & {
  id: string;
  projectId: string;
  kind: 'v1' | 'legacy';
  alias?: string | null;
  capabilities?: unknown;
  offlineAfterMs: number;
};

export async function insertWorker(tx: Tx, worker: NewWorker): Promise<void> {
  const json = (value: unknown): string | null =>
    value === undefined || value === null ? null : JSON.stringify(value);
  await tx.query(sql`
    -- insert_worker: workers_pkey
    insert into workers (id, project_id, alias, kind, name, platforms, labels, seats, version, host, capabilities, offline_after_ms)
    values (${worker.id}, ${worker.projectId}, ${worker.alias ?? null}, ${worker.kind}, ${worker.name},
      ${worker.platforms}::text[], ${JSON.stringify(worker.labels)}::jsonb, ${worker.seats}, ${worker.version},
      ${json(worker.host)}::jsonb, ${json(worker.capabilities)}::jsonb, ${worker.offlineAfterMs})`);
}

export async function countWorkers(reader: Reader, projectId: string): Promise<number> {
  const [row] = await reader.query<{ n: number }>(sql`
    -- count_workers: workers_project
    select count(*)::int as n from workers where project_id = ${projectId} and removed_at is null`);
  return row?.n ?? 0;
}

export async function changeWorkerRow(
  tx: Tx,
  { id, labels, seats }: { id: string; labels: Record<string, string> | null; seats: number | null },
): Promise<void> {
  await tx.query(sql`
    -- change_worker: workers_pkey
    update workers set labels = coalesce(${labels === null ? null : JSON.stringify(labels)}::jsonb, labels), seats = coalesce(${seats}::smallint, seats)
    where id = ${id}`);
}

export async function setAdmission(
  tx: Tx,
  { id, admission, reason, exit }: { id: string; admission: 'open' | 'draining'; reason: string | null; exit: boolean },
): Promise<void> {
  await tx.query(sql`
    -- set_admission: workers_pkey
    update workers set admission = ${admission}, drain_reason = ${reason}, drain_exit = ${exit} where id = ${id}`);
}

/** Marks workers as seen; answers those that were offline until now. In id order, as every statement over several workers. */
export async function touchWorkers(
  tx: Tx,
  ids: readonly string[],
): Promise<{ id: string; projectId: string; admission: 'open' | 'draining' }[]> {
  const rows = await tx.query<{ id: string; projectId: string; admission: 'open' | 'draining'; was: string }>(sql`
    -- touch_workers: workers_pkey; HOT, no index holds last_seen_at
    with seen as materialized (
      select id, state from workers where id = any(${ids}::text[]) and removed_at is null order by id for no key update)
    update workers w set last_seen_at = now(), state = 'online' from seen where w.id = seen.id
    returning w.id, w.project_id as "projectId", w.admission, seen.state as was`);
  return rows.filter((row) => row.was === 'offline');
}

/** Silent for too long; a legacy worker only when it holds nothing, because its long steps make no call. */
export async function markSilent(tx: Tx, limit: number): Promise<{ id: string; projectId: string }[]> {
  return await tx.query(sql`
    -- mark_silent: workers_online, builds_worker_seat
    with silent as materialized (
      select w.id from workers w
      where w.state = 'online' and w.removed_at is null
        and w.last_seen_at < now() - make_interval(secs => w.offline_after_ms / 1000.0)
        and (w.kind <> 'legacy' or not exists (select 1 from builds b where b.worker_id = w.id
          and b.state in ('assigned', 'running', 'cancelling')))
      order by w.id limit ${limit} for no key update skip locked)
    update workers w set state = 'offline' from silent where w.id = silent.id
    returning w.id, w.project_id as "projectId"`);
}

export async function setOffline(tx: Tx, id: string): Promise<boolean> {
  const rows = await tx.query(sql`
    -- set_offline: workers_pkey
    update workers set state = 'offline' where id = ${id} and state = 'online' returning id`);
  return rows.length > 0;
}

export async function removeWorkerRow(tx: Tx, id: string): Promise<void> {
  await tx.query(sql`
    -- remove_worker: workers_pkey
    update workers set removed_at = now(), state = 'offline' where id = ${id}`);
}

/** The worker knows that these are to stop: from now on its grace counts. Answers how long each took to be told. */
export async function markStopsTold(
  tx: Tx,
  buildIds: readonly string[],
  graceMs: number,
): Promise<{ tookMs: number }[]> {
  return await tx.query(sql`
    -- mark_stops_told: builds_pkey
    with told as materialized (
      select id from builds where id = any(${buildIds}::text[]) and state = 'cancelling' and stop_known_at is null order by id for no key update)
    update builds b set stop_known_at = now(),
      grace_until = least(b.grace_until, now() + make_interval(secs => ${graceMs}::int / 1000.0))
    from told where b.id = told.id
    returning greatest(0, extract(epoch from now() - b.cancel_requested_at) * 1000)::float8 as "tookMs"`);
}

export async function setDrainTold(tx: Tx, workerIds: readonly string[], told: boolean): Promise<void> {
  await tx.query(sql`
    -- set_drain_told: workers_pkey
    update workers set drain_told = ${told} where id = any(${workerIds}::text[]) and drain_told <> ${told}`);
}
