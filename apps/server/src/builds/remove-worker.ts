import { type Principal, writeAudit } from '#kernel/auth';
import { conflict } from '#kernel/base';
import { noSuchWorker } from './arrive-worker.ts';
import { lockWorker, removeWorkerRow } from './queries/workers.ts';
import type { Room } from './room.ts';

/**
 * Hides a worker for good and ends its tokens; its history stays. Errors: `forbidden` `missing_scope`, `notFound`
 * `no_such_worker`, `conflict` `in_use` while it holds builds.
 */
export async function removeWorker(room: Room, who: Principal, workerId: string): Promise<void> {
  room.auth.requireScope(who, 'builds:admin');
  const { projectId } = who;
  await room.db.transaction(async (tx) => {
    const worker = await lockWorker(tx, projectId, workerId);
    if (!worker) throw noSuchWorker();
    if (worker.held.length > 0) {
      throw conflict('in_use', `The worker holds ${worker.held.length} builds; drain it or evict them first.`, {
        extra: { held: worker.held.map(({ buildId, term }) => ({ buildId, term })) },
      });
    }
    await removeWorkerRow(tx, workerId);
    await room.auth.endRunTokens(tx, { workerId });
    await room.emit(tx, [{ projectId, type: 'removed', workerId }]);
    await writeAudit(tx, { who, action: 'builds.remove_worker', subject: workerId, before: { name: worker.name } });
    tx.afterCommit(() => {
      room.live.forget(workerId);
      room.nudge(workerId);
    });
  });
}
