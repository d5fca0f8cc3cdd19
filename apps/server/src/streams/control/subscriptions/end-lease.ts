import type { Tx } from '#kernel/db';
import { done, type Handler, snooze } from '#kernel/queue';
import type { Room } from './deps.ts';
import { wakeJob, wakePayload } from './jobs.ts';
import { newWakeId } from './notice-appends.ts';
import { endWake, findByNo, lockSubscription } from './queries.ts';
import type { SubscriptionRow } from './rows.ts';

/** Looks when a lease may be over: nobody was heard of, so holder and token are void, and pending work wakes again. */
export const leaseHandler =
  (room: Room): Handler =>
  async (job) => {
    const { no, generation } = wakePayload.parse(job.payload);
    const row = await room.db.transaction(async (tx) => {
      const locked = await lockSubscription(tx, no);
      if (locked?.generation !== generation || locked.state !== 'leased') return undefined;
      if (locked.leaseOver) await endExpired(room, tx, locked);
      return locked.leaseOver ? undefined : locked;
    });
    return row?.leaseEndsAt ? snooze(row.leaseEndsAt.getTime()) : done;
  };

/** Ends the lease of a locked row when its time is over; answers with the row as it is then. */
export async function endExpired(room: Room, tx: Tx, row: SubscriptionRow): Promise<SubscriptionRow | undefined> {
  if (row.wakeId === null) return row;
  await over(room, tx, { no: row.no, generation: row.generation, wakeId: row.wakeId }, 'leaseEnd');
  return findByNo(tx, row.no);
}

/** The wake is over; the next one begins when work is left. `undefined`: it was over already. */
export async function over(
  room: Room,
  tx: Tx,
  wake: { no: number; generation: number; wakeId: string },
  how: 'finish' | 'release' | 'leaseEnd' | 'drop',
): Promise<{ nextWake: boolean } | undefined> {
  const ended = await endWake(tx, wake, how, newWakeId());
  if (!ended) return undefined;
  if (ended.waking) await room.queue.enqueue(tx, wakeJob({ no: wake.no, ...ended }));
  tx.afterCommit(() => {
    room.events.ended(how);
    if (ended.waking) room.events.woken(ended.type, 1);
  });
  return { nextWake: ended.waking };
}
