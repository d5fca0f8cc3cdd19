import { type BuildQueue, type PauseQueue, queueNameSchema } from '@muster/protocol';
import { z } from 'zod';
import { nameOf, type Principal, writeAudit } from '#kernel/auth';
import { invalid, must } from '#kernel/base';
import type { Tx } from '#kernel/db';
import { cancel, done, type Handler, snooze } from '#kernel/queue';
import { showQueue } from './list-queues.ts';
import { pauseQueueRow, readQueue, readWaitingSigs, resumeQueueRow } from './queries/queues.ts';
import type { Room } from './room.ts';

export const resumeQueueKind = 'builds.resume-queue';
const resumePayload = z.object({ projectId: z.string(), name: z.string() });

/**
 * Stops a queue from starting builds; what runs goes on. With `resumesAt` it opens again by itself. Pausing again
 * changes reason and time. Errors: `forbidden` `missing_scope`, `invalid` `bad_queue_name`, `resumes_in_past`.
 */
export async function pauseQueue(room: Room, who: Principal, name: string, input: PauseQueue): Promise<BuildQueue> {
  room.auth.requireScope(who, 'builds:admin');
  requireName(name);
  const resumesAt = input.resumesAt === undefined ? null : new Date(input.resumesAt);
  if (resumesAt && resumesAt.getTime() <= room.clock.now()) {
    const errors = [{ pointer: '/resumesAt', detail: 'lies in the past' }];
    throw invalid('resumes_in_past', 'resumesAt must lie ahead.', { errors });
  }
  const { projectId } = who;
  await room.db.transaction(async (tx) => {
    const before = await readQueue(tx, projectId, name);
    const pause = {
      projectId,
      name,
      by: nameOf(who),
      reason: input.reason,
      resumesAt: resumesAt?.toISOString() ?? null,
    };
    must(await pauseQueueRow(tx, pause), 'the paused queue');
    if (resumesAt) {
      // Not unique: a pause that is changed gets a job of its own, and the job of the old time finds nothing due.
      await room.queue.enqueue(tx, {
        kind: resumeQueueKind,
        payload: { projectId, name },
        runAt: resumesAt,
        projectId,
      });
    }
    await room.emit(tx, [
      {
        projectId,
        type: 'paused',
        queue: name,
        reason: input.reason,
        data: { by: pause.by, resumesAt: pause.resumesAt },
      },
    ]);
    await writeAudit(tx, {
      who,
      action: 'builds.pause_queue',
      subject: name,
      before: before?.pauseReason ?? null,
      after: input.reason,
    });
  });
  return showQueue(room.db, projectId, name);
}

/** Opens a queue again; one that is open stays so. Errors: `forbidden` `missing_scope`, `notFound` `no_such_queue`. */
export async function resumeQueue(room: Room, who: Principal, name: string): Promise<BuildQueue> {
  room.auth.requireScope(who, 'builds:admin');
  requireName(name);
  const { projectId } = who;
  await room.db.transaction(async (tx) => {
    if (!(await resumeQueueRow(tx, projectId, name, false))) return;
    await opened(room, tx, projectId, name, nameOf(who));
    await writeAudit(tx, { who, action: 'builds.resume_queue', subject: name });
  });
  return showQueue(room.db, projectId, name);
}

/** The job behind `resumesAt`. The row decides: a pause that was changed or ended meanwhile is left as it is. */
export function resumeQueueJob(room: Room): Handler {
  return async (job) => {
    const payload = resumePayload.safeParse(job.payload);
    if (!payload.success) return cancel('payload is not {projectId, name}');
    const { projectId, name } = payload.data;
    const resumed = await room.db.transaction(async (tx) => {
      const due = await resumeQueueRow(tx, projectId, name, true);
      if (due) await opened(room, tx, projectId, name, 'system');
      return due;
    });
    if (resumed) return done;
    // Early by a hair: the job's clock and the row's are the same, but the row was written later in its transaction.
    const row = await readQueue(room.db, projectId, name);
    const late = row?.pausedAt && row.resumesAt ? row.resumesAt.getTime() - room.clock.now() : undefined;
    return late !== undefined && late > -60_000 && late < 1_000 ? snooze(room.clock.now() + Math.max(late, 50)) : done;
  };
}

async function opened(room: Room, tx: Tx, projectId: string, name: string, by: string): Promise<void> {
  await room.emit(tx, [{ projectId, type: 'queue_resumed', queue: name, data: { by } }]);
  const sigs = await readWaitingSigs(tx, projectId, name);
  tx.afterCommit(() => {
    for (const sig of sigs) room.wake({ projectId, sig });
  });
}

function requireName(name: string): void {
  const checked = queueNameSchema.safeParse(name);
  if (!checked.success) throw invalid('bad_queue_name', 'A queue name has 1 to 64 of A-Z a-z 0-9 . _ and -.');
}
