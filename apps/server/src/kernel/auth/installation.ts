import { covers } from '@muster/protocol';
import { forbidden } from '#kernel/base';
import { defaultProjectId, type Principal } from './auth.ts';

/**
 * What concerns the machine and all projects: whoever administers the installation, and keys of the default project that
 * administer accounts, so that a program can watch it too.
 */
export function isInstallation(who: Principal): boolean {
  if (who.kind === 'system') return true;
  if (who.kind === 'person') return who.installationAdmin;
  return who.kind === 'key' && who.projectId === defaultProjectId && covers(who.scopes, 'accounts:admin');
}

/** `forbidden` `not_installation_admin`. */
export function requireInstallation(who: Principal): void {
  if (isInstallation(who)) return;
  throw forbidden(
    'not_installation_admin',
    'This is about the whole installation: it takes somebody who administers it, or a key of the default project with accounts:admin.',
  );
}
