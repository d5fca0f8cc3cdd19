import type { Job } from '@muster/protocol';
import { jobsFor } from './job-shape.ts';
import { renewOffer } from './queries/claim.ts';
import type { Room } from './room.ts';

/**
 * The job of a build that was assigned to this worker and that it does not know of: its answer was lost. Same term, fresh
 * lease, another token. `undefined` when it is not this worker's any more, or its secrets do not open.
 */
export async function offerAgain(
  room: Room,
  workerId: string,
  { buildId, term }: { buildId: string; term: number },
): Promise<Job | undefined> {
  return await room.db.transaction(async (tx) => {
    if (!(await renewOffer(tx, { buildId, term, workerId }))) return undefined;
    const { jobs } = await jobsFor(room, tx, [buildId]);
    return jobs.get(buildId);
  });
}
