import { buildTable, statesAllowing, targetsOf } from '@muster/protocol';
import { assert, never } from '#kernel/base';
import type { Tx } from '#kernel/db';
import { dispatchLimits } from './dispatch-limits.ts';
import type { Decided } from './end-of-attempt.ts';
import { hoursOf } from './hours-of.ts';
import { demandsOfKeys, endAttempts } from './queries/finish.ts';
import type { Emission, Room } from './room.ts';

/** As many as a meter takes. */
const entriesAtOnce = 1_000;

/**
 * Ends attempts whose builds the caller holds locked: rows, cost, tokens and events in the caller's transaction; freed
 * seats and keys are told after its commit. The one way out of an active state.
 */
export async function applyEndings(room: Room, tx: Tx, endings: readonly Decided[]): Promise<void> {
  if (endings.length === 0) return;
  for (const { row, state, event } of endings) {
    assert(targetsOf(buildTable, row.state, event).includes(state), `${event} leads from ${row.state} to ${state}`);
  }
  const rows = endings.map(({ row: _row, told: _told, event, ...ending }) => ({
    ...ending,
    allowed: statesAllowing(buildTable, event),
  }));
  const ended = new Map((await endAttempts(tx, rows, dispatchLimits.avoidMs)).map((row) => [row.id, row]));
  const workerMs = (id: string): number => ended.get(id)?.workerMs ?? 0;
  assert(ended.size === endings.length, `${endings.length} locked builds ended, the guard let ${ended.size} pass`);
  await room.emit(
    tx,
    endings.map((ending) => emissionOf(ending, workerMs(ending.id))),
  );
  const now = room.clock.now();
  const held = endings.flatMap(({ id, term, row }) =>
    hoursOf(now - workerMs(id), now).map(({ at, ms }) => ({
      projectId: row.projectId,
      meter: 'build.time',
      quantity: ms,
      at,
      source: id,
      part: `attempt-${term}/${at.toISOString().slice(0, 13)}`,
      dimensions: { queue: row.queue, platform: row.platform },
    })),
  );
  for (let at = 0; at < held.length; at += entriesAtOnce)
    await room.meter.record(tx, held.slice(at, at + entriesAtOnce));
  await room.auth.endRunTokensOf(
    tx,
    endings.map(({ id, term }) => ({ buildId: id, term })),
    dispatchLimits.tokenAfterEndMs,
  );
  const keys = endings.flatMap(({ row }) => (row.ckey === null ? [] : [{ projectId: row.projectId, ckey: row.ckey }]));
  const freed = keys.length > 0 ? await demandsOfKeys(tx, keys) : [];
  tx.afterCommit(() => {
    for (const demand of freed) room.wake(demand);
    for (const { row, state, afterMs } of endings) {
      if (state === 'queued') room.live.wakeAfter(afterMs, row);
    }
    const freedSeats = new Map(endings.map(({ id, workerId }) => [workerId, ended.get(id)?.draining ?? false]));
    for (const [workerId, draining] of freedSeats) room.live.seatFreed(workerId, draining);
  });
}

function emissionOf(
  { row, term, workerId, state, failure, attemptFailure, counts, afterMs, told }: Decided,
  workerMs: number,
): Emission {
  const common = { projectId: row.projectId, buildId: row.id, queue: row.queue, term, workerId };
  switch (state) {
    case 'queued': {
      const next = row.attemptsUsed - (counts ? 0 : 1) + 1;
      const text = `Worker ${row.workerName ?? workerId} ${told}; queued again (attempt ${next} of ${row.attemptsMax})`;
      const reason = attemptFailure?.code ?? 'none';
      return {
        ...common,
        type: 'requeued',
        reason,
        data: { workerMs, afterMs, detail: attemptFailure?.detail ?? '' },
        line: { level: 'warn', text },
      };
    }
    case 'succeeded':
      return {
        ...common,
        type: 'succeeded',
        data: { runMs: workerMs, workerMs },
        line: { level: 'info', text: 'Build completed successfully' },
      };
    case 'failed': {
      const detail = failure?.detail ?? '';
      const text = detail.startsWith('Build failed: ') ? detail : `Build failed: ${detail}`;
      return {
        ...common,
        type: 'failed',
        reason: failure?.code ?? 'none',
        data: { runMs: workerMs, workerMs, failure },
        line: { level: 'error', text },
      };
    }
    case 'cancelled':
      return {
        ...common,
        type: 'cancelled',
        reason: row.stopReason ?? 'user',
        data: { runMs: workerMs, workerMs },
        line: { level: 'info', text: 'Build cancelled' },
      };
    default:
      return never(state);
  }
}
