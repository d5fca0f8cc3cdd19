import { noSuchWorker } from './arrive-worker.ts';
import type { Holder } from './holder.ts';
import { readWorker, setOffline } from './queries/workers.ts';
import { releaseAttempts } from './release-attempt.ts';
import type { Room } from './room.ts';

/**
 * The worker leaves: what it holds is in line again at once, and it is offline until its next call. Its row and token stay.
 * `notFound` `no_such_worker`.
 */
export async function unregisterWorker(room: Room, { workerId, projectId }: Holder): Promise<{ released: number }> {
  room.live.forget(workerId);
  return await room.db.transaction(
    async (tx) => {
      const worker = await readWorker(tx, projectId, workerId);
      if (!worker) throw noSuchWorker();
      // Builds before the worker's row: the order of every other statement that takes both.
      const released = await releaseAttempts(room, tx, worker.held, { kind: 'unregistered' });
      if (await setOffline(tx, workerId))
        await room.emit(tx, [{ projectId, type: 'offline', workerId, reason: 'unregistered' }]);
      return { released: released.length };
    },
    { retries: 3 },
  );
}
