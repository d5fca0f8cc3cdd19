import { defaultProjectId, systemPrincipal, writeAudit } from '#kernel/auth';
import { must } from '#kernel/base';
import type { Tx } from '#kernel/db';
import { acknowledgeIn, hostOf } from './acknowledge-target.ts';
import { sealed } from './add-target.ts';
import type { TargetsDeps } from './deps.ts';
import { dialectOf } from './dialects.ts';
import { insertTarget, lockTarget, type NewTarget, type TargetSheet, updateTarget } from './queries/targets.ts';

export const environmentTarget = 'floimg';

/**
 * The target `floimg` as the settings have it: made once, then moved along with them; another address voids the
 * acknowledgement as a change by hand does. Only in the default project: the token is the operator's, and other projects have
 * other people. The sandbox is made with the fleet.
 */
export async function ensureTargets(deps: TargetsDeps, tx: Tx, projectId: string): Promise<void> {
  const { floimgUrl, floimgToken, floimgBotSecret, ackHost } = deps.config;
  if (floimgUrl === undefined || projectId !== defaultProjectId) return;
  const baseUrl = floimgUrl.replace(/\/+$/, '');
  const found = await lockTarget(tx, projectId, environmentTarget);
  if (found && !found.fromEnvironment) {
    deps.telemetry.logger.warn(
      { target: environmentTarget },
      'somebody made a target floimg over the API, so that of the settings is not made; remove theirs, or take the setting out',
    );
    return;
  }
  const kept = found ?? must(await insertTarget(tx, fresh(deps, projectId, baseUrl)), 'the target of the settings');
  const wanted = { token: floimgToken ?? null, legacySecret: floimgBotSecret ?? null };
  const moved = await moveAlong(deps, tx, kept, baseUrl, wanted);
  if (moved.acknowledgement !== null || ackHost === undefined) return;
  if (ackHost.trim().toLowerCase() !== hostOf(moved).toLowerCase()) return;
  const after = await acknowledgeIn(deps, tx, moved, 'setting MUSTER_GALLERY_ACK_HOST');
  await writeAudit(tx, {
    who: systemPrincipal(projectId),
    action: 'gallery.acknowledge_target',
    subject: after.id,
    after: after.acknowledgement,
  });
}

/** Writes the row only when the settings say something else than it does. */
async function moveAlong(
  deps: TargetsDeps,
  tx: Tx,
  row: TargetSheet,
  baseUrl: string,
  wanted: { token: string | null; legacySecret: string | null },
): Promise<TargetSheet> {
  const moved = row.baseUrl !== baseUrl;
  const sameToken = opened(deps, row.token) === wanted.token && opened(deps, row.legacySecret) === wanted.legacySecret;
  if (!moved && sameToken) return row;
  return must(
    await updateTarget(tx, {
      ...row,
      baseUrl,
      token: sealed(deps, wanted.token),
      legacySecret: sealed(deps, wanted.legacySecret),
      ...(moved ? { acknowledgement: null, health: null, capabilities: dialectOf(row.dialect).capabilities } : {}),
      at: new Date(deps.clock.now()),
    }),
    'the moved target',
  );
}

/** `undefined`: it cannot be opened any more, which is as good as another one. */
function opened({ secrets }: TargetsDeps, box: Buffer | null): string | null | undefined {
  if (box === null) return null;
  try {
    return secrets.open(box).toString('utf8');
  } catch {
    return undefined;
  }
}

const fresh = (deps: TargetsDeps, projectId: string, baseUrl: string): NewTarget => ({
  projectId,
  id: environmentTarget,
  title: 'FloImg',
  baseUrl,
  token: sealed(deps, deps.config.floimgToken ?? null),
  legacySecret: sealed(deps, deps.config.floimgBotSecret ?? null),
  dialect: 'showcase',
  capabilities: dialectOf('showcase').capabilities,
  rps: 10,
  concurrency: 16,
  quietList: [],
  banned: [],
  captionFooter: null,
  deprovisionOnDelete: false,
  phaseOut: null,
  share: 1,
  acknowledgement: null,
  fromEnvironment: true,
  at: new Date(deps.clock.now()),
});
