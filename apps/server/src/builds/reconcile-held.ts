import type { Instruction, Job } from '@muster/protocol';
import type { Handouts } from './handouts.ts';
import { stopLost } from './instructions.ts';
import { offerAgain } from './offer-again.ts';
import type { WorkerRow } from './queries/workers.ts';
import { releaseAttempts } from './release-attempt.ts';
import type { Room } from './room.ts';

type Held = { buildId: string; term: number };
export type Reconciled = {
  /** A build it was given and does not know of. */
  job?: Job;
  /** Such a build may still be on its way: look again then. */
  recheckMs?: number;
  /** What it believes to hold and does not. */
  stale: Instruction[];
};

/**
 * Compares what a worker says it holds with the rows: `assigned` and unknown to it is given again (lost answer), further
 * along and unknown to it is released, because it was lost. `held: null`: it cannot say, so nothing is taken for lost.
 */
export async function reconcileHeld(
  room: Room,
  handouts: Handouts,
  worker: WorkerRow,
  held: readonly Held[] | null,
  mayWait: boolean,
): Promise<Reconciled> {
  const same = (one: Held) => (other: Held) => one.buildId === other.buildId && one.term === other.term;
  const stale = (held ?? []).filter((said) => !worker.held.some(same(said))).map(stopLost);
  const unlisted = worker.held.filter((build) => !held?.some(same(build)));
  const onItsWay = unlisted.map(({ buildId }) => handouts.onItsWayMs(buildId)).find((ms) => ms > 0);
  if (onItsWay !== undefined && mayWait) return { recheckMs: onItsWay, stale };

  const lost = held === null ? [] : unlisted.filter(({ state }) => state !== 'assigned');
  if (lost.length > 0) {
    await room.db.transaction((tx) => releaseAttempts(room, tx, lost, { kind: 'workerLost' }), { retries: 3 });
    worker.held = worker.held.filter((build) => !lost.includes(build));
  }
  for (const build of unlisted) {
    if (build.state !== 'assigned' || (held === null && build.heard)) continue;
    const job = await offerAgain(room, worker.id, build);
    if (!job) continue;
    room.metrics.claims.add({ result: 'again' });
    handouts.note(build.buildId);
    return { job, stale };
  }
  return { stale };
}
