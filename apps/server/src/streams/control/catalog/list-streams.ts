import { covers } from '@muster/protocol';
import { invalid, notFound } from '#kernel/base';
import type { Head } from '#kernel/log';
import { type Asked, firstOf, type Room } from './deps.ts';
import { catalogLimits } from './limits.ts';
import type { ListQuery, StreamShape } from './shapes.ts';
import { showStream } from './show-stream.ts';

/** Streams of the project by path, those of rooms as far as the key may read there. `invalid` `bad_cursor`. */
export async function listStreams(
  room: Room,
  { who }: Pick<Asked, 'who'>,
  { prefix, closed, limit, cursor }: ListQuery,
): Promise<{ items: StreamShape[]; nextCursor: string | null }> {
  room.auth.requireScope(who, 'streams:read');
  if (cursor !== undefined && !/^[A-Za-z0-9_-]{1,700}$/.test(cursor))
    throw invalid('bad_cursor', 'This cursor does not come from a list of streams.');
  const items: StreamShape[] = [];
  let next: string | null = cursor ?? null;
  let scanned = 0;
  do {
    const page: Awaited<ReturnType<Room['log']['list']>> = await room.log.list(who.projectId, prefix, {
      limit: limit - items.length,
      ...(next === null ? {} : { cursor: next }),
    });
    for (const head of page.items) {
      if (closed !== undefined && head.closed !== (closed === 'true')) continue;
      if (maySee(room, who, head)) items.push(showStream(head));
    }
    scanned += page.items.length;
    next = page.nextCursor;
    // A filter that leaves nearly all out ends a page early instead of walking a million streams for one answer.
  } while (next !== null && items.length < limit && scanned < catalogLimits.scannedMax);
  return { items, nextCursor: next };
}

/** One stream. `notFound` `stream_unknown`. */
export async function readStream(room: Room, { who }: Pick<Asked, 'who'>, path: string): Promise<StreamShape> {
  room.auth.requireScope(who, 'streams:read');
  return showStream(await headOf(room, who, path));
}

export async function headOf(room: Room, who: Asked['who'], path: string): Promise<Head> {
  const head = await room.log.head({ projectId: who.projectId, path });
  if (head && maySee(room, who, head)) return head;
  throw notFound('stream_unknown', `There is no stream at ${path}.`, { extra: { path } });
}

function maySee(room: Room, who: Asked['who'], { key }: Head): boolean {
  const scope = room.managedScope(firstOf(key.path));
  return scope === undefined || covers(who.scopes, scope);
}
