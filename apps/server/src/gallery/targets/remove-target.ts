import { type Principal, writeAudit } from '#kernel/auth';
import { conflict } from '#kernel/base';
import type { Asked } from './add-target.ts';
import type { TargetsDeps } from './deps.ts';
import { deleteTarget, lockTarget } from './queries/targets.ts';
import { noSuchTarget, type TargetRegistry } from './registry.ts';
import { auditOf } from './target-shape.ts';

/**
 * Forgets a target no bot belongs to, deleted ones counted. Errors: `forbidden` `missing_scope`, `notFound` `no_such_target`,
 * `conflict` `target_in_use`, `target_built_in`, `target_from_environment`, `version_conflict`.
 */
export async function removeTarget(
  deps: TargetsDeps & { registry: TargetRegistry },
  who: Principal,
  id: string,
  asked: Asked & { ifMatch?: (version: number) => void },
): Promise<void> {
  deps.auth.requireScope(who, 'gallery:admin');
  const { projectId } = who;
  const { ifMatch, ...from } = asked;
  await deps.db.transaction(async (tx) => {
    const target = await lockTarget(tx, projectId, id);
    if (!target) throw noSuchTarget(id);
    ifMatch?.(target.version);
    if (target.kind === 'sandbox') throw conflict('target_built_in', 'The sandbox is built in and stays.');
    if (target.fromEnvironment && deps.config.floimgUrl !== undefined)
      throw conflict(
        'target_from_environment',
        'The settings make this target; take FLOIMG_API_URL out of them first.',
      );
    if (!(await deleteTarget(tx, projectId, id)))
      throw conflict('target_in_use', 'Bots live there. Delete and purge them first.');
    await writeAudit(tx, { who, action: 'gallery.remove_target', subject: id, before: auditOf(target), ...from });
  });
  deps.registry.forget(projectId, id);
  await deps.targetChanged(projectId, id);
}
