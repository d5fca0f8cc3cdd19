import { reach } from '#kernel/base';
import type { Db, Tx } from '#kernel/db';
import type { QueueEvents } from './events.ts';
import { type QueueTimes, queueLimits } from './limits.ts';
import { type Ended, lockEnded, raiseLeases, storeSweep, takeSweep } from './maintenance-queries.ts';
import { finishJobs, returnJobs } from './queries.ts';
import { backoffMs } from './verdict.ts';

export type RescueDeps = {
  db: Db;
  events: QueueEvents;
  times: Pick<QueueTimes, 'blindMs'>;
  onReturned: (kind: string, delayMs: number) => void;
};

/**
 * Ends leases that are over by the database's clock, one process at a time. The sweep notes when it last looked. When
 * nobody looked for longer than `blindMs`, the holders may have been unable to renew for the same reason (the database
 * was away, the machine slept): every lease is raised by its own length and nothing is ended in that round (I6).
 * Answers `true` when there may be more to do right away.
 */
export async function rescue(deps: RescueDeps): Promise<boolean> {
  const { db, events, times } = deps;
  const swept = await db.transaction(async (tx) => {
    const gapMs = await takeSweep(tx, 'rescue');
    if (gapMs === undefined) return { rescued: [], returned: [] }; // another process sweeps now
    if (gapMs > times.blindMs) {
      const raised = await raiseLeases(tx);
      await storeSweep(tx, 'rescue');
      if (raised > 0) tx.afterCommit(() => events.blind(gapMs, raised));
      return { rescued: [], returned: [] };
    }
    const rescued = await lockEnded(tx, queueLimits.rescueBatchMax);
    const returned = await takeBack(tx, rescued);
    await reach('queue.rescued');
    await storeSweep(tx, 'rescue');
    return { rescued, returned };
  });
  if (swept.rescued.length > 0) events.rescued(swept.rescued);
  for (const { kind, delayMs } of swept.returned) deps.onReturned(kind, delayMs);
  return swept.rescued.length === queueLimits.rescueBatchMax;
}

/** A lost attempt counts: a job that kills its holder must not do so for ever. */
async function takeBack(tx: Tx, ended: readonly Ended[]): Promise<{ kind: string; delayMs: number }[]> {
  const again = ended.filter((job) => job.cancelReason === null && job.attempt < job.attemptsMax);
  const over = ended.filter((job) => !again.includes(job));
  const returns = again.map(({ id, kind, term, attempt }) => ({
    id,
    kind,
    term,
    untilMs: null,
    delayMs: backoffMs(attempt),
    error: 'lease_lost',
    free: false,
  }));
  if (returns.length > 0) await returnJobs(tx, returns);
  const endings = over.map(({ id, term, cancelReason }) =>
    cancelReason === null
      ? { id, term, outcome: 'failed' as const, reason: 'lease_lost' }
      : { id, term, outcome: 'cancelled' as const, reason: cancelReason },
  );
  if (endings.length > 0) await finishJobs(tx, endings, 'running');
  return returns;
}
