import type { Scope } from '@muster/protocol';
import { defaultProjectId, type Principal } from '#kernel/auth';
import type { Clock } from '#kernel/base';
import { notInstallationAdmin, requireFresh } from './people/index.ts';

/**
 * Whether somebody may come to hold a key with these scopes, by making one or by a new secret. A browser that was left open must not
 * hand out lasting rights; and who administers the project `default` by a key looks after the installation too. Errors: `forbidden`
 * `password_needed`, `not_installation_admin`.
 */
export function mayHold(deps: { clock: Clock }, who: Principal, scopes: readonly Scope[]): void {
  if (who.kind !== 'person' || !scopes.some((scope) => scope.endsWith(':admin'))) return;
  if (who.projectId === defaultProjectId && scopes.includes('accounts:admin') && !who.installationAdmin)
    throw notInstallationAdmin();
  requireFresh(deps, who.confirmedAt);
}
