import type { GalleryPersona, Persona } from '@muster/protocol';

/** What the server adds to a persona; never sent back. */
const added = new Set(['version', 'builtIn', 'bots', 'mix', 'createdAt', 'updatedAt']);

export const personaOf = (shown: GalleryPersona): Persona =>
  Object.fromEntries(Object.entries(shown).filter(([key]) => !added.has(key))) as Persona;

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** The fields that differ, each whole. */
export const changesOf = (before: Persona, after: Persona): Partial<Persona> =>
  Object.fromEntries(
    Object.entries(after).filter(([key, value]) => key !== 'id' && !same(before[key as keyof Persona], value)),
  );

export const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** Whether a document typed as JSON has the outline of a persona; the server checks all of it. */
export function isPersonaShaped(value: unknown): value is Persona {
  if (typeof value !== 'object' || value === null) return false;
  const of = value as Record<string, unknown>;
  const lists = ['interests', 'motifs', 'captionFrames', 'commentFrames', 'replyFrames', 'promptFrames'];
  return (
    typeof of['id'] === 'string' &&
    typeof of['odds'] === 'object' &&
    of['odds'] !== null &&
    typeof of['style'] === 'object' &&
    of['style'] !== null &&
    typeof of['recipes'] === 'object' &&
    of['recipes'] !== null &&
    typeof of['lexicon'] === 'object' &&
    of['lexicon'] !== null &&
    Array.isArray(of['curve']) &&
    of['curve'].every(Array.isArray) &&
    Array.isArray(of['nameParts']) &&
    of['nameParts'].length === 2 &&
    of['nameParts'].every(Array.isArray) &&
    lists.every((name) => Array.isArray(of[name]))
  );
}
