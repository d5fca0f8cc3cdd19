import type { Style } from '@muster/protocol';
import type { Draws } from '#gallery/model';
import type { Known } from './facts.ts';
import { type Grammar, needs, type Rule } from './grammar.ts';
import { articlesRight, type Noun } from './nouns.ts';

/** Everything that blanks are filled from while one text is made. */
export type Stage = {
  grammar: Grammar;
  draws: Draws;
  style: Style;
  /** The bot's last texts in small letters, in one string; what they were made of is barred. */
  said: string;
  /** Frames and words of this text: nothing is said twice in one. */
  readonly used: Set<Rule>;
  /** Bits of `needs` that are met. */
  have: number;
  known: Known;
  readonly thing: Noun | undefined;
  other: Noun | undefined;
  /** How the thing is pointed at the first time; the picture of somebody else can be `your`. */
  pointer: 'the' | 'your' | 'this' | undefined;
  place: Noun | undefined;
  motif: Noun;
  /** Fixed fillings: title, tag, author, person, daypart, weekday, interest. */
  fixed: Readonly<Record<string, string | undefined>>;
  /** Fillings that stay the same over several texts: prompt and caption of one post. */
  bound?: Map<string, string>;
};

const tries = 6;
const depthMax = 4;

/** A rule that can be said now and was not said lately; when all were, one that can be said. */
export function pickRule(
  rules: readonly Rule[],
  stage: Stage,
  fits: (rule: Rule) => boolean = always,
): Rule | undefined {
  if (rules.length === 0) return undefined;
  for (let i = 0; i < tries; i++) {
    const rule = stage.draws.pick(rules);
    if (stage.used.has(rule) || !may(rule, stage) || !fits(rule) || saidLately(rule, stage)) continue;
    stage.used.add(rule);
    return rule;
  }
  const possible = rules.filter((rule) => may(rule, stage) && fits(rule));
  const fresh = possible.filter((rule) => !saidLately(rule, stage));
  const left = fresh.length > 0 ? fresh : possible;
  const rule = left.length > 0 ? stage.draws.pick(left) : undefined;
  if (rule) stage.used.add(rule);
  return rule;
}

const always = (): boolean => true;
const may = (rule: Rule, stage: Stage): boolean => (rule.needs & ~stage.have) === 0;
const saidLately = (rule: Rule, stage: Stage): boolean => rule.mark !== '' && stage.said.includes(rule.mark);

/** A rule as raw words: blanks filled, not yet a sentence. A filling agrees with what was named before it (`many`). */
export function spoken(rule: Rule, stage: Stage, depth = 0, before?: boolean): string {
  let text = '';
  const had = stage.have;
  // What the frame itself names is not named again by its fillings.
  if (rule.needs & needs.other) stage.have &= ~needs.other;
  // "Is the …" agrees with what comes; anything later with what was named last.
  let many =
    before ?? comingMany(rule, 0, stage) ?? (rule.needs & needs.thing ? stage.thing : stage.motif)?.many ?? false;
  let afterThing = false;
  for (const [at, piece] of rule.pieces.entries()) {
    if (typeof piece === 'string') {
      text += piece;
      afterThing &&= piece === ' ';
    } else if ('any' in piece) {
      text += stage.draws.pick(piece.any);
      afterThing = false;
    } else if ('one' in piece) {
      if (afterThing && !rule.coloured) text += adverbFor(piece.one, stage, depth);
      afterThing = false;
      if (at > 0 && asksFirst.test(piece.one)) many = comingMany(rule, at, stage) ?? many;
      text += many ? piece.many : piece.one;
    } else {
      afterThing = piece.blank === 'the_thing';
      const noun = nounFor(piece.blank, stage);
      if (noun) many = noun.many;
      text +=
        piece.blank === 'the_thing' && stage.thing
          ? pointed(stage.thing, stage, rule)
          : filling(piece.blank, stage, depth, many);
    }
  }
  stage.have = had;
  return text;
}

/** With a capital, the verb begins a sentence: it is a question. */
const asksFirst = /^(?:Does|Is|Was|Has)$/;

/** Whether the next noun of a rule is many. */
function comingMany({ pieces }: Rule, from: number, stage: Stage): boolean | undefined {
  for (let at = from; at < pieces.length; at++) {
    const piece = pieces[at];
    const noun = typeof piece === 'object' && 'blank' in piece ? nounFor(piece.blank, stage) : undefined;
    if (noun) return noun.many;
  }
  return undefined;
}

function nounFor(blank: string, stage: Stage): Noun | undefined {
  if (blank.endsWith('thing')) return stage.thing;
  if (blank.endsWith('other')) return stage.other;
  if (blank.endsWith('motif')) return stage.motif;
  if (blank.endsWith('place')) return stage.place;
  return undefined;
}

function filling(blank: string, stage: Stage, depth: number, many: boolean): string {
  if (blank.startsWith('if_')) return '';
  const noun = nounFor(blank, stage);
  if (noun) {
    if (!stage.grammar.english) return noun.bare;
    return blank.startsWith('the_') ? noun.the : blank.startsWith('a_') ? noun.a : noun.bare;
  }
  const held = stage.bound?.get(blank);
  if (held !== undefined) return held;
  const word = found(blank, stage, depth, many);
  stage.bound?.set(blank, word);
  return word;
}

const epithetChance = 0.5;
const adverbChance = 0.5;
const counted = /^(?:\d|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|several|dozens?|both)\b/i;

/** How this persona thinks of a thing, before its name. */
function epithetFor({ bare, the }: Noun, stage: Stage): string {
  const rules = stage.grammar.epithets;
  if (rules.length === 0 || counted.test(bare) || !the.startsWith('the ') || bare.split(' ').length > 3) return '';
  if (!stage.draws.chance(epithetChance)) return '';
  const rule = pickRule(rules, stage);
  const word = rule ? spoken(rule, stage, depthMax) : '';
  return word && !bare.toLowerCase().includes(word.toLowerCase()) ? `${word} ` : '';
}

/** How a thing does what it does; the small verbs of being and having take none before them. */
function adverbFor(verb: string, stage: Stage, depth: number): string {
  const rules = stage.grammar.adverbs;
  if (rules.length === 0 || depth > 0 || /^(?:is|are|was|has|does|it|its|that|never)$/.test(verb)) return '';
  if (!stage.draws.chance(adverbChance)) return '';
  const rule = pickRule(rules, stage);
  return rule ? `${spoken(rule, stage, depthMax)} ` : '';
}

/** The first time with the pointer of this text, after that with "the". */
function pointed(noun: Noun, stage: Stage, rule: Rule): string {
  const { pointer } = stage;
  if (!stage.grammar.english) return noun.bare;
  stage.pointer = undefined;
  // A name, or a phrase that begins with its own article, is not pointed at; what was named before neither.
  if (pointer === undefined || !noun.the.startsWith('the ')) return noun.the;
  const named = `${rule.coloured ? '' : epithetFor(noun, stage)}${noun.bare}`;
  return `${pointer === 'this' && noun.many ? 'these' : pointer} ${named}`;
}

function found(blank: string, stage: Stage, depth: number, many: boolean): string {
  const { known, draws, fixed } = stage;
  switch (blank) {
    case 'colour':
      return draws.pick(known.colours);
    case 'weather':
      return draws.pick(known.weathers);
    case 'time':
      return draws.pick(known.times);
    case 'number':
      return draws.pick(known.numbers);
    case 'word':
      return `“${draws.pick(known.words).replaceAll(/["“”]/g, '')}”`;
    default:
      break;
  }
  const given = fixed[blank];
  if (given !== undefined) return given;
  const rules = stage.grammar.lexicon.get(blank);
  if (!rules || depth >= depthMax) return '';
  const rule = pickRule(rules, stage);
  return rule ? spoken(rule, stage, depth + 1, many) : '';
}

/** Two blanks may begin and end with the same word: then it is said once. */
function undoubled(text: string): string {
  let before = 0;
  for (let at = text.indexOf(' '); at !== -1; ) {
    const next = text.indexOf(' ', at + 1);
    const length = at - before;
    if (length > 0 && length === (next === -1 ? text.length : next) - at - 1 && repeats(text, before, at + 1, length)) {
      return undoubled(text.slice(0, at) + (next === -1 ? '' : text.slice(next)));
    }
    before = at + 1;
    at = next;
  }
  return text;
}

const fine = /^(?:that|had|\d+)$/i;
function repeats(text: string, one: number, other: number, length: number): boolean {
  const [a, b] = [text.slice(one, one + length), text.slice(other, other + length)];
  return a.toLowerCase() === b.toLowerCase() && /^[\p{L}]+$/u.test(a) && !fine.test(a);
}

const spaces = /\s{2,}|^\s|\s$|\s(?=[,.;:!?])/;

/** Raw words as sentences: articles, spaces, capitals, the bot's manner of punctuation, now and then a sign of mood. */
export function sentenced(raw: string, stage: Stage): string {
  let text = raw;
  if (spaces.test(text))
    text = text
      .replaceAll(/\s+/g, ' ')
      .replaceAll(/\s(?=[,.;:!?](?:\s|$))/g, '')
      .trim();
  if (stage.grammar.english) text = articlesRight(undoubled(text));
  text = text
    .replaceAll(/([.!?]) +(?=\p{Ll})|^(?=\p{Ll})/gu, (stop) => stop)
    .replaceAll(/(?:^|[.!?]["”]? )\p{Ll}/gu, (start) => start.toUpperCase());
  text = punctuated(text, stage);
  const { emoji } = stage.grammar;
  if (emoji.length > 0 && stage.draws.chance(stage.style.emoji)) text = `${text} ${stage.draws.pick(emoji)}`;
  return text;
}

function punctuated(text: string, { style, draws }: Stage): string {
  switch (style.punctuation) {
    case 'light':
      return /^[^.!?]*\.$/.test(text) ? text.slice(0, -1) : text;
    case 'dashes':
      return text.replace('; ', ' – ');
    case 'exclaiming':
      return text.endsWith('.') && !text.endsWith('..') && draws.chance(0.6) ? `${text.slice(0, -1)}!` : text;
    case 'full':
      break;
  }
  return text;
}

const ended = (raw: string): string => (/[.!?…:]\s*$/.test(raw) ? raw : `${raw.trimEnd()}.`);

const wordCount = (text: string): number => {
  let count = 0;
  for (let at = 0; at !== -1; at = text.indexOf(' ', at + 1)) count += 1;
  return count;
};

const openerChance = 0.2;

/** Now and then with a phrase before it; the sentence then goes on in small letters. */
function opened(raw: string, rule: Rule, words: number, stage: Stage): string {
  const { openers } = stage.grammar;
  if (
    !rule.opens ||
    openers.length === 0 ||
    words + 2 > stage.style.lengthWords[1] ||
    !stage.draws.chance(openerChance)
  )
    return raw;
  const opener = pickRule(openers, stage);
  if (!opener) return raw;
  const rest = raw.trimStart();
  const small = /^(?:I\b|[A-Z]{2}|The [A-Z])/.test(rest) ? rest : rest.charAt(0).toLowerCase() + rest.slice(1);
  return `${spoken(opener, stage)} ${small}`;
}

/**
 * One text from rules, near the length of the bot's style: too short, and an aside follows; too long, and another is
 * tried. `undefined` when no rule can be said.
 */
export function compose(
  rules: readonly Rule[],
  stage: Stage,
  options: { fits?: (rule: Rule) => boolean; aside: number; opens?: boolean },
): { text: string; rule: Rule } | undefined {
  const [min, max] = stage.style.lengthWords;
  let best: { raw: string; rule: Rule; words: number } | undefined;
  for (let i = 0; i < 3; i++) {
    const rule = pickRule(rules, stage, options.fits);
    if (!rule) break;
    const raw = spoken(rule, stage);
    const words = wordCount(raw);
    if (!best || words < best.words) best = { raw, rule, words };
    if (words <= max + 2) break;
  }
  if (!best) return undefined;
  let { raw } = best;
  if (options.opens) raw = opened(raw, best.rule, best.words, stage);
  const short = best.words < min;
  if (stage.grammar.asides.length > 0 && (short || (best.words + 4 <= max && stage.draws.chance(options.aside)))) {
    const aside = pickRule(stage.grammar.asides, stage);
    const more = aside ? spoken(aside, stage) : '';
    if (more && (short || best.words + wordCount(more) <= max + 3)) raw = `${ended(raw)} ${more}`;
  }
  return { text: sentenced(raw, stage), rule: best.rule };
}
