import type { BuildState } from '@muster/protocol';
import { nameOf, type Principal, writeAudit } from '#kernel/auth';
import { conflict } from '#kernel/base';
import { noSuchBuild } from './access.ts';
import { noSuchWorker } from './arrive-worker.ts';
import { checkEvent } from './holder.ts';
import { lockBuilds } from './queries/finish.ts';
import { readWorker } from './queries/workers.ts';
import { releaseAttempt } from './release-attempt.ts';
import type { Room } from './room.ts';

/**
 * Takes a build from a worker: in line again at once, and not to that worker for a minute. The worker is told to stop it.
 * Errors: `forbidden` `missing_scope`; `notFound` `no_such_worker no_such_build`; `conflict` `not_held finished`.
 */
export async function evictBuild(
  room: Room,
  who: Principal,
  workerId: string,
  buildId: string,
): Promise<{ state: BuildState }> {
  room.auth.requireScope(who, 'builds:admin');
  return await room.db.transaction(
    async (tx) => {
      if (!(await readWorker(tx, who.projectId, workerId))) throw noSuchWorker();
      const [row] = await lockBuilds(tx, [buildId]);
      if (row?.projectId !== who.projectId) throw noSuchBuild();
      if (row.workerId !== workerId)
        throw conflict('not_held', 'This worker does not hold that build.', {
          extra: { state: row.state, workerId: row.workerId },
        });
      checkEvent(room, row, 'breakOff');
      const state = await releaseAttempt(room, tx, {
        buildId,
        term: row.term,
        cause: { kind: 'evicted', by: nameOf(who) },
      });
      await writeAudit(tx, { who, action: 'builds.evict', subject: buildId, before: { workerId, term: row.term } });
      tx.afterCommit(() => room.nudge(workerId));
      return { state: state ?? row.state };
    },
    { retries: 3 },
  );
}
