import { notFound, unauthenticated } from '#kernel/base';
import type { Holder } from './holder.ts';
import type { WorkerRow } from './queries/workers.ts';
import type { Room } from './room.ts';

/**
 * A worker called: its row with what it holds, and it is online from now on. Errors: `unauthenticated`
 * `revoked_credential` when it was removed.
 */
export async function arriveWorker(room: Room, { workerId, projectId }: Holder): Promise<WorkerRow> {
  const worker = await room.live.workers.do(workerId);
  if (worker?.projectId !== projectId)
    throw unauthenticated('revoked_credential', 'This worker was removed; register it again.');
  await room.live.presence.arrived(worker);
  return worker;
}

export const noSuchWorker = (): Error => notFound('no_such_worker', 'There is no such worker.');
