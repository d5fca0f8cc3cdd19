import type { Auth } from './auth.ts';
import { type AuthOptions, Keyring } from './keyring.ts';

export { AddressSet, isLoopback, isRange, networkOf, plainAddress } from '#kernel/base';
export { type AuditEntry, type AuditFilter, type AuditRow, readAudit, writeAudit, writeAudits } from './audit.ts';
export {
  type ApiKeyRow,
  type Auth,
  type BrowserOperation,
  type BrowserPrincipal,
  browserOperations,
  defaultProjectId,
  type ForeignCredential,
  holdsScopes,
  type KeySet,
  type NewBrowserToken,
  nameOf,
  type PeopleChange,
  type PersonPrincipal,
  type Principal,
  systemPrincipal,
} from './auth.ts';
export { isInstallation, requireInstallation } from './installation.ts';
export type { AuthOptions, EnvironmentKey } from './keyring.ts';
export { RateBuckets } from './rates.ts';

/** Keys, run tokens and who may do what. Call `start` before the first request: keys of the environment get their rows then. */
export const createAuth = (options: AuthOptions): Auth => new Keyring(options);
