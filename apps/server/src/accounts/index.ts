import type { Http } from '#kernel/http';
import type { AccountsDeps } from './deps.ts';
import { accountsRoutes } from './routes.ts';

export { checkSecret } from './check-secret.ts';
export type { AccountsDeps } from './deps.ts';

/** API keys, who am I, limits, audit. */
export const createAccounts = (deps: AccountsDeps): { plugin(http: Http): void } => ({
  plugin: (http) => accountsRoutes(deps, http),
});
