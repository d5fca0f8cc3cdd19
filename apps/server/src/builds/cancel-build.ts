import type { BuildState, StopReason } from '@muster/protocol';
import type { Principal } from '#kernel/auth';
import { reach } from '#kernel/base';
import type { Tx } from '#kernel/db';
import { requireBuild } from './access.ts';
import { checkEvent } from './holder.ts';
import { askStop, lockBuilds, type StopAsked } from './queries/finish.ts';
import type { Emission, Room } from './room.ts';

export type CancelInput = { reason?: string | undefined; stopReason?: StopReason };

/**
 * Stops a build: what waits is `cancelled` at once; what a worker holds is `cancelling` until the worker confirms or its
 * grace ends. Said again it changes nothing. Errors: as `requireBuild` with `operate`; `conflict` `finished`.
 */
export async function cancelBuild(
  room: Room,
  who: Principal,
  buildId: string,
  { reason, stopReason = 'user' }: CancelInput,
): Promise<{ state: BuildState }> {
  const row = await requireBuild(room, room.db, who, buildId, 'operate');
  const outcome = await room.db.transaction(
    async (tx) => {
      const [asked] = await stopIn(room, tx, [row.id], { event: 'cancel', stopReason, detail: reason ?? null });
      if (asked) return { state: asked.state, moved: true };
      const [now] = await lockBuilds(tx, [row.id]);
      checkEvent(room, now ?? row, 'cancel');
      return { state: (now ?? row).state, moved: false };
    },
    { retries: 3 },
  );
  if (outcome.moved) await reach('cancel.committed');
  return { state: outcome.state };
}

/** Stops builds in the caller's transaction; answers those that moved. Workers are told after its commit. */
export async function stopIn(
  room: Room,
  tx: Tx,
  ids: readonly string[],
  why: { event: 'cancel' | 'timeLimit'; stopReason: StopReason; detail: string | null },
): Promise<StopAsked[]> {
  const asked = await askStop(tx, { ids, ...why, graceMs: room.config.cancelGraceMaxMs });
  await room.emit(
    tx,
    asked.map((build) => emissionOf(build, why.detail)),
  );
  tx.afterCommit(() => {
    for (const { workerId } of asked) if (workerId !== null) room.nudge(workerId);
  });
  return asked;
}

function emissionOf(
  { id, projectId, state, term, queue, workerId, stopReason }: StopAsked,
  detail: string | null,
): Emission {
  const common = {
    projectId,
    buildId: id,
    queue,
    term,
    reason: stopReason,
    ...(detail === null ? {} : { data: { detail } }),
  };
  if (state === 'cancelled') return { ...common, type: 'cancelled', line: { level: 'info', text: 'Build cancelled' } };
  return { ...common, type: 'cancel_requested', ...(workerId === null ? {} : { workerId }) };
}
