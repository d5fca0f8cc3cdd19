import type { Registered } from '@muster/protocol';
import { type Principal, writeAudit } from '#kernel/auth';
import { must } from '#kernel/base';
import { noSuchWorker } from './arrive-worker.ts';
import { dispatchLimits } from './dispatch-limits.ts';
import type { Holder } from './holder.ts';
import { lockWorker } from './queries/workers.ts';
import type { Room } from './room.ts';
import type { Asked } from './submit-build.ts';
import { showWorker } from './worker-shape.ts';

/** Another token for the worker; the ones before stay valid for 60 s, for calls on their way and for a lost answer. */
export async function rotateToken(
  room: Room,
  { workerId, projectId }: Pick<Holder, 'workerId' | 'projectId'>,
): Promise<Registered> {
  return await room.db.transaction(async (tx) => {
    const worker = await lockWorker(tx, projectId, workerId);
    if (!worker) throw noSuchWorker();
    await room.auth.endRunTokens(tx, { workerId }, dispatchLimits.tokenOverlapMs);
    const token = await room.auth.issueRunToken(tx, { kind: 'wkt', projectId, subject: { workerId } });
    return { worker: showWorker(must(worker, 'the worker')), token };
  });
}

/**
 * The same asked by an operator, for a worker whose token was lost; 60 s later the worker can only go on with the new one.
 * Errors: `forbidden` `missing_scope`; `notFound` `no_such_worker`.
 */
export async function replaceToken(room: Room, who: Principal, workerId: string, asked: Asked): Promise<Registered> {
  room.auth.requireScope(who, 'builds:admin');
  const { projectId } = who;
  const registered = await rotateToken(room, { workerId, projectId });
  await room.db.transaction((tx) =>
    writeAudit(tx, { who, action: 'builds.worker_token', subject: workerId, ...asked }),
  );
  return registered;
}
