import type { GalleryTarget, patchTargetSchema } from '@muster/protocol';
import type { z } from 'zod';
import { type Principal, writeAudit } from '#kernel/auth';
import { conflict, must } from '#kernel/base';
import { type Asked, sealed } from './add-target.ts';
import { checkAddress } from './check-address.ts';
import type { TargetsDeps } from './deps.ts';
import { dialectOf } from './dialects.ts';
import { lockTarget, type TargetSheet, updateTarget } from './queries/targets.ts';
import { noSuchTarget, type TargetRegistry } from './registry.ts';
import { auditOf, showTarget } from './target-shape.ts';

type Patch = z.output<typeof patchTargetSchema>;

/**
 * Changes a target. Another base URL voids the acknowledgement, and on another host also the secrets, so that nobody can have
 * them sent somewhere else. Errors: `forbidden` `missing_scope`, `notFound` `no_such_target`, `invalid` `target_address`,
 * `conflict` `version_conflict`, `target_built_in`, `target_from_environment`.
 */
export async function changeTarget(
  deps: TargetsDeps & { registry: TargetRegistry },
  who: Principal,
  id: string,
  patch: Patch,
  asked: Asked & { ifMatch?: (version: number) => void },
): Promise<GalleryTarget> {
  deps.auth.requireScope(who, 'gallery:admin');
  const { projectId } = who;
  const { ifMatch, ...from } = asked;
  const baseUrl = patch.baseUrl === undefined ? undefined : await checkAddress(deps.outbound, patch.baseUrl);
  const changed = await deps.db.transaction(async (tx) => {
    const before = await lockTarget(tx, projectId, id);
    if (!before) throw noSuchTarget(id);
    ifMatch?.(before.version);
    requireOwn(before, patch);
    const at = new Date(deps.clock.now());
    const after = must(
      await updateTarget(tx, {
        ...changedBy(deps, before, { ...patch, ...(baseUrl === undefined ? {} : { baseUrl }) }),
        at,
      }),
      'the changed target',
    );
    await writeAudit(tx, {
      who,
      action: 'gallery.change_target',
      subject: id,
      before: auditOf(before),
      after: auditOf(after),
      ...from,
    });
    return after;
  });
  deps.registry.forget(projectId, id);
  await deps.targetChanged(projectId, id);
  return showTarget(changed);
}

function changedBy(deps: TargetsDeps, before: TargetSheet, patch: Patch): TargetSheet {
  const { token, legacyBotSecret, phaseOut, share, ...plain } = patch;
  const given = Object.fromEntries(Object.entries(plain).filter(([, value]) => value !== undefined));
  const after: TargetSheet = { ...before, ...given };
  const moved = after.baseUrl !== before.baseUrl;
  const elsewhere = hostOf(after.baseUrl) !== hostOf(before.baseUrl);
  const secret = (next: string | null | undefined, now: Buffer | null): Buffer | null =>
    next === undefined ? (elsewhere ? null : now) : sealed(deps, next);
  return {
    ...after,
    token: secret(token, before.token),
    legacySecret: secret(legacyBotSecret, before.legacySecret),
    ...(moved ? { acknowledgement: null, health: null } : {}),
    ...(moved || after.dialect !== before.dialect ? { capabilities: dialectOf(after.dialect).capabilities } : {}),
    // A fixed share ends the phase-out, unless both are named.
    phaseOut: phaseOut === undefined ? (share === undefined ? before.phaseOut : null) : phaseOut,
    share: share ?? before.share,
  };
}

const hostOf = (url: string): string | undefined => URL.parse(url)?.origin;

/** What the settings, or this program, decide is not changed over the API. */
function requireOwn(before: TargetSheet, patch: Patch): void {
  const fixed = (['baseUrl', 'token', 'legacyBotSecret', 'dialect'] as const).filter(
    (name) => patch[name] !== undefined,
  );
  if (fixed.length === 0) return;
  if (before.kind === 'sandbox')
    throw conflict('target_built_in', `The sandbox is built in: its ${fixed.join(', ')} cannot be changed.`);
  if (before.fromEnvironment && fixed.some((name) => name !== 'dialect'))
    throw conflict('target_from_environment', `The settings make this target: change its ${fixed.join(', ')} there.`);
}
