import type { Worker } from '@muster/protocol';
import { nameOf, type Principal, writeAudit } from '#kernel/auth';
import { must } from '#kernel/base';
import { noSuchWorker } from './arrive-worker.ts';
import { lockWorker, readWorker, setAdmission } from './queries/workers.ts';
import type { Room } from './room.ts';
import { showWorker } from './worker-shape.ts';

export type DrainInput = {
  reason: string;
  /** Whether it is told to exit once it holds nothing. Default true. */
  exit?: boolean | undefined;
};

/**
 * The worker takes no new builds; those it holds go on, and after the last one it is told to exit. By an operator
 * (`builds:admin`) or by itself. Errors: `forbidden` `missing_scope`, `notFound` `no_such_worker`.
 */
export async function drainWorker(
  room: Room,
  who: Principal,
  workerId: string,
  { reason, exit = true }: DrainInput,
): Promise<Worker> {
  return await admit(room, who, workerId, { admission: 'draining', reason, exit });
}

/** It takes builds again. Errors: `forbidden` `missing_scope`, `notFound` `no_such_worker`. */
export async function resumeWorker(
  room: Room,
  who: Principal,
  workerId: string,
  { reason = '' }: { reason?: string | undefined },
): Promise<Worker> {
  return await admit(room, who, workerId, { admission: 'open', reason, exit: false });
}

async function admit(
  room: Room,
  who: Principal,
  workerId: string,
  { admission, reason, exit }: { admission: 'open' | 'draining'; reason: string; exit: boolean },
): Promise<Worker> {
  if (who.kind !== 'worker' || who.workerId !== workerId) room.auth.requireScope(who, 'builds:admin');
  const { projectId } = who;
  return await room.db.transaction(async (tx) => {
    const before = await lockWorker(tx, projectId, workerId);
    if (!before) throw noSuchWorker();
    await setAdmission(tx, { id: workerId, admission, reason: admission === 'open' ? null : reason, exit });
    if (before.admission !== admission) {
      const type = admission === 'draining' ? 'draining' : 'resumed';
      await room.emit(tx, [{ projectId, type, workerId, reason, data: { by: nameOf(who) } }]);
      await writeAudit(tx, {
        who,
        action: admission === 'draining' ? 'builds.drain_worker' : 'builds.resume_worker',
        subject: workerId,
        before: before.drainReason,
        after: reason,
      });
    }
    tx.afterCommit(() => room.nudge(workerId));
    return showWorker(must(await readWorker(tx, projectId, workerId), 'the worker'));
  });
}
