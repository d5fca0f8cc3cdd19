import { galleryLimits, type Persona } from '@muster/protocol';
import { invalid, MusterError } from '#kernel/base';
import { checkPersona } from './check-persona.ts';
import { weekOf } from './curve.ts';
import { fromOlder, matchesOlder } from './older.ts';

/** What became of one row of an import. `notes`: what an older row could not bring along. */
export type PersonaRead =
  | { row: number; id: string; ok: true; persona: Persona; notes: readonly string[] }
  | { row: number; id: string | null; ok: false; reason: string; detail: string; pointer: string | null };

/**
 * The personas of a document: a list, `{personas: […]}`, or one alone; in our form or with the older keys. Row by row: one
 * that is refused does not hold back the others. Throws `invalid` `personas_shape` or `personas_too_many` for the whole.
 */
export function readPersonas(document: unknown): readonly PersonaRead[] {
  const rows = rowsOf(document);
  if (rows.length > galleryLimits.personasMax) {
    throw invalid(
      'personas_too_many',
      `At most ${galleryLimits.personasMax} personas at once; these are ${rows.length}.`,
    );
  }
  const taken = new Set<string>();
  return rows.map((row, at) => readRow(row, at, taken));
}

/** What `readPersonas` reads back unchanged. */
export function writePersonas(personas: readonly Persona[]): { personas: Persona[] } {
  return { personas: [...personas] };
}

function rowsOf(document: unknown): readonly unknown[] {
  if (Array.isArray(document)) return document;
  if (isObject(document)) {
    const inside = document['personas'];
    if (Array.isArray(inside)) return inside;
    if (inside === undefined && ('id' in document || matchesOlder(document))) return [document];
  }
  throw invalid('personas_shape', 'Expected a list of personas, {"personas": […]}, or one persona.');
}

function readRow(value: unknown, row: number, taken: Set<string>): PersonaRead {
  const id = isObject(value) && typeof value['id'] === 'string' ? value['id'].slice(0, 40) : null;
  try {
    if (!isObject(value)) throw invalid('personas_shape', 'A persona is an object.');
    const older = matchesOlder(value);
    const { body, notes } = older ? fromOlder(value) : { body: { ...value, curve: weekOf(value['curve']) }, notes: [] };
    const persona = checkPersona(body);
    if (taken.has(persona.id)) throw invalid('duplicate_id', `The document has ${persona.id} twice.`);
    taken.add(persona.id);
    return { row, id: persona.id, ok: true, persona, notes };
  } catch (error) {
    if (!(error instanceof MusterError)) throw error;
    return {
      row,
      id,
      ok: false,
      reason: reasonOf(error),
      detail: error.message,
      pointer: error.errors[0]?.pointer ?? null,
    };
  }
}

/** The schema's own messages begin with a reason where there is one: `curve_empty: …`. */
function reasonOf(error: MusterError): string {
  if (error.reason !== 'invalid_body') return error.reason;
  return /^([a-z]+_[a-z]+): /.exec(error.errors[0]?.detail ?? '')?.[1] ?? 'persona_invalid';
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
