import type { GalleryTarget, Page, PageQuery } from '@muster/protocol';
import type { Principal } from '#kernel/auth';
import type { TargetsDeps } from './deps.ts';
import { listTargets, readTarget } from './queries/targets.ts';
import { noSuchTarget } from './registry.ts';
import { showTarget } from './target-shape.ts';

type Deps = Pick<TargetsDeps, 'db' | 'auth'>;

/** Targets of the project in order of their ids; the cursor is the last id. */
export async function showPage(deps: Deps, who: Principal, page: PageQuery): Promise<Page<GalleryTarget>> {
  deps.auth.requireScope(who, 'gallery:read');
  const rows = await listTargets(deps.db, who.projectId, page.cursor ?? '', page.limit + 1);
  const shown = rows.slice(0, page.limit);
  return {
    items: shown.map(showTarget),
    nextCursor: rows.length > page.limit ? (shown.at(-1)?.id ?? null) : null,
  };
}

/** `notFound` `no_such_target`, also for targets of others. */
export async function showOne(deps: Deps, who: Principal, id: string): Promise<GalleryTarget> {
  deps.auth.requireScope(who, 'gallery:read');
  const target = await readTarget(deps.db, who.projectId, id);
  if (!target) throw noSuchTarget(id);
  return showTarget(target);
}
