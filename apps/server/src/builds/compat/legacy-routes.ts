import type { Call, RequestHead, Routes } from '#kernel/http';
import type { Room } from '../room.ts';

type Method = 'GET' | 'POST';
type Options = { cors?: 'public' };

/** Come at the pace the clients were built with, from many machines behind one key: not held to the general request rate. */
const ownPace: ReadonlySet<string> = new Set([
  'GET /api/workers/poll',
  'POST /api/workers/heartbeat',
  'POST /api/builds/:id/heartbeat',
  'POST /api/builds/:id/telemetry',
  'POST /api/builds/:id/logs',
]);

/** Declares a path of the old API: counted by route and generation of the client, left out of the reference. */
export type Declare = <W>(
  method: Method,
  path: string,
  /** Who calls; decided before the body is read. */
  rule: (head: RequestHead) => W | Promise<W>,
  handle: (call: Call<W>) => unknown,
  options?: Options,
) => void;

export function declareIn(room: Room, routes: Routes): Declare {
  return <W>(
    method: Method,
    path: string,
    rule: (head: RequestHead) => W | Promise<W>,
    handle: (call: Call<W>) => unknown,
    options: Options = {},
  ): void => {
    routes.route({
      method,
      path,
      auth: (head: RequestHead): unknown => {
        room.metrics.legacyRequests.add({ route: `${method} ${path}`, generation: generationOf(head) });
        return rule(head);
      },
      summary: path,
      hidden: true,
      rate: ownPace.has(`${method} ${path}`) ? 'exempt' : 'counted',
      ...options,
      // The rule that made `who` is the one this route was declared with.
      handle: (call) => handle(call as unknown as Call<W>), // oxlint-disable-line typescript/no-unsafe-type-assertion
    });
  };
}

/** The new generation sends tokens; the old one a key and nothing else. */
function generationOf({ headers }: Pick<RequestHead, 'headers'>): 'old' | 'new' | 'none' {
  if (headers['x-worker-token'] || headers['x-vm-token'] || headers['x-build-token']) return 'new';
  return headers['x-api-key'] ? 'old' : 'none';
}

/** Paths anybody may call; what they give away is nothing, or guarded by the body. */
export const open = (): undefined => undefined;
