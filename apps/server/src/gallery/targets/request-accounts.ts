import type { Tx } from '#kernel/db';
import type { TargetsDeps } from './deps.ts';
import { markPending, markRemoving } from './queries/accounts.ts';

export const provisionKind = 'gallery.provision';
export const deprovisionKind = 'gallery.deprovision';
/** Unfinished jobs of one kind that a statement adds at once. */
const batchMax = 1_000;

/**
 * In the caller's transaction: these bots shall have accounts on their targets. Repeatable; one that has an account keeps it
 * unless `again` (the target no longer takes it). Answers how many now wait.
 */
export async function askProvisioning(
  deps: Pick<TargetsDeps, 'queue' | 'clock'>,
  tx: Tx,
  { projectId, botIds, again = false }: { projectId: string; botIds: readonly string[]; again?: boolean },
): Promise<number> {
  const pending = await markPending(tx, { projectId, botIds, again, at: new Date(deps.clock.now()) });
  await enqueueProvisioning(deps, tx, projectId, pending);
  return pending.length;
}

/**
 * In the caller's transaction: the accounts of these deleted bots shall go, and with `purge` the bots themselves, once the
 * target let go. Repeatable. Answers how many are on their way.
 */
export async function askRemoval(
  deps: Pick<TargetsDeps, 'queue' | 'clock'>,
  tx: Tx,
  { projectId, botIds, purge }: { projectId: string; botIds: readonly string[]; purge: boolean },
): Promise<number> {
  const removing = await markRemoving(tx, { projectId, botIds, at: new Date(deps.clock.now()) });
  for (let from = 0; from < removing.length; from += batchMax) {
    const jobs = removing.slice(from, from + batchMax).map(({ id, had }) => ({
      kind: deprovisionKind,
      payload: { botId: id, purge, had },
      uniqueKey: `${id} ${purge ? 'purge' : 'remove'}`,
      projectId,
    }));
    await deps.queue.enqueueMany(tx, jobs);
  }
  return removing.length;
}

export async function enqueueProvisioning(
  deps: Pick<TargetsDeps, 'queue'>,
  tx: Tx,
  projectId: string,
  botIds: readonly string[],
  /** Makes the jobs others than those that may be ending just now. */
  occasion = '',
): Promise<void> {
  for (let from = 0; from < botIds.length; from += batchMax) {
    const jobs = botIds
      .slice(from, from + batchMax)
      .map((botId) => ({ kind: provisionKind, payload: { botId }, uniqueKey: `${botId}${occasion}`, projectId }));
    await deps.queue.enqueueMany(tx, jobs);
  }
}
