import type { Worker, WorkerState } from '@muster/protocol';
import type { WorkerRow } from './queries/workers.ts';

/** What people see; only presence and admission are stored, `busy` is counted. */
function workerState({
  state,
  admission,
  held,
  seats,
}: Pick<WorkerRow, 'state' | 'admission' | 'held' | 'seats'>): WorkerState {
  if (state === 'offline') return 'offline';
  if (admission === 'draining') return 'draining';
  return held.length >= seats ? 'busy' : 'online';
}

export function showWorker(row: WorkerRow): Worker {
  const { id, alias, kind, name, platforms, labels, seats, admission, drainReason, version, host, diagnostics } = row;
  return {
    id,
    alias,
    kind,
    name,
    platforms,
    labels,
    seats,
    seatsFree: Math.max(0, seats - row.held.length),
    state: workerState(row),
    admission,
    drainReason,
    lastSeenAt: row.lastSeenAt.toISOString(),
    registeredAt: row.registeredAt.toISOString(),
    version,
    host,
    held: row.held.map(({ buildId, term, state }) => ({ buildId, term, state })),
    counters: { succeeded: row.succeeded, failed: row.failed, lost: row.lost },
    diagnostics,
  };
}
