import type { Persona } from '@muster/protocol';
import { asksSomething, type Piece, parseFrame, praisesSomething, suggestsSomething } from '#gallery/text';
import { type Noun, nounOf } from './nouns.ts';
import { type Choice, varied } from './variants.ts';

/** What has to be known before a frame can be said; one bit each. */
export const needs = {
  thing: 1,
  other: 2,
  place: 4,
  colour: 8,
  weather: 16,
  time: 32,
  number: 64,
  word: 128,
  title: 256,
  tag: 512,
  author: 1 << 10,
  person: 1 << 11,
  question: 1 << 12,
  thanks: 1 << 13,
  praise: 1 << 14,
  idea: 1 << 15,
  remark: 1 << 16,
  known: 1 << 17,
  alone: 1 << 18,
  talk: 1 << 19,
  bot: 1 << 20,
  human: 1 << 21,
  morning: 1 << 22,
  evening: 1 << 23,
  night: 1 << 24,
  weekend: 1 << 25,
  many: 1 << 26,
  one: 1 << 27,
  /** No name with an article of its own: such takes neither `a` nor an adjective. */
  common: 1 << 28,
} as const;

const bitOf: Readonly<Record<string, number>> = {
  thing: needs.thing | needs.common,
  the_thing: needs.thing,
  a_thing: needs.thing,
  other: needs.thing | needs.other | needs.common,
  the_other: needs.thing | needs.other,
  place: needs.place,
  the_place: needs.place,
  colour: needs.colour,
  weather: needs.weather,
  time: needs.time,
  number: needs.number,
  word: needs.word,
  title: needs.title,
  tag: needs.tag,
  author: needs.author,
  person: needs.person,
  if_question: needs.question,
  if_thanks: needs.thanks,
  if_praise: needs.praise,
  if_idea: needs.idea,
  if_remark: needs.remark,
  if_known: needs.known,
  if_alone: needs.alone,
  if_talk: needs.talk | needs.thing,
  if_bot: needs.bot,
  if_person: needs.human,
  if_morning: needs.morning,
  if_evening: needs.evening,
  if_night: needs.night,
  if_weekend: needs.weekend,
  if_many: needs.many | needs.thing,
  if_one: needs.one | needs.thing,
};
/** Needs that a frame itself states; without one it is said on every occasion of its kind. */
export const occasions = needs.question | needs.thanks | needs.praise | needs.idea | needs.remark;

export const moves = ['ask', 'suggest', 'praise', 'notice'] as const;
export type Move = (typeof moves)[number];

export type Rule = {
  pieces: readonly (Piece | Choice)[];
  /** Whether an opening phrase can go before it. */
  opens: boolean;
  /** Whether it has an epithet or an adverb of its own; more would be too much. */
  coloured: boolean;
  needs: number;
  /** Its longest run of own words, in small letters: what a text made of it has surely in it. */
  mark: string;
  move: Move;
};
export type Grammar = {
  comments: Readonly<Record<Move, readonly Rule[]>>;
  replies: readonly Rule[];
  captions: readonly Rule[];
  prompts: readonly Rule[];
  lexicon: ReadonlyMap<string, readonly Rule[]>;
  /** Phrases that may open a sentence; from the lexicon's `opener`. */
  openers: readonly Rule[];
  /** Words that may stand before any thing, and before what it does. */
  epithets: readonly Rule[];
  adverbs: readonly Rule[];
  /** Second sentences; from the lexicon's `aside`. */
  asides: readonly Rule[];
  motifs: readonly Noun[];
  emoji: readonly string[];
  english: boolean;
};

/** Shorter runs say too little to be known again. */
const markMin = 8;

export function ruleOf(frame: string): Rule {
  const whole = parseFrame(frame) ?? [frame];
  const pieces = varied(whole);
  let bits = 0;
  let mark = '';
  for (const piece of pieces) {
    if (typeof piece === 'string') {
      const plain = piece.toLowerCase().replaceAll(/^[\s.,;:!?]+|[\s.,;:!?]+$/g, '');
      if (plain.length > mark.length) mark = plain;
    } else if ('blank' in piece) bits |= bitOf[piece.blank] ?? 0;
  }
  const plain = whole
    .map((piece) => (typeof piece === 'string' ? piece : 'blank' in piece ? 'thing' : piece.one))
    .join('');
  const move = suggestsSomething(plain)
    ? 'suggest'
    : asksSomething(plain)
      ? 'ask'
      : praisesSomething(plain)
        ? 'praise'
        : 'notice';
  return {
    pieces,
    needs: bits,
    mark: mark.length >= markMin ? mark : '',
    move,
    opens: canOpen(frame, move),
    coloured: /\{(?:epithet|adverb|adj|mood)\}/.test(frame),
  };
}

/** Statements that begin with what they are about; not labels, not questions, not what answers somebody. */
const canOpen = (frame: string, move: Move): boolean =>
  move !== 'ask' &&
  !/^[^.,]{0,40}:|^\{if_talk\}|\{person\}|\{if_known\}/.test(frame) &&
  /^(?:\{if_[a-z]+\})?(?:\{(?:the|a)_(?:thing|place)\}|\{that\/those\}|\{number\}|The |There |It |I |Half )/.test(
    frame,
  );

const grammars = new WeakMap<Persona, Grammar>();

export function grammarOf(persona: Persona): Grammar {
  let grammar = grammars.get(persona);
  if (!grammar) {
    const rules = persona.commentFrames.map(ruleOf);
    const lexicon = new Map(Object.entries(persona.lexicon).map(([name, words]) => [name, words.map(ruleOf)]));
    grammar = {
      comments: Object.fromEntries(moves.map((move) => [move, rules.filter((rule) => rule.move === move)])) as Record<
        Move,
        Rule[]
      >,
      replies: persona.replyFrames.map(ruleOf),
      captions: persona.captionFrames.map(ruleOf),
      prompts: persona.promptFrames.map(ruleOf),
      lexicon,
      openers: lexicon.get('opener') ?? [],
      epithets: lexicon.get('epithet') ?? [],
      adverbs: lexicon.get('adverb') ?? [],
      asides: lexicon.get('aside') ?? [],
      motifs: persona.motifs.map(nounOf),
      emoji: persona.lexicon['emoji'] ?? [],
      english: /^en\b/i.test(persona.language),
    };
    grammars.set(persona, grammar);
  }
  return grammar;
}
