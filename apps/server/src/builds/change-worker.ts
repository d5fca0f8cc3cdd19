import type { ChangeWorker, Worker } from '@muster/protocol';
import { must } from '#kernel/base';
import { noSuchWorker } from './arrive-worker.ts';
import type { Holder } from './holder.ts';
import { changeWorkerRow, lockWorker, readWorker } from './queries/workers.ts';
import type { Room } from './room.ts';
import { showWorker } from './worker-shape.ts';

/**
 * What the worker says of itself: labels, seats. Builds it holds stay; with fewer seats it takes none until enough ended.
 * Its parked calls go on under the new labels. `notFound` `no_such_worker`.
 */
export async function changeWorker(
  room: Room,
  { workerId, projectId }: Holder,
  { labels, seats }: ChangeWorker,
): Promise<Worker> {
  return await room.db.transaction(async (tx) => {
    if (!(await lockWorker(tx, projectId, workerId))) throw noSuchWorker();
    await changeWorkerRow(tx, { id: workerId, labels: labels ?? null, seats: seats ?? null });
    tx.afterCommit(() => room.nudge(workerId));
    return showWorker(must(await readWorker(tx, projectId, workerId), 'the changed worker'));
  });
}
