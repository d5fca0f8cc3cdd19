import { type BuildState, buildTable, type Metrics, type StopReason, statesAllowing } from '@muster/protocol';
import { type Reader, sql, type Tx } from '#kernel/db';

export type LeaseAsk = {
  workerId: string;
  projectId: string;
  buildId: string;
  term: number;
  phase: string | null;
  progress: number | null;
  /** Length from here on; null keeps it. */
  ttlMs: number | null;
  /** What the machine measured; stored beside, by whoever owns that table. */
  metrics: Metrics | null;
};

export type Extended = {
  buildId: string;
  term: number;
  workerId: string;
  projectId: string;
  queue: string;
  state: BuildState;
  leaseUntil: Date;
  stopReason: StopReason | null;
  phase: string | null;
  progress: number | null;
  phaseBefore: string | null;
  progressBefore: number | null;
};

/** Extends every lease that its asker still holds in that term. Only the database's clock counts. */
export async function extend(tx: Tx, asks: readonly LeaseAsk[]): Promise<Extended[]> {
  return await tx.query<Extended>(sql`
    -- extend_leases: builds_pkey; no index holds a column that changes, so the update is HOT
    with asked as materialized (
      select b.id, b.phase as phase_before, b.progress as progress_before, x.phase, x.progress, coalesce(x.ttl_ms, b.lease_ttl_ms) as ttl_ms
      from unnest(${asks.map((ask) => ask.buildId)}::text[], ${asks.map((ask) => ask.term)}::int[],
          ${asks.map((ask) => ask.workerId)}::text[], ${asks.map((ask) => ask.phase)}::text[],
          ${asks.map((ask) => ask.progress)}::real[], ${asks.map((ask) => ask.ttlMs)}::int[]) x(id, term, worker_id, phase, progress, ttl_ms)
      join builds b on b.id = x.id and b.term = x.term and b.worker_id = x.worker_id
        and b.state = any(${statesAllowing(buildTable, 'heartbeat')}::text[])
      order by b.id for no key update of b
    )
    update builds b set lease_until = now() + make_interval(secs => asked.ttl_ms / 1000.0), lease_ttl_ms = asked.ttl_ms, heard = true,
      phase = coalesce(asked.phase, b.phase), progress = coalesce(asked.progress, b.progress)
    from asked where b.id = asked.id
    returning b.id as "buildId", b.term, b.worker_id as "workerId", b.project_id as "projectId", b.queue, b.state,
      b.lease_until as "leaseUntil", b.stop_reason as "stopReason", b.phase, b.progress,
      asked.phase_before as "phaseBefore", asked.progress_before as "progressBefore"`);
}

/** Where the others stand, to say why. */
export async function whereStand(
  reader: Reader,
  ids: readonly string[],
): Promise<{ id: string; projectId: string; state: BuildState; term: number; workerId: string | null }[]> {
  return await reader.query(sql`
    -- where_stand: builds_pkey
    select id, project_id as "projectId", state, term, worker_id as "workerId" from builds where id = any(${ids}::text[])`);
}
