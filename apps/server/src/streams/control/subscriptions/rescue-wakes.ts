import { done, type Handler } from '#kernel/queue';
import type { Room } from './deps.ts';
import { wakeJob, watchLease } from './jobs.ts';
import { subscriptionLimits } from './limits.ts';
import { listNeglected } from './queries.ts';

/**
 * A wake or a lease whose job is gone, whatever became of it, gets a new one: rows decide, jobs only carry. A job that is still
 * there stays the only one.
 */
export const rescueHandler =
  (room: Room): Handler =>
  async () => {
    const { neglectedMs, neglectedMax } = subscriptionLimits;
    const neglected = await listNeglected(room.db, neglectedMs, neglectedMax);
    if (neglected.length === 0) return done;
    await room.db.transaction(async (tx) => {
      for (const wake of neglected) {
        if (wake.state === 'waking') await room.queue.enqueue(tx, wakeJob(wake));
        else await watchLease(room.queue, tx, wake, new Date(room.clock.now()));
      }
    });
    return done;
  };
