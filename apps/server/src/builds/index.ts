/**
 * Builds: outside workers pull them, nothing is lost, nothing runs twice. `createBuilds` puts the room together;
 * `docs/life-of/build.md` follows one build through it.
 */
import type { Service } from '#kernel/base';
import type { Http } from '#kernel/http';
import { accessTokens } from './access.ts';
import { artifactRoutes } from './artifact-routes.ts';
import { assembleRoom } from './assemble.ts';
import { buildRoutes } from './build-routes.ts';
import type { BuildsDeps } from './deps.ts';
import { diagnosticsRoutes } from './diagnostics-routes.ts';
import { registerGauges } from './gauges.ts';
import { type BuildsGlance, buildsGlance } from './glance.ts';
import { registerBuildJobs } from './jobs.ts';
import { logRoutes } from './log-routes.ts';
import { queueRoutes } from './queue-routes.ts';
import type { Room } from './room.ts';
import { workerSocket } from './socket.ts';
import { statsRoutes } from './stats-routes.ts';
import { type BuildStreams, buildStreams } from './stream-room.ts';
import { uploadRoutes } from './upload-routes.ts';
import { workerRoutes } from './worker-routes.ts';

export type { BuildsDeps } from './deps.ts';
export { type BuildsConfig, buildsDefaults } from './limits.ts';

export type Builds = Service & {
  /** Declares every route and socket of this room; the old paths are those of `#builds/compat`. Before `http.start`. */
  routes(http: Http): void;
  /** No new claims; parked workers come back with `nextPollMs`. Leases stay. */
  drain(): void;
  /** Fields for `/health`, from memory. */
  health(): { parked: number; connected: number };
  /** Its streams, for the room that serves `/v1/stream/`. */
  readonly streams: BuildStreams;
  /** For the overview, the search and the first steps. */
  readonly glance: BuildsGlance;
  /** What the compat layer's operations work with. */
  readonly room: Room;
};

/**
 * Call before `auth.start` and `queue.start`: credentials of builds and jobs of this room are made known to them here.
 */
export function createBuilds(deps: BuildsDeps): Builds {
  const assembled = assembleRoom(deps);
  const { room } = assembled;
  const { dispatch, connections } = room.live;
  deps.auth.recognise(accessTokens(deps.db));
  registerBuildJobs(room);
  registerGauges(room);
  deps.telemetry.metrics.gauge({
    name: 'muster_builds_parked',
    help: 'Workers whose request waits on this node.',
    collect: (gauge) => gauge.set({}, dispatch.parked),
  });
  deps.limits.add({
    name: 'builds.parked',
    unit: 'count',
    value: deps.config.parkedMax,
    setting: 'MUSTER_BUILDS_PARKED_MAX',
    whenFull: 'Further workers get 429 too_many_parked and come back after 1-5 s.',
    used: () => dispatch.parked,
  });
  const declare = [
    buildRoutes,
    uploadRoutes,
    artifactRoutes,
    workerRoutes,
    workerSocket,
    diagnosticsRoutes,
    logRoutes,
    queueRoutes,
    statsRoutes,
  ];
  return {
    room,
    streams: buildStreams(room),
    glance: buildsGlance(room),
    start: () => assembled.start(),
    routes: (http) => {
      for (const routes of declare) routes(room)(http);
    },
    drain: () => dispatch.stop(),
    health: () => ({ parked: dispatch.parked, connected: connections.size }),
    [Symbol.asyncDispose]: () => assembled[Symbol.asyncDispose](),
  };
}
