import type { Registered } from '@muster/protocol';
import { must } from '#kernel/base';
import { noSuchWorker } from './arrive-worker.ts';
import { dispatchLimits } from './dispatch-limits.ts';
import type { Holder } from './holder.ts';
import { lockWorker } from './queries/workers.ts';
import type { Room } from './room.ts';
import { showWorker } from './worker-shape.ts';

/** Another token for the worker; the ones before stay valid for 60 s, for calls on their way and for a lost answer. */
export async function rotateToken(room: Room, { workerId, projectId }: Holder): Promise<Registered> {
  return await room.db.transaction(async (tx) => {
    const worker = await lockWorker(tx, projectId, workerId);
    if (!worker) throw noSuchWorker();
    await room.auth.endRunTokens(tx, { workerId }, dispatchLimits.tokenOverlapMs);
    const token = await room.auth.issueRunToken(tx, { kind: 'wkt', projectId, subject: { workerId } });
    return { worker: showWorker(must(worker, 'the worker')), token };
  });
}
