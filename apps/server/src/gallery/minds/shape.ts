import { type ActKind, actKinds, galleryLimits } from '@muster/protocol';
import type { Decision, Situation } from '#gallery/model';
import { cleaned, cutAtWord } from '#gallery/text';
import { findObjects } from './find-json.ts';

/**
 * What a model is asked to answer. `on` counts the items from 1, 0 is none. Every field is required and nothing else is
 * allowed, as the strictest provider wants it.
 */
export const answerSchema = {
  type: 'object',
  properties: {
    do: { type: 'string', enum: [...actKinds, 'nothing'] },
    on: { type: 'integer' },
    why: { type: 'string' },
    text: { type: 'string' },
    prompt: { type: 'string' },
    caption: { type: 'string' },
    alt: { type: 'string' },
    tags: { type: 'array', items: { type: 'string' } },
  },
  required: ['do', 'on', 'why', 'text', 'prompt', 'caption', 'alt', 'tags'],
  additionalProperties: false,
} as const;

/** Code points; what is longer is cut behind a word. The words the prompt asks for are far fewer. */
const pointsMax = {
  why: galleryLimits.whyCharsMax,
  text: galleryLimits.commentCharsMax,
  prompt: 400,
  caption: galleryLimits.captionCharsMax,
  alt: 200,
  tag: 40,
} as const;
const tagsMax = 4;

export type ReadAnswer = { ok: true; decision: Decision } | { ok: false; why: string };
const no = (why: string): ReadAnswer => ({ ok: false, why });

/** Reads what a model wrote, as far as it is meant; unknown keys are dropped. `why` is told to the model. */
export function readAnswer(text: string, situation: Situation): ReadAnswer {
  const objects = findObjects(text).filter((object) => 'do' in object);
  const [answer] = objects;
  if (!answer) return no('there was no whole JSON object with "do" in it');
  if (objects.length > 1 && new Set(objects.map((object) => JSON.stringify(object))).size > 1) {
    return no('there were several JSON objects; exactly one is wanted');
  }
  const kind = kindOf(answer['do']);
  if (kind === undefined) return no(`"do" must be one of ${allowed(situation).join(', ')}`);
  const on = numberOf(answer['on']);
  if (on === undefined || on < 0 || on > situation.candidates.length) {
    return no(`"on" must be a number from 0 to ${situation.candidates.length}`);
  }
  const decision: Decision = {
    do: kind,
    on: on - 1,
    why: line(answer['why'], pointsMax.why),
    text: line(answer['text'], pointsMax.text),
    prompt: line(answer['prompt'], pointsMax.prompt),
    caption: line(answer['caption'], pointsMax.caption),
    alt: line(answer['alt'], pointsMax.alt),
    tags: tagsOf(answer['tags']),
  };
  return situation.wanted ? asWanted(decision, situation.wanted) : asAllowed(decision, situation);
}

/** What was decided by the odds stays; only the words are taken. */
function asWanted(decision: Decision, { kind, on, why }: NonNullable<Situation['wanted']>): ReadAnswer {
  const words = wordsMissing(kind, decision);
  if (words) return no(words);
  return { ok: true, decision: { ...decision, do: kind, on: on ?? -1, why } };
}

function asAllowed(decision: Decision, situation: Situation): ReadAnswer {
  const candidate = situation.candidates[decision.on];
  let kind = decision.do;
  // An answer below its own item and a comment on another's are one thing to a model.
  if (candidate && (kind === 'comment' || kind === 'reply')) kind = candidate.kind === 'reply' ? 'reply' : 'comment';
  if (kind === 'nothing') return { ok: true, decision: { ...decision, do: 'nothing', on: -1 } };
  if (situation.odds[kind] === undefined) return no(`"do" must be one of ${allowed(situation).join(', ')}`);
  if (kind === 'post') decision = { ...decision, on: -1 };
  else if (kind !== 'browse') {
    if (!candidate) return no('"on" must be the number of an item');
    if (kind === 'like' && candidate.kind === 'reply') return no('that item is its own; it is not liked');
    if (kind === 'like' && candidate.liked) return no('that item is liked already');
  }
  const words = wordsMissing(kind, decision);
  return words ? no(words) : { ok: true, decision: { ...decision, do: kind } };
}

function wordsMissing(kind: ActKind, { text, prompt, caption, alt }: Decision): string | undefined {
  if (kind === 'post' && (prompt === '' || caption === '' || alt === '')) {
    return 'a post needs "prompt", "caption" and "alt"';
  }
  return (kind === 'comment' || kind === 'reply') && text === '' ? `a ${kind} needs "text"` : undefined;
}

const allowed = ({ odds, wanted }: Situation): string[] => [
  ...(wanted ? [wanted.kind] : actKinds.filter((kind) => odds[kind] !== undefined)),
  'nothing',
];

function kindOf(value: unknown): ActKind | 'nothing' | undefined {
  const word = typeof value === 'string' ? value.trim().toLowerCase() : undefined;
  return [...actKinds, 'nothing' as const].find((kind) => kind === word);
}

function numberOf(value: unknown): number | undefined {
  if (value === undefined || value === null || value === '') return 0;
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) ? number : undefined;
}

function line(value: unknown, max: number): string {
  if (typeof value !== 'string') return '';
  const whole = cleaned(value.slice(0, 20 * max));
  return cutAtWord(whole, max) ?? Array.from(whole).slice(0, max).join('');
}

function tagsOf(value: unknown): string[] {
  const given: unknown[] = Array.isArray(value) ? value : typeof value === 'string' ? value.split(/[,#]/) : [];
  const tags = given.map((tag) => line(tag, pointsMax.tag).replace(/^#+/, '').trim());
  return [...new Set(tags.filter((tag) => tag !== ''))].slice(0, tagsMax);
}
