/** People: the way in for the first one, invites, signing in and out, and who sits before a browser. */
import type { PersonMe } from '@muster/protocol';
import { RateBuckets } from '#kernel/auth';
import { asError, type Limits, type Service } from '#kernel/base';
import { chosenProject, type Http, type RequestHead } from '#kernel/http';
import { authRoutes } from './auth-routes.ts';
import { SessionCookie } from './cookie.ts';
import { declareLimits } from './declare-limits.ts';
import { createEngine } from './engine.ts';
import { keepHouse } from './keep-house.ts';
import { peopleLimits } from './limits.ts';
import { pageRoutes } from './page-routes.ts';
import { HashGate } from './passwords.ts';
import { peopleRoutes } from './people-routes.ts';
import { readSecondFactor } from './queries/second-factors.ts';
import type { PeopleDeps, PeopleRoom } from './room.ts';
import { offerSetup, setUpHeadless } from './setup.ts';
import { meOf } from './shapes.ts';
import { membershipOf, personAgain, personOf, readSignIn, requireSignIn } from './signed-in.ts';

export type { PeopleDeps } from './room.ts';
export { notInstallationAdmin, requireFresh } from './signed-in.ts';

/** Somebody who is signed in, for pages that are readable by anybody. */
export type CurrentPerson = { id: string; name: string; username: string; projectId: string };

export type People = Service & {
  /** Before `http.start`: pages, the API of people, and the cookie as a credential of `/v1`. */
  routes(http: Http): void;
  /** Who sits before this browser, in the project they are in; `undefined`: nobody, or somebody who belongs to none. */
  currentPerson(head: Pick<RequestHead, 'headers'>): Promise<CurrentPerson | undefined>;
  /** Who sits there, with everything about them; in the project the call names. `unauthenticated` `no_credential`. */
  me(head: RequestHead): Promise<PersonMe>;
  /** Once the address is known: the link by which the first administrator comes in, and the file that holds it. */
  offerSetup(base: string): Promise<{ link: string; file: string } | undefined>;
};

/** `start` comes after the database is migrated; it makes the administrator of the settings where there is none. */
export function createPeople(deps: PeopleDeps & { limits: Limits }): People {
  const { clock, logger } = deps;
  const room: PeopleRoom = {
    ...deps,
    engine: createEngine({ db: deps.db, clock, logger, secret: deps.engineSecret }),
    gate: new HashGate(),
    cookie: new SessionCookie(deps.cookieKeys, deps.basePath),
    floods: new RateBuckets({
      clock,
      perSecond: peopleLimits.triesPerSecond,
      burst: peopleLimits.triesBurst,
      keysMax: peopleLimits.triesAddressesMax,
    }),
    refusals: new RateBuckets({ clock, perSecond: 1, burst: 1, keysMax: 20 }),
  };
  declareLimits(deps.limits, room.gate);
  let running = false;
  let timer: Disposable | undefined;
  const later = (): void => {
    timer = clock.after(peopleLimits.keepHouseEveryMs, () => {
      keepHouse(room)
        .catch((error: unknown) => logger.warn({ error: asError(error) }, 'old sign-ins could not be removed'))
        .finally(() => {
          if (running) later();
        });
    });
  };
  return {
    async start() {
      if (running) return;
      running = true;
      await setUpHeadless(room);
      later();
    },
    routes(http) {
      http.people((head) => personOf(room, head));
      room.auth.seePeople((who) => personAgain(room, who));
      pageRoutes(room, http);
      authRoutes(room, http);
      peopleRoutes(room, http);
    },
    async currentPerson({ headers }) {
      const found = await readSignIn(room, headers.cookie);
      const membership = found && membershipOf(found, undefined);
      // What is archived can be looked at only, as by anybody.
      if (!found || !membership || membership.archived) return undefined;
      return { id: found.personId, name: found.name, username: found.name, projectId: membership.projectId };
    },
    async me(head) {
      const found = await requireSignIn(room, head);
      return meOf(found, await readSecondFactor(room.db, found.personId), chosenProject(head));
    },
    offerSetup: (base) => offerSetup(room, base),
    [Symbol.asyncDispose]: () => {
      running = false;
      timer?.[Symbol.dispose]();
      return Promise.resolve();
    },
  };
}
