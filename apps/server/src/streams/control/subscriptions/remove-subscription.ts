import { writeAudit } from '#kernel/auth';
import type { Room } from './deps.ts';
import { maySubscribe } from './may-subscribe.ts';
import { type Asked, changedTopic } from './put-subscription.ts';
import { deleteSubscription, findSubscription, lockSubscription } from './queries.ts';

/** Ends a subscription; its wake, if there is one, is over. Idempotent. */
export async function removeSubscription(room: Room, { who, address, requestId }: Asked, id: string): Promise<void> {
  maySubscribe(room, who);
  const row = await findSubscription(room.db, who.projectId, id);
  if (!row) return;
  await room.db.transaction(async (tx) => {
    if (!(await lockSubscription(tx, row.no))) return;
    await deleteSubscription(tx, row.no);
    await writeAudit(tx, { who, address, requestId, action: 'subscription.deleted', subject: id });
    tx.afterCommit(() => {
      room.index.remove(row.no);
      room.bus.publish(changedTopic, String(row.no));
    });
  });
}
