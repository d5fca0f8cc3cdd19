import type {
  Activity,
  GalleryAction,
  GalleryDecision,
  GalleryMemory,
  GalleryRelation,
  GallerySpend,
  Page,
} from '@muster/protocol';
import { activityTypes } from '@muster/protocol';
import { type Principal, writeAudit } from '#kernel/auth';
import { invalid, notFound } from '#kernel/base';
import { readCursor, requireBot, writeCursor } from './access.ts';
import { showActivity } from './feed.ts';
import { type ActivityFilter, listActivity } from './queries/activity.ts';
import * as records from './queries/records.ts';
import type { Asker, Room } from './room.ts';

export type ListQuery = { limit: number; cursor?: string | undefined };

/** One page of rows read with one too many, and where it leads on. */
function paged<Row, Item>(
  rows: readonly Row[],
  limit: number,
  show: (row: Row) => Item,
  place: (row: Row) => readonly (string | number)[],
): Page<Item> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items: items.map(show), nextCursor: rows.length > limit && last ? writeCursor(place(last)) : null };
}

function beforeOf(cursor: string | undefined): records.Before {
  const [at, id] = readCursor(cursor, ['number', 'string']) ?? [];
  return typeof at === 'number' && typeof id === 'string' ? { at: new Date(at), id } : null;
}

export type FeedQuery = ListQuery & {
  bot?: string | undefined;
  persona?: string | undefined;
  type?: string | undefined;
  since?: string | undefined;
};

/** The feed of the project, or of one bot, newest first. Errors: `invalid` `invalid_query`, `bad_cursor`; those of `requireBot`. */
export async function listFeed(room: Room, who: Principal, query: FeedQuery): Promise<Page<Activity>> {
  if (query.bot !== undefined) await requireBot(room.db, who, query.bot);
  const [before] = readCursor(query.cursor, ['number']) ?? [];
  const filter: ActivityFilter = {
    botId: query.bot,
    persona: query.persona,
    types: typesOf(query.type),
    since: query.since === undefined ? undefined : new Date(query.since),
  };
  const page = { before: typeof before === 'number' ? before : null, limit: query.limit + 1 };
  const rows = await listActivity(room.db, who.projectId, filter, page);
  return paged(rows, query.limit, showActivity, (row) => [row.seq]);
}

function typesOf(text: string | undefined): string[] | undefined {
  return text?.split(',').map((word) => {
    const type = activityTypes.find((candidate) => candidate === word.trim());
    if (type !== undefined) return type;
    throw invalid('invalid_query', `?type: expected one or more of ${activityTypes.join(', ')}.`, {
      errors: [{ pointer: '?type', detail: `expected one or more of ${activityTypes.join(', ')}` }],
    });
  });
}

/** What the bot did, of the ledger. Errors of this and all below: those of `requireBot`; `invalid` `bad_cursor`. */
export async function listBotActions(
  room: Room,
  who: Principal,
  id: string,
  query: ListQuery & { state?: string | undefined },
): Promise<Page<GalleryAction>> {
  await requireBot(room.db, who, id);
  const page = { before: beforeOf(query.cursor), limit: query.limit + 1 };
  const rows = await records.listActions(room.db, id, page, query.state ?? null);
  return paged(
    rows,
    query.limit,
    (row) => ({ ...row, openedAt: row.openedAt.toISOString(), closedAt: row.closedAt?.toISOString() ?? null }),
    (row) => [row.openedAt.getTime(), row.thoughtId],
  );
}

export async function listBotDecisions(
  room: Room,
  who: Principal,
  id: string,
  query: ListQuery,
): Promise<Page<GalleryDecision>> {
  await requireBot(room.db, who, id);
  const page = { before: beforeOf(query.cursor), limit: query.limit + 1 };
  const rows = await records.listDecisions(room.db, id, page);
  return paged(
    rows,
    query.limit,
    (row) => ({ ...row, at: row.at.toISOString() }),
    (row) => [row.at.getTime(), row.thoughtId],
  );
}

export async function listBotMemory(
  room: Room,
  who: Principal,
  id: string,
  query: ListQuery,
): Promise<Page<GalleryMemory>> {
  await requireBot(room.db, who, id);
  const page = { before: beforeOf(query.cursor), limit: query.limit + 1 };
  const rows = await records.listMemories(room.db, id, page);
  return paged(
    rows,
    query.limit,
    (row) => ({ ...row, at: row.at.toISOString(), usedAt: row.usedAt.toISOString() }),
    (row) => [row.at.getTime(), row.id],
  );
}

export async function listBotRelations(
  room: Room,
  who: Principal,
  id: string,
  query: ListQuery,
): Promise<Page<GalleryRelation>> {
  await requireBot(room.db, who, id);
  const [after] = readCursor(query.cursor, ['string']) ?? [];
  const rows = await records.listRelations(room.db, id, {
    after: after === undefined ? null : String(after),
    limit: query.limit + 1,
  });
  return paged(
    rows,
    query.limit,
    (row) => ({ ...row, lastAt: row.lastAt.toISOString() }),
    (row) => [row.person],
  );
}

export async function listBotSpend(
  room: Room,
  who: Principal,
  id: string,
  query: ListQuery,
): Promise<Page<GallerySpend>> {
  await requireBot(room.db, who, id);
  const [before] = readCursor(query.cursor, ['number']) ?? [];
  const rows = await records.spendByDay(room.db, id, {
    before: typeof before === 'number' ? new Date(before) : null,
    limit: query.limit + 1,
  });
  return paged(
    rows,
    query.limit,
    (row) => ({ ...row, day: row.day.toISOString().slice(0, 10) }),
    (row) => [row.day.getTime()],
  );
}

/** One line of its memory, or all of it with whom it knows. `notFound` `no_such_memory`. */
export async function forgetMemory(
  room: Room,
  asker: Asker,
  id: string,
  memoryId: string | null,
): Promise<{ forgotten: number }> {
  const { who } = asker;
  room.auth.requireScope(who, 'gallery:operate');
  const forgotten = await room.db.transaction(async (tx) => {
    await requireBot(tx, who, id);
    const count = await records.deleteMemories(tx, id, memoryId);
    if (memoryId !== null && count === 0) throw notFound('no_such_memory', 'The bot remembers nothing of that id.');
    await writeAudit(tx, { ...asker, action: 'gallery.bot.forget', subject: id, after: { memoryId, count } });
    return count;
  });
  room.forget(id);
  await room.loop.changed(who.projectId, { bots: [id] });
  return { forgotten };
}

/** Everything that all bots of the project remember of one person. Doing it twice is the same as once. */
export async function erasePerson(
  room: Room,
  asker: Asker,
  username: string,
): Promise<{ memories: number; relations: number; decisions: number }> {
  const { who } = asker;
  room.auth.requireScope(who, 'gallery:admin');
  const erased = await room.db.transaction(async (tx) => {
    const counts = await records.erasePerson(tx, who.projectId, username);
    // The audit says that it was done and by whom, not whom it was about.
    await writeAudit(tx, { ...asker, action: 'gallery.people.erase', subject: who.projectId, after: counts });
    return counts;
  });
  room.forget();
  await room.loop.changed(who.projectId, 'all');
  return erased;
}
