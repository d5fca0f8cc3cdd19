import { type Persona, personaSchema } from '@muster/protocol';
import { blanksOf, checkText, isSituationBlank } from '#gallery/text';
import { invalid } from '#kernel/base';
import { check } from '#kernel/http';
import { checkTimezone } from './zones.ts';

const frameGroups = ['captionFrames', 'commentFrames', 'replyFrames', 'promptFrames'] as const;
type Line = { pointer: string; text: string };

/**
 * A persona as the improv mind can speak it, frozen. Throws `invalid` with pointers: `invalid_body` (the schema),
 * `timezone_unknown`, `unknown_blank`, `lexicon_loop`, or a reason of the text checks, such as `markup` for a script in a name.
 */
export function checkPersona(value: unknown): Persona {
  const persona = check(personaSchema, value, 'body');
  checkTimezone(persona.timezone);
  checkBlanks(persona);
  checkWords(persona);
  return frozen(persona);
}

function checkBlanks(persona: Persona): void {
  const taken = Object.keys(persona.lexicon).find(isSituationBlank);
  if (taken) refuse('unknown_blank', `/lexicon/${taken}`, `{${taken}} is filled from the picture; choose another name`);
  const uses = new Map<string, Set<string>>();
  for (const { pointer, text } of [...framesOf(persona), ...lexiconOf(persona)]) {
    const blanks = blanksOf(text);
    if (!blanks) refuse('unknown_blank', pointer, 'a brace is left open, or holds no name');
    const lost = blanks.find((name) => !isSituationBlank(name) && !Object.hasOwn(persona.lexicon, name));
    if (lost) refuse('unknown_blank', pointer, `{${lost}} is not in the lexicon`);
    const [, group, word] = pointer.split('/');
    if (group !== 'lexicon' || word === undefined) continue;
    const known = uses.get(word) ?? new Set();
    for (const blank of blanks) known.add(blank);
    uses.set(word, known);
  }
  // A word that is made of itself would never end.
  for (const word of uses.keys()) {
    const reached = new Set<string>();
    const next = [...(uses.get(word) ?? [])];
    for (let blank = next.pop(); blank !== undefined; blank = next.pop()) {
      if (blank === word) refuse('lexicon_loop', `/lexicon/${word}`, `{${word}} leads back to itself`);
      if (!reached.has(blank)) next.push(...(uses.get(blank) ?? []));
      reached.add(blank);
    }
  }
}

/** What a persona says must pass what is asked of every text that goes out. */
function checkWords(persona: Persona): void {
  const lines: Line[] = [
    { pointer: '/title', text: persona.title },
    { pointer: '/personality', text: persona.personality },
    { pointer: '/vibe', text: persona.vibe },
    ...listed('/interests', persona.interests),
    ...listed('/nameParts/0', persona.nameParts[0]),
    ...listed('/nameParts/1', persona.nameParts[1]),
    ...listed('/motifs', persona.motifs),
    ...framesOf(persona),
    ...lexiconOf(persona),
  ];
  for (const { pointer, text } of lines) {
    const plain = text.replaceAll(/\{[a-z0-9_]*\}/g, ' thing ').replaceAll(/\{[^{}]*\/[^{}]*\}/g, ' is ');
    const verdict = checkText(plain, { kind: 'prompt', language: 'und' });
    // An emoji list, a row of signs: fine to say. Only what must not go out is refused.
    if (!verdict.ok && verdict.reason !== 'empty') refuse(verdict.reason, pointer, verdict.detail);
  }
}

const listed = (prefix: string, texts: readonly string[]): Line[] =>
  texts.map((text, i) => ({ pointer: `${prefix}/${i}`, text }));
const framesOf = (persona: Persona): Line[] => frameGroups.flatMap((group) => listed(`/${group}`, persona[group]));
const lexiconOf = ({ lexicon }: Persona): Line[] =>
  Object.entries(lexicon).flatMap(([word, texts]) => listed(`/lexicon/${word}`, texts));

function refuse(reason: string, pointer: string, detail: string): never {
  throw invalid(reason, `${pointer}: ${detail}.`, { errors: [{ pointer, detail }] });
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) frozen(part);
  }
  return value;
}
