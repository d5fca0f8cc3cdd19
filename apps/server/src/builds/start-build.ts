import type { BuildState } from '@muster/protocol';
import { dispatchLimits } from './dispatch-limits.ts';
import { Gather } from './gather.ts';
import { type Attempt, checkAttempt, type Holder, refused } from './holder.ts';
import { lockBuilds, type StartAsk, type Started, startBuilds } from './queries/finish.ts';
import type { Room } from './room.ts';

/**
 * The worker began. Done again it only extends the lease; a build that is being stopped stays so, and the answer says it.
 * Legacy clients never say it: their first sign of work counts. `ttlMs` changes the lease's length from here on.
 * Errors: `notFound` `no_such_build`, `forbidden` `not_holder`, `conflict` `stale_term finished`.
 */
export async function startBuild(
  room: Room,
  holder: Holder,
  { buildId, term, ttlMs = null }: Attempt & { ttlMs?: number | null },
): Promise<{ state: BuildState; leaseUntil: Date; stopReason: string | null }> {
  const started = await room.live.starts.do({ buildId, term, workerId: holder.workerId, ttlMs });
  if (started?.projectId === holder.projectId) {
    const { state, leaseUntil, stopReason } = started;
    return { state, leaseUntil, stopReason };
  }
  return await room.db.transaction(async (tx) => {
    const [row] = await lockBuilds(tx, [buildId]);
    await checkAttempt(room, tx, holder, row, { buildId, term }, 'start');
    throw refused(room, row ?? { state: 'queued', term }, 'start');
  });
}

/** Starts of this node; what comes in together is one transaction. Those the guard refused are answered `undefined`. */
export const gatherStarts = (room: Room): Gather<StartAsk, Started | undefined> =>
  new Gather((asks) => startTogether(room, asks), {
    most: dispatchLimits.startsBatchMax,
    apart: ({ buildId }) => buildId,
  });

async function startTogether(room: Room, asks: readonly StartAsk[]): Promise<(Started | undefined)[]> {
  const started = await room.db.transaction(
    async (tx) => {
      const rows = await startBuilds(tx, asks, dispatchLimits.runMarginMs);
      const begun = rows.filter((row) => row.first);
      await room.emit(
        tx,
        begun.map(({ projectId, buildId, workerId, term, queue }) => ({
          projectId,
          type: 'started',
          buildId,
          workerId,
          term,
          queue,
        })),
      );
      return rows;
    },
    { retries: 3 },
  );
  return asks.map(({ buildId, term, workerId }) =>
    started.find((row) => row.buildId === buildId && row.term === term && row.workerId === workerId),
  );
}
