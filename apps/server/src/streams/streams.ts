import type { Service } from '#kernel/base';
import type { Http } from '#kernel/http';
import { Access } from './access.ts';
import { baseHeaders, corsOf, methods, pushErrorHeaders } from './answer-headers.ts';
import { Budgets } from './budgets.ts';
import { createControl } from './control/control.ts';
import type { StreamsDeps } from './deps.ts';
import { EventStreams } from './event-streams.ts';
import { handle } from './handle.ts';
import { LiveReads } from './live-reads.ts';
import { operations } from './operations.ts';
import type { Room } from './room.ts';
import { Rooms } from './rooms.ts';
import { showStreams } from './show-streams.ts';

export type Streams = Service & {
  /** Declares everything below `/v1/stream/`. Before `http.start`. */
  routes(http: Http): void;
  readonly access: Access;
  /** What the room's part of the one socket (`#streams/socket`) works with. */
  readonly room: Room;
};

export function createStreams(deps: StreamsDeps): Streams {
  const { config, clock, random } = deps;
  const rooms = new Rooms(deps.rooms);
  const control = createControl({
    ...deps,
    bounds: deps.limits,
    limits: config,
    managedScope: (first) => rooms.scopeOf(first),
  });
  const access = new Access({
    auth: deps.auth,
    rooms,
    config,
    isPublic: (projectId, path) => control.isPublic(projectId, path),
  });
  const room: Room = {
    log: deps.log,
    auth: deps.auth,
    clock,
    random,
    access,
    budgets: new Budgets(clock, { appends: config.appendsPerSecondMax, bytes: config.bytesPerSecondMax }),
    liveReads: new LiveReads(config.liveReadsPerCredentialMax),
    events: new EventStreams(clock, random),
    control,
    config,
  };
  const refused = showStreams(deps, room);
  const cors = corsOf(config.corsOrigins);
  return {
    access,
    room,
    routes: (http) => {
      control.routes(http);
      http.raw({
        prefix: '/v1/stream/',
        label: '/v1/stream/*',
        operations: [...operations, ...control.dsOperations],
        handle: (call) => handle(room, call, cors),
        errorHeaders: (call, error) => {
          refused(error.reason);
          const answer = baseHeaders(call.request, cors, false, true);
          pushErrorHeaders(answer, error);
          if (error.status === 405) answer.push('allow', methods);
          answer.push('cache-control', 'no-store');
          return answer;
        },
      });
    },
    start: () => control.start(),
    [Symbol.asyncDispose]: () => {
      room.events[Symbol.dispose]();
      return control[Symbol.asyncDispose]();
    },
  };
}
