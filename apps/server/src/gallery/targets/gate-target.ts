import type { GalleryTarget } from '@muster/protocol';
import { nameOf, type Principal, writeAudit } from '#kernel/auth';
import type { Asked } from './add-target.ts';
import type { TargetsDeps } from './deps.ts';
import { targetLimits } from './limits.ts';
import { pendingOn } from './queries/accounts.ts';
import { readTarget } from './queries/targets.ts';
import { noSuchTarget, type TargetRegistry } from './registry.ts';
import { enqueueProvisioning } from './request-accounts.ts';
import { showTarget } from './target-shape.ts';

/**
 * Shuts (`held`) or opens the gate of a target. Opening is the only way out of a gate that was held, and gives the target a
 * fresh chance. Errors: `forbidden` `missing_scope`, `notFound` `no_such_target`.
 */
export async function gateTarget(
  deps: TargetsDeps & { registry: TargetRegistry },
  who: Principal,
  id: string,
  { state, reason }: { state: 'open' | 'held'; reason: string | null },
  asked: Asked,
): Promise<GalleryTarget> {
  deps.auth.requireScope(who, 'gallery:operate');
  const { projectId } = who;
  const before = await readTarget(deps.db, projectId, id);
  if (!before) throw noSuchTarget(id);
  await deps.db.transaction((tx) =>
    writeAudit(tx, {
      who,
      action: state === 'open' ? 'gallery.open_target' : 'gallery.hold_target',
      subject: id,
      before: before.gate,
      after: { state, reason },
      ...asked,
    }),
  );
  await deps.setGate(projectId, id, state, nameOf(who), state === 'open' ? null : (reason ?? 'target_held'));
  deps.registry.forget(projectId, id);
  if (state === 'open') {
    deps.registry.calm(projectId, id);
    await askForWaiting(deps, projectId, id);
  }
  const after = await readTarget(deps.db, projectId, id);
  if (!after) throw noSuchTarget(id);
  return showTarget(after);
}

/** Accounts that waited behind the gate are asked for now, not when their jobs look again. */
async function askForWaiting(deps: TargetsDeps, projectId: string, id: string): Promise<void> {
  const occasion = ` ${new Date(deps.clock.now()).toISOString()}`;
  await deps.db.transaction(async (tx) => {
    const waiting = await pendingOn(tx, projectId, id, targetLimits.accountsMax);
    await enqueueProvisioning(deps, tx, projectId, waiting, occasion);
  });
}
