import type { GalleryTask, Page } from '@muster/protocol';
import type { Principal } from '#kernel/auth';
import { notFound } from '#kernel/base';
import { readCursor, writeCursor } from './access.ts';
import { listTasks, readTask, type TaskRow } from './queries/tasks.ts';
import type { Room } from './room.ts';

export const showTask = (row: TaskRow): GalleryTask => ({
  id: row.id,
  kind: row.kind,
  state: row.state,
  dryRun: false,
  total: row.total,
  done: row.done,
  changed: row.changed,
  refused: row.refused,
  confirmed: row.confirmed,
  error: row.error,
  result: row.result,
  createdAt: row.createdAt.toISOString(),
  finishedAt: row.finishedAt?.toISOString() ?? null,
});

/** What would be done, when only that was asked. */
export const previewTask = (
  room: Pick<Room, 'clock'>,
  kind: GalleryTask['kind'],
  counts: { total: number; changed: number; refused?: GalleryTask['refused']; result?: Record<string, unknown> },
): GalleryTask => ({
  id: null,
  kind,
  state: 'preview',
  dryRun: true,
  total: counts.total,
  done: 0,
  changed: counts.changed,
  refused: counts.refused ?? [],
  confirmed: null,
  error: null,
  result: counts.result ?? null,
  createdAt: new Date(room.clock.now()).toISOString(),
  finishedAt: null,
});

/** How far it is. `notFound` `no_such_task`. */
export async function readGalleryTask(room: Room, who: Principal, id: string): Promise<GalleryTask> {
  const row = await readTask(room.db, who.projectId, id);
  if (!row) throw notFound('no_such_task', 'There is no such task of the gallery.');
  return showTask(row);
}

export async function listGalleryTasks(
  room: Room,
  who: Principal,
  query: { limit: number; cursor?: string | undefined },
): Promise<Page<GalleryTask>> {
  const [at] = readCursor(query.cursor, ['number']) ?? [];
  const before = typeof at === 'number' ? new Date(at) : null;
  const rows = await listTasks(room.db, who.projectId, { before, limit: query.limit + 1 });
  const items = rows.slice(0, query.limit);
  const last = items.at(-1);
  return {
    items: items.map(showTask),
    nextCursor: rows.length > query.limit && last ? writeCursor([last.createdAt.getTime()]) : null,
  };
}

/** Refusals of several batches, summed by reason. */
export function mergeRefused(before: GalleryTask['refused'], more: GalleryTask['refused']): GalleryTask['refused'] {
  const merged = new Map(before.map((entry) => [entry.reason, entry]));
  for (const entry of more) {
    const same = merged.get(entry.reason);
    merged.set(entry.reason, same ? { ...same, count: same.count + entry.count } : entry);
  }
  return [...merged.values()];
}
