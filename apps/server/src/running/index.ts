/**
 * Running: what an operator looks at first and last. The overview, the one feed of a project, search, first steps, the
 * machine with its numbers, jobs and settings. It decides nothing; the capabilities answer it through their glances.
 */
import type { Service } from '#kernel/base';
import type { Http } from '#kernel/http';
import type { RunningDeps } from './deps.ts';
import { ProjectEvents } from './project-events.ts';
import { installationRoutes, projectRoutes, type RunningRoom } from './routes.ts';
import { Sampler } from './sampler.ts';
import { Overviews } from './show-overview.ts';
import { runningStreams } from './stream-rooms.ts';

export type { PartFact, RunningDeps } from './deps.ts';
export { Pulse } from './pulse.ts';

export type Running = Service & {
  /** Declares every route of this room. Before `http.start`. */
  routes(http: Http): void;
  /** Its streams, for the room that serves `/v1/stream/`. */
  readonly streams: ReturnType<typeof runningStreams>;
};

/** `start` comes after the database is migrated and the log is open. */
export function createRunning(deps: RunningDeps): Running {
  const { db, log, clock, telemetry } = deps;
  const sampler = new Sampler(deps);
  const events = new ProjectEvents({ db, log, clock, logger: telemetry.logger });
  const overviews = new Overviews({ ...deps, sampler });
  const room: RunningRoom = { ...deps, sampler, events, overviews, startedAt: clock.now() };
  return {
    streams: runningStreams(deps, events, sampler),
    routes: (http) => {
      projectRoutes(room, http);
      installationRoutes(room, http);
    },
    start: async () => {
      await events.start();
      await sampler.start();
    },
    [Symbol.asyncDispose]: async () => {
      await sampler[Symbol.asyncDispose]();
      await events[Symbol.asyncDispose]();
    },
  };
}
