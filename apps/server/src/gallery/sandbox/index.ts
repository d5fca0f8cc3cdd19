/**
 * The gallery of our own: the contract of a FloImg gallery over Postgres and blobs, pages people may look at and take part
 * in, and mishaps on order. Bots reach it by `transport`, without a socket.
 */
import type { Transport } from '#gallery/model';
import { type Clock, randomToken, type Service } from '#kernel/base';
import type { Http } from '#kernel/http';
import { apiRoutes } from './api-routes.ts';
import { answerCall, type SandboxRequest } from './call.ts';
import { controlRoutes } from './control-routes.ts';
import { actsPerDay, type DayOfActs } from './numbers.ts';
import { Followers } from './pages/followers.ts';
import { pageRoutes } from './pages/routes.ts';
import { personRoutes } from './people/routes.ts';
import { type ActCounts, sumActs } from './queries/acts.ts';
import { type AnsweredPeople, readAnsweredPeople } from './queries/answers.ts';
import { dropOldKeys } from './queries/rules.ts';
import { performTogether } from './room/act.ts';
import type { Act, Acted } from './room/act-shape.ts';
import type { SandboxAnswer } from './room/answers.ts';
import { Changes } from './room/changes.ts';
import type { SandboxDeps } from './room/deps.ts';
import { FaultDesk } from './room/fault-desk.ts';
import { Feeds } from './room/feeds.ts';
import { GatheredActs } from './room/gathered-acts.ts';
import { sandboxLimits as limits } from './room/limits.ts';
import { Pictures, picturePath, scenePath } from './room/pictures.ts';
import type { SandboxRoom } from './room/room.ts';
import { Rules } from './room/rules.ts';
import { Views } from './room/views.ts';
import { type NewFaults, orderFaults, resetSandbox } from './settings.ts';
import { inProcess } from './transport.ts';

export type { SandboxRequest } from './call.ts';
export type { SandboxAnswer } from './room/answers.ts';
export type { Person, SandboxDeps } from './room/deps.ts';
export { sceneBlobKey, scenePath } from './room/pictures.ts';
export type { DayOfActs };

export type Sandbox = Service & {
  /** One call of the contract. Never throws: errors are answers. */
  call(request: SandboxRequest): Promise<SandboxAnswer>;
  /** The same for callers of this process that act as the fleet of a project. Throws `TransportError`. */
  transport(projectId: string, options?: { clock?: Clock }): Transport;
  /** Declares contract, pages, forms and `/v1/gallery/sandbox`. Before `http.start`. */
  routes(http: Http): void;
  /** Usernames of people who said "no bots on my posts". */
  quietPeople(projectId: string): Promise<ReadonlySet<string>>;
  /** Acts of people and of bots by UTC day; `from` and `to` are epoch ms. */
  humanActionsPerDay(projectId: string, from: number, to: number): Promise<DayOfActs[]>;
  /** Acts by whose they are, over the UTC days from the one of `from` to the one of `to`, both included (epoch ms). */
  actsByOrigin(projectId: string, from: number, to: number): Promise<Record<'human' | 'bot', ActCounts>>;
  /** Of the posts of people in a window (epoch ms, `to` not in it), how many a bot answered, and how soon in the median. */
  answeredPeople(projectId: string, from: number, to: number): Promise<AnsweredPeople>;
  /** Stores a drawing where the contract knows it as ours. `path` is below the base of this server. */
  storeScene(svg: string): Promise<{ blobId: string; path: string }>;
  /** The same for pixels of our own making: a PNG, kept as it is. */
  storePng(png: Uint8Array): Promise<{ blobId: string; path: string }>;
  /** Mishaps in place of those before, for an hour. */
  setFaults(projectId: string, faults: NewFaults): Promise<void>;
  resetSandbox(projectId: string): Promise<void>;
};

const sweepEveryMs = 3_600_000;

/** Call `routes` before `http.start`, `start` after the database is migrated. */
export function createSandbox(deps: SandboxDeps): Sandbox {
  const room = roomOf(deps);
  const { db } = deps;
  const fleetRoom = fleetRoomOf(room);
  const followers = new Followers(room);
  declareBounds(room, followers);
  let sweeping: Disposable | undefined;
  let stopped = false;
  const sweepLater = (): void => {
    sweeping = deps.clock.after(sweepEveryMs, () => {
      const before = new Date(deps.clock.now() - limits.keyKeepMs);
      deps.db
        .transaction((tx) => dropOldKeys(tx, before))
        .catch((error: unknown) =>
          deps.telemetry.logger.warn({ error }, 'old keys of the sandbox could not be removed'),
        )
        .finally(() => {
          if (!stopped) sweepLater();
        });
    });
  };
  return {
    call: (request) => answerCall(room, request),
    transport: (projectId, { clock = deps.clock } = {}) => inProcess(fleetRoom, projectId, clock),
    routes: (http) => {
      pageRoutes(room, followers)(http);
      for (const declare of [apiRoutes, personRoutes, controlRoutes]) declare(room)(http);
    },
    quietPeople: async (projectId) => (await room.rules.quiet(projectId)).usernames,
    humanActionsPerDay: (projectId, from, to) => actsPerDay(room, projectId, from, to),
    actsByOrigin: (projectId, from, to) => sumActs(db, projectId, new Date(from), new Date(to)),
    answeredPeople: (projectId, from, to) => readAnsweredPeople(db, projectId, new Date(from), new Date(to)),
    storeScene: async (svg) => {
      const blobId = await room.pictures.storeScene(svg);
      return { blobId, path: scenePath(blobId) };
    },
    storePng: async (png) => {
      const blobId = await room.pictures.storePng(png);
      return { blobId, path: picturePath('png', blobId) };
    },
    setFaults: (projectId, faults) => orderFaults(room, projectId, faults),
    resetSandbox: (projectId) => resetSandbox(room, projectId),
    start: async () => {
      if (!sweeping && !stopped) sweepLater();
    },
    [Symbol.asyncDispose]: async () => {
      stopped = true;
      sweeping?.[Symbol.dispose]();
      followers[Symbol.dispose]();
      await room.views.flush();
      room.feeds[Symbol.dispose]();
      room.rules[Symbol.dispose]();
      room.changes[Symbol.dispose]();
    },
  };
}

/** As the fleets of this process come in. */
function fleetRoomOf(room: SandboxRoom): SandboxRoom {
  const { fleet } = room;
  if (!fleet) return room;
  const { db } = fleet;
  const keysOf = ({ account, itemId }: Act): string[] => [account.id, ...(itemId === undefined ? [] : [itemId])];
  const together = new GatheredActs<Act, Acted>({ keysOf, commit: (acts) => performTogether(db, acts) });
  return { ...room, db, together };
}

function roomOf(deps: SandboxDeps): SandboxRoom {
  const { db, clock, bus } = deps;
  const { logger } = deps.telemetry;
  const changes = new Changes(bus, randomToken(6), deps.fleet && { now: deps.fleet.hurried, clock: deps.fleet.clock });
  return {
    ...deps,
    changes,
    faults: new FaultDesk(db, changes),
    feeds: new Feeds(db, changes),
    pictures: new Pictures(deps),
    rules: new Rules(db, changes),
    views: new Views({ db, clock, logger, changes }),
  };
}

function declareBounds({ limits: list, pictures }: SandboxRoom, followers: Followers): void {
  list.add({
    name: 'gallery.sandboxFollowers',
    unit: 'count',
    value: limits.followersMax,
    whenFull: 'A further browser gets 429 and shows the gallery without news.',
    used: () => followers.open,
  });
  list.add({
    name: 'gallery.sandboxPngs',
    unit: 'count',
    value: limits.pngWaitingMax,
    whenFull: 'A PNG that is not kept yet answers 429 png_busy.',
    used: () => pictures.making,
  });
}
