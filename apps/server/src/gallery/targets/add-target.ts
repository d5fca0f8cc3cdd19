import type { createTargetSchema, GalleryTarget } from '@muster/protocol';
import type { z } from 'zod';
import { type Principal, writeAudit } from '#kernel/auth';
import { conflict, exhausted, invalid } from '#kernel/base';
import type { Once } from '#kernel/http';
import { checkAddress } from './check-address.ts';
import type { TargetsDeps } from './deps.ts';
import { dialectOf } from './dialects.ts';
import { targetLimits } from './limits.ts';
import { insertTarget, listTargets } from './queries/targets.ts';
import { auditOf, showTarget } from './target-shape.ts';

/** Who asks, and where from, for the audit. */
export type Asked = { address: string; requestId: string };

/**
 * A gallery bots may live on; nobody acts there until it is acknowledged. Errors: `forbidden` `missing_scope`, `invalid`
 * `target_address`, `token_malformed`, `conflict` `target_exists`, `exhausted` `targets_full`.
 */
export async function addTarget(
  deps: TargetsDeps,
  who: Principal,
  input: z.output<typeof createTargetSchema>,
  once: Once,
  asked: Asked,
): Promise<GalleryTarget> {
  deps.auth.requireScope(who, 'gallery:admin');
  const baseUrl = await checkAddress(deps.outbound, input.baseUrl);
  const { projectId } = who;
  const { token, legacyBotSecret, ...rest } = input;
  return await deps.db.transaction((tx) =>
    once(tx, async () => {
      const known = await listTargets(tx, projectId, '', targetLimits.targetsMax);
      if (known.length >= targetLimits.targetsMax)
        throw exhausted('targets_full', `A project has at most ${targetLimits.targetsMax} targets.`);
      const made = await insertTarget(tx, {
        ...rest,
        projectId,
        baseUrl,
        token: sealed(deps, token),
        legacySecret: sealed(deps, legacyBotSecret),
        capabilities: dialectOf(rest.dialect).capabilities,
        acknowledgement: null,
        fromEnvironment: false,
        at: new Date(deps.clock.now()),
      });
      if (!made) throw conflict('target_exists', `There is a target ${input.id} already.`);
      await writeAudit(tx, { who, action: 'gallery.add_target', subject: made.id, after: auditOf(made), ...asked });
      return showTarget(made);
    }),
  );
}

/** Sealed for its row. `invalid` `token_malformed` for what no header can carry. */
export function sealed({ secrets }: Pick<TargetsDeps, 'secrets'>, secret: string | null): Buffer | null {
  if (secret === null) return null;
  if (!/^[\x21-\x7e]+$/.test(secret))
    throw invalid('token_malformed', 'A token has visible ASCII characters only, and no spaces.');
  return secrets.seal(Buffer.from(secret));
}
