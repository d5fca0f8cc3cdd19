import type { Exported, GalleryPersona, Page } from '@muster/protocol';
import { writePersonas } from '#gallery/personas';
import type { Principal } from '#kernel/auth';
import { noSuchPersona, readCursor, writeCursor } from './access.ts';
import { showPersona } from './persona-shape.ts';
import { listPersonas, readBodies, readPersona } from './queries/personas.ts';
import type { Room } from './room.ts';

/** Personas of the project, by id. Errors: `invalid` `bad_cursor`. */
export async function listGalleryPersonas(
  room: Room,
  who: Principal,
  query: { limit: number; cursor?: string | undefined },
): Promise<Page<GalleryPersona>> {
  await room.ready(who.projectId);
  const [after] = readCursor(query.cursor, ['string']) ?? [];
  const rows = await listPersonas(room.db, who.projectId, {
    after: after === undefined ? null : String(after),
    limit: query.limit + 1,
  });
  const items = rows.slice(0, query.limit);
  const last = items.at(-1);
  return {
    items: items.map(showPersona),
    nextCursor: rows.length > query.limit && last ? writeCursor([last.id]) : null,
  };
}

/** One persona. `notFound` `no_such_persona`. */
export async function getPersona(room: Room, who: Principal, id: string): Promise<GalleryPersona> {
  await room.ready(who.projectId);
  const row = await readPersona(room.db, who.projectId, id);
  if (!row) throw noSuchPersona(id);
  return showPersona(row);
}

/** All, or those of `ids`, as an import takes them. `notFound` `no_such_persona` naming the first that is not there. */
export async function exportPersonas(room: Room, who: Principal, ids: readonly string[] | null): Promise<Exported> {
  await room.ready(who.projectId);
  const rows = await readBodies(room.db, who.projectId, ids);
  const missing = ids?.find((id) => rows.every((row) => row.id !== id));
  if (missing !== undefined) throw noSuchPersona(missing);
  return writePersonas(rows.map(({ body }) => body));
}
