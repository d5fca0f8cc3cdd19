import type { Service } from '#kernel/base';
import type { Routes } from '#kernel/http';
import { done } from '#kernel/queue';
import { bulkHandler, bulkJob } from './bulk-streams.ts';
import type { CatalogDeps, Room } from './deps.ts';
import { PublicPaths } from './public-paths.ts';
import { sweepBulks } from './queries.ts';
import { catalogRoutes } from './routes.ts';

export type Catalog = Service & {
  routes(routes: Routes): void;
  /** Whether anybody may read it. From memory. */
  isPublic(projectId: string, path: string): boolean;
};

const sweepJob = 'streams.bulk_sweep';

export function createCatalog(deps: CatalogDeps): Catalog {
  const publicPaths = new PublicPaths({ ...deps, isManaged: (first) => deps.managedScope(first) !== undefined });
  const room: Room = { ...deps, publicPaths };
  deps.queue.handle(bulkJob, bulkHandler(room), { concurrency: 2 });
  deps.queue.handle(sweepJob, async () => (await deps.db.transaction((tx) => sweepBulks(tx)), done));
  deps.queue.schedule(sweepJob, { everyMs: 60 * 60 * 1000 });
  return {
    routes: (routes) => catalogRoutes(room, routes),
    isPublic: (projectId, path) => publicPaths.has(projectId, path),
    start: () => publicPaths.start(),
    [Symbol.asyncDispose]: () => publicPaths[Symbol.asyncDispose](),
  };
}
