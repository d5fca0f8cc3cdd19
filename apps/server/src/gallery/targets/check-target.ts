import type { z } from 'zod';
import type { Principal } from '#kernel/auth';
import type { targetCheckSchema } from './check-shape.ts';
import type { TargetsDeps } from './deps.ts';
import { writeHealth } from './queries/targets.ts';
import type { TargetRegistry } from './registry.ts';

/**
 * Looks at a target without changing anything there, and keeps what was found. Works before it is acknowledged. Errors:
 * `forbidden` `missing_scope`, `notFound` `no_such_target`; what is wrong with the target is in the findings.
 */
export async function lookAtTarget(
  deps: TargetsDeps & { registry: TargetRegistry },
  who: Principal,
  id: string,
  signal: AbortSignal,
): Promise<z.output<typeof targetCheckSchema>> {
  deps.auth.requireScope(who, 'gallery:operate');
  const { projectId } = who;
  deps.registry.forget(projectId, id);
  const client = await deps.registry.of(projectId, id);
  const { findings, capabilities, clockSkewMs } = await client.check(signal);
  const bad = findings.filter(({ ok }) => !ok);
  const checkedAt = new Date(deps.clock.now()).toISOString();
  const detail = bad.length === 0 ? 'All is well.' : bad.map((finding) => finding.detail).join(' ');
  const health = { checkedAt, ok: bad.length === 0, detail: detail.slice(0, 1_000) };
  await deps.db.transaction(async (tx) => writeHealth(tx, { projectId, id, health, capabilities }));
  deps.registry.forget(projectId, id);
  return { ok: health.ok, checkedAt, findings, capabilities, clockSkewMs };
}
