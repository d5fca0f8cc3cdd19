import type { Http } from '#kernel/http';
import type { AccountsDeps } from './deps.ts';
import { createPeople, type People } from './people/index.ts';
import { accountsRoutes } from './routes.ts';

export { checkSecret } from './check-secret.ts';
export type { AccountsDeps } from './deps.ts';
export {
  createByHand,
  endSignInsByHand,
  listByHand,
  promoteByHand,
  resetByHand,
  unlockByHand,
} from './people/by-hand.ts';

/** People and their sign-ins, API keys, who am I, limits, audit. */
export type Accounts = Omit<People, 'routes'> & { plugin(http: Http): void };

/** `start` comes after the database is migrated, `plugin` before `http.start`. */
export function createAccounts(deps: AccountsDeps): Accounts {
  const people = createPeople(deps);
  return {
    ...people,
    plugin(http) {
      accountsRoutes(deps, people, http);
      people.routes(http);
    },
  };
}
