import { type ClonePersona, type GalleryPersona, type Persona, personaSchema } from '@muster/protocol';
import { checkPersona as checkWhole } from '#gallery/personas';
import { writeAudit } from '#kernel/auth';
import { conflict, exhausted, invalid, type MusterError, must } from '#kernel/base';
import type { Tx } from '#kernel/db';
import type { Once } from '#kernel/http';
import { noSuchPersona } from './access.ts';
import { renamed } from './bot-input.ts';
import { showPersona } from './persona-shape.ts';
import {
  countPersonaBots,
  countPersonas,
  deletePersona,
  insertPersona,
  lockPersona,
  moveBots,
  readPersona,
  rescheduleBots,
  updatePersona,
} from './queries/personas.ts';
import type { Asker, Room } from './room.ts';

function checkPersona(body: unknown): Persona {
  try {
    return checkWhole(body);
  } catch (error) {
    throw renamed(error);
  }
}

/** Errors: `invalid` with pointers (those of `checkPersona`); `conflict` `persona_exists`; `exhausted` `personas_full`. */
export async function createPersona(room: Room, asker: Asker, body: unknown, once: Once): Promise<GalleryPersona> {
  const { who } = asker;
  room.auth.requireScope(who, 'gallery:operate');
  const persona = checkPersona(body);
  await room.ready(who.projectId);
  return room.db.transaction((tx) => once(tx, () => insertIn(room, tx, asker, persona, 'gallery.persona.create')));
}

/** A copy under another id, which may be edited as one likes: how built-in ones are changed. Errors: as `createPersona`. */
export async function clonePersona(
  room: Room,
  asker: Asker,
  id: string,
  input: ClonePersona,
  once: Once,
): Promise<GalleryPersona> {
  const { who } = asker;
  room.auth.requireScope(who, 'gallery:operate');
  await room.ready(who.projectId);
  return room.db.transaction((tx) =>
    once(tx, async () => {
      const first = await readPersona(tx, who.projectId, id);
      if (!first) throw noSuchPersona(id);
      const copy = checkPersona({ ...first.body, id: input.id, title: input.title ?? first.body.title });
      return insertIn(room, tx, asker, copy, 'gallery.persona.clone');
    }),
  );
}

async function insertIn(room: Room, tx: Tx, asker: Asker, persona: Persona, action: string): Promise<GalleryPersona> {
  const { projectId } = asker.who;
  const { personasMax } = room.config;
  if ((await countPersonas(tx, projectId)) >= personasMax) {
    throw exhausted('personas_full', `A project has at most ${personasMax} personas.`, { retryAfterMs: 60_000 });
  }
  if (!(await insertPersona(tx, projectId, persona, new Date(room.clock.now())))) {
    throw conflict('persona_exists', `There is a persona ${persona.id} already.`, {
      errors: [{ pointer: '/id', detail: 'taken' }],
    });
  }
  await writeAudit(tx, { ...asker, action, subject: persona.id, after: { title: persona.title } });
  return showPersona(must(await readPersona(tx, projectId, persona.id), 'the persona just made'));
}

/**
 * Fields of the body replace those of the persona, whole. Bots of it think by the new version from their next think on.
 * Errors: as `createPersona`; `notFound` `no_such_persona`; `conflict` `is_built_in`, `version_conflict`; `invalid` `read_only`.
 */
export async function changePersona(
  room: Room,
  asker: Asker,
  id: string,
  body: Readonly<Record<string, unknown>>,
  ifMatch: (version: number) => void,
): Promise<GalleryPersona> {
  const { who } = asker;
  room.auth.requireScope(who, 'gallery:operate');
  await room.ready(who.projectId);
  const known = Object.keys(personaSchema.shape);
  const fixed = Object.keys(body).filter(
    (name) => name === 'id' || ['version', 'builtIn', 'bots', 'mix', 'createdAt', 'updatedAt'].includes(name),
  );
  if (fixed.some((name) => name !== 'id' || body['id'] !== id))
    throw readOnly(fixed.filter((name) => name !== 'id' || body['id'] !== id));
  const shown = await room.db.transaction(async (tx) => {
    const before = await lockPersona(tx, who.projectId, id);
    if (!before) throw noSuchPersona(id);
    ifMatch(before.version);
    if (before.builtIn) throw builtIn(id);
    const after = checkPersona({ ...before.body, ...body, id });
    await updatePersona(tx, who.projectId, after, new Date(room.clock.now()));
    const retimed = (['tier', 'timezone', 'curve'] as const).some((name) => name in body);
    if (retimed) await rescheduleBots(tx, who.projectId, id);
    await writeAudit(tx, {
      ...asker,
      action: 'gallery.persona.change',
      subject: id,
      after: Object.fromEntries(Object.entries(body).filter(([name]) => known.includes(name))),
    });
    return showPersona(must(await readPersona(tx, who.projectId, id), 'the changed persona'));
  });
  await room.loop.changed(who.projectId, 'all');
  return shown;
}

const readOnly = (names: readonly string[]): MusterError =>
  invalid('read_only', `${names.join(', ')} cannot be set here.`, {
    errors: names.map((name) => ({ pointer: `/${name}`, detail: 'cannot be set here' })),
  });
const builtIn = (id: string): MusterError =>
  conflict('is_built_in', `${id} is built in; clone it and change the clone.`, {
    extra: { remedy: `POST /v1/gallery/personas/${id}/clone` },
  });

/**
 * A persona goes when no bot is drawn from it, or all of them move to another one in the same transaction. Errors:
 * `notFound` `no_such_persona`; `conflict` `persona_in_use` with the count, `is_built_in`, `version_conflict`; `invalid`
 * `no_such_persona` for `moveTo`.
 */
export async function removePersona(
  room: Room,
  asker: Asker,
  id: string,
  moveTo: string | undefined,
  ifMatch: (version: number) => void,
): Promise<{ id: string; moved: number }> {
  const { who } = asker;
  room.auth.requireScope(who, 'gallery:operate');
  await room.ready(who.projectId);
  const moved = await room.db.transaction(async (tx) => {
    const persona = await lockPersona(tx, who.projectId, id);
    if (!persona) throw noSuchPersona(id);
    ifMatch(persona.version);
    if (persona.builtIn) throw builtIn(id);
    const bots = await countPersonaBots(tx, who.projectId, id);
    if (bots > 0 && moveTo === undefined) {
      throw conflict('persona_in_use', `${bots} bots are drawn from ${id}; say which persona they move to.`, {
        extra: { bots, remedy: 'Repeat with ?moveTo=<persona>.' },
      });
    }
    if (moveTo !== undefined && (moveTo === id || !(await lockPersona(tx, who.projectId, moveTo)))) {
      throw invalid('no_such_persona', `There is no other persona ${moveTo}.`, {
        errors: [{ pointer: '?moveTo', detail: 'no such persona' }],
      });
    }
    const count = moveTo === undefined ? 0 : await moveBots(tx, who.projectId, id, moveTo, new Date(room.clock.now()));
    await deletePersona(tx, who.projectId, id);
    await writeAudit(tx, { ...asker, action: 'gallery.persona.delete', subject: id, after: { moveTo, moved: count } });
    return count;
  });
  await room.loop.changed(who.projectId, 'all');
  return { id, moved };
}
