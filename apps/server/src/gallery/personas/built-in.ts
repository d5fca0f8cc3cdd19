import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Persona } from '@muster/protocol';
import { internal } from '#kernel/base';
import { checkPersona } from './check-persona.ts';
import { weekOf } from './curve.ts';

const folder = join(import.meta.dirname, 'files');
const plainId = 'plain';
/** Fewer files than this were left out of a package. */
const builtInCount = 12;

let all: readonly Persona[] | undefined;

/** The personas that come with the house, by id; read and checked at the first call. Throws `internal` when a file is bad. */
export function builtInPersonas(): readonly Persona[] {
  all ??= readdirSync(folder)
    .filter((name) => name.endsWith('.json') && name !== `${plainId}.json`)
    .sort()
    .map((name) => readPersona(name));
  if (all.length !== builtInCount) {
    throw internal('personas_missing', `${all.length} of ${builtInCount} built-in personas are in ${folder}.`);
  }
  return all;
}

let plain: Persona | undefined;

/** Whom a bot without a persona speaks as; not in the catalogue. */
export function plainPersona(): Persona {
  plain ??= readPersona(`${plainId}.json`);
  return plain;
}

function readPersona(name: string): Persona {
  const body = JSON.parse(readFileSync(join(folder, name), 'utf8')) as { curve: unknown };
  try {
    return checkPersona({ ...body, curve: weekOf(body.curve) });
  } catch (cause) {
    throw internal('persona_file', `The built-in persona ${name} cannot be used.`, { cause });
  }
}
