import { isDeepStrictEqual } from 'node:util';
import type { Imported, Persona } from '@muster/protocol';
import { type PersonaRead, readPersonas } from '#gallery/personas';
import { writeAudit } from '#kernel/auth';
import type { Tx } from '#kernel/db';
import { insertPersona, readBodies, rescheduleBots, updatePersona } from './queries/personas.ts';
import type { Asker, Room } from './room.ts';

type Row = Imported['rows'][number];
type Known = ReadonlyMap<string, { body: Persona; builtIn: boolean }>;

/**
 * Personas from a document of ours or with the older keys, row by row: what is wrong with one refuses that one and the rest
 * goes in, in one transaction. `dryRun` only says what would happen. Errors of the document as a whole: `invalid`
 * `personas_shape`, `too_many_personas`.
 */
export async function importPersonas(room: Room, asker: Asker, document: unknown, dryRun: boolean): Promise<Imported> {
  const { who } = asker;
  room.auth.requireScope(who, 'gallery:operate');
  await room.ready(who.projectId);
  const read = readPersonas(document);
  const imported = await room.db.transaction(async (tx) => {
    const known: Known = new Map((await readBodies(tx, who.projectId, null)).map((row) => [row.id, row]));
    let left = room.config.personasMax - known.size;
    const rows: Row[] = [];
    for (const one of read) {
      const judged = judge(one, known, left);
      if (judged.outcome === 'created') left -= 1;
      rows.push(judged);
      if (!dryRun && one.ok) await apply(room, tx, who.projectId, one.persona, judged.outcome);
    }
    const counts = { created: 0, updated: 0, unchanged: 0, refused: 0 };
    for (const { outcome } of rows) counts[outcome] += 1;
    if (!dryRun)
      await writeAudit(tx, { ...asker, action: 'gallery.persona.import', subject: who.projectId, after: counts });
    return { dryRun, ...counts, rows };
  });
  if (!dryRun && imported.updated > 0) await room.loop.changed(who.projectId, 'all');
  return imported;
}

function judge(read: PersonaRead, known: Known, room: number): Row {
  const { row, id } = read;
  if (!read.ok) return { row, id, outcome: 'refused', reason: read.reason, detail: read.detail, pointer: read.pointer };
  const fine = { row, id, reason: null, detail: null, pointer: null };
  const before = known.get(read.persona.id);
  if (!before && room <= 0)
    return {
      ...fine,
      outcome: 'refused',
      reason: 'personas_full',
      detail: 'the project has no room for more personas',
    };
  if (!before) return { ...fine, outcome: 'created' };
  if (isDeepStrictEqual(before.body, read.persona)) return { ...fine, outcome: 'unchanged' };
  if (before.builtIn)
    return {
      ...fine,
      outcome: 'refused',
      reason: 'is_built_in',
      detail: 'built in; give it another id',
      pointer: '/id',
    };
  return { ...fine, outcome: 'updated' };
}

async function apply(room: Room, tx: Tx, projectId: string, persona: Persona, outcome: Row['outcome']): Promise<void> {
  const at = new Date(room.clock.now());
  if (outcome === 'created') await insertPersona(tx, projectId, persona, at);
  if (outcome !== 'updated') return;
  await updatePersona(tx, projectId, persona, at);
  await rescheduleBots(tx, projectId, persona.id);
}
