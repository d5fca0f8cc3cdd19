import type { acknowledgeSchema, GalleryTarget } from '@muster/protocol';
import type { z } from 'zod';
import { nameOf, type Principal, writeAudit } from '#kernel/auth';
import { conflict, invalid, must } from '#kernel/base';
import type { Tx } from '#kernel/db';
import type { Asked } from './add-target.ts';
import type { TargetsDeps } from './deps.ts';
import { targetLimits } from './limits.ts';
import { pendingOn } from './queries/accounts.ts';
import { lockTarget, type TargetSheet, updateTarget } from './queries/targets.ts';
import { noSuchTarget, type TargetRegistry } from './registry.ts';
import { enqueueProvisioning } from './request-accounts.ts';
import { showTarget } from './target-shape.ts';

/**
 * What an operator accepts, word for word; the number goes up when the words change.
 * 1. I operate this gallery, or hold its operator's consent. 2. Its users can see which accounts are automated.
 * 3. Its numbers keep bots apart.
 */
export const acknowledgementTextVersion = 1;

/**
 * Somebody with `gallery:admin` answers for bots on a gallery, having typed its host. Accounts that waited for this are asked
 * for. Errors: `forbidden` `missing_scope`, `notFound` `no_such_target`, `invalid` `host_mismatch`, `conflict`
 * `target_built_in`.
 */
export async function acknowledgeTarget(
  deps: TargetsDeps & { registry: TargetRegistry },
  who: Principal,
  id: string,
  input: z.output<typeof acknowledgeSchema>,
  asked: Asked,
): Promise<GalleryTarget> {
  deps.auth.requireScope(who, 'gallery:admin');
  const { projectId } = who;
  const target = await deps.db.transaction(async (tx) => {
    const before = await lockTarget(tx, projectId, id);
    if (!before) throw noSuchTarget(id);
    if (before.kind === 'sandbox')
      throw conflict('target_built_in', 'The sandbox is yours; there is nothing to acknowledge.');
    requireHost(before, input.host);
    const after = await acknowledgeIn(deps, tx, before, nameOf(who));
    await writeAudit(tx, {
      who,
      action: 'gallery.acknowledge_target',
      subject: id,
      before: before.acknowledgement,
      after: { ...after.acknowledgement, statements: Object.keys(input).filter((name) => name !== 'host') },
      ...asked,
    });
    return after;
  });
  deps.registry.forget(projectId, id);
  await deps.targetChanged(projectId, id);
  return showTarget(target);
}

/** Writes it down, tells of it, and asks for the accounts that waited. */
export async function acknowledgeIn(
  deps: Pick<TargetsDeps, 'clock' | 'emit' | 'queue'>,
  tx: Tx,
  before: TargetSheet,
  by: string,
): Promise<TargetSheet> {
  const now = deps.clock.now();
  const { projectId, id } = before;
  const acknowledgement = {
    by,
    host: hostOf(before),
    at: new Date(now).toISOString(),
    textVersion: acknowledgementTextVersion,
  };
  const after = must(
    await updateTarget(tx, { ...before, acknowledgement, at: new Date(now) }),
    'the acknowledged target',
  );
  deps.emit(tx, [{ projectId, type: 'gallery.target.acknowledged', targetId: id }]);
  const waiting = await pendingOn(tx, projectId, id, targetLimits.accountsMax);
  await enqueueProvisioning(deps, tx, projectId, waiting, ` ${acknowledgement.at}`);
  return after;
}

export const hostOf = ({ baseUrl }: Pick<TargetSheet, 'baseUrl'>): string => URL.parse(baseUrl)?.host ?? '';

function requireHost(target: TargetSheet, typed: string): void {
  const host = hostOf(target);
  if (host !== '' && typed.trim().toLowerCase() === host.toLowerCase()) return;
  throw invalid('host_mismatch', `Type the host of the base URL, which is ${host}.`, {
    errors: [{ pointer: '/host', detail: `is not ${host}` }],
  });
}
