import type { Candidate, Draws, Situation } from '#gallery/model';
import { asksSomething, looksLikeInstruction, praisesSomething, suggestsSomething } from '#gallery/text';
import { type Known, knownOf, quotedTitle } from './facts.ts';
import { grammarOf, needs } from './grammar.ts';
import type { Noun } from './nouns.ts';
import type { Stage } from './speak.ts';

const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

export function daypartOf(hour: number): 'morning' | 'afternoon' | 'evening' | 'night' {
  if (hour < 5 || hour >= 22) return 'night';
  if (hour < 12) return 'morning';
  return hour < 18 ? 'afternoon' : 'evening';
}

/** How a text of a person looked when it was checked last; the same lines are read by many bots. */
export class Suspicions {
  readonly #seen = new Map<string, boolean>();
  readonly #max = 5_000;

  suspect(text: string): boolean {
    const before = this.#seen.get(text);
    if (before !== undefined) return before;
    const suspicious = looksLikeInstruction(text);
    if (this.#seen.size >= this.#max) this.#seen.clear();
    this.#seen.set(text, suspicious);
    return suspicious;
  }
}

/** An item as far as it can be trusted: what reads like an order to a machine is as if it were not there. */
export type Scrubbed = { candidate: Candidate; suspects: number; heard: readonly Candidate['thread'][number][] };

export function scrubbed(candidate: Candidate, suspicions: Suspicions): Scrubbed {
  let suspects = 0;
  const bad = (text: string): boolean => {
    const suspicious = text !== '' && suspicions.suspect(text);
    if (suspicious) suspects += 1;
    return suspicious;
  };
  const title = bad(candidate.title) ? '' : candidate.title;
  if (candidate.caption !== candidate.title) bad(candidate.caption);
  const facts = candidate.facts.some(bad)
    ? candidate.facts.filter((fact) => !suspicions.suspect(fact))
    : candidate.facts;
  const tags = candidate.tags.some(bad) ? candidate.tags.filter((tag) => !suspicions.suspect(tag)) : candidate.tags;
  const heard = candidate.thread.filter(({ text }) => !bad(text));
  const clean = title === candidate.title && facts === candidate.facts && tags === candidate.tags;
  return { candidate: clean ? candidate : { ...candidate, title, facts, tags }, suspects, heard };
}

export type Scene = {
  stage: Stage;
  /** Whether somebody had named the thing before. */
  fresh: boolean;
  heard: Scrubbed['heard'];
};

/** The stage for a text that answers somebody or speaks of a picture. */
export function stageFor(situation: Situation, scrub: Scrubbed, draws: Draws): Scene {
  const grammar = grammarOf(situation.persona);
  const { candidate, heard } = scrub;
  const known = withTitle(knownOf(candidate.facts), candidate);
  const others = heard.filter((line) => !line.own);
  const asked = candidate.answers?.text ?? '';
  const threadText = others.map(({ text }) => text.toLowerCase()).join('\n');
  // Of an answered line, what it speaks of; else what nobody has spoken of yet.
  const inAsked = known.things.filter((thing) => asked !== '' && mentions(asked.toLowerCase(), thing));
  const untouched = known.things.filter((thing) => !mentions(threadText, thing));
  const talked = candidate.answers ? [] : known.things.filter((thing) => mentions(threadText, thing));
  const joins = talked.length > 0 && draws.chance(0.35);
  const from = inAsked.length > 0 ? inAsked : joins ? talked : untouched.length > 0 ? untouched : known.things;
  const thing = from.length > 0 ? draws.pick(from) : undefined;
  const speaker = joins && thing ? others.findLast(({ text }) => mentions(text.toLowerCase(), thing)) : undefined;
  const rest = known.things.filter((one) => one !== thing && !alike(one, thing));
  const place = known.places.find((one) => one !== thing && !alike(one, thing));
  const other = rest.length > 0 ? draws.pick(rest) : undefined;
  const tags = candidate.tags.filter((tag) => /^[\p{L}\p{N}][\p{L}\p{N} -]{2,24}$/u.test(tag));
  const person = candidate.answers?.username ?? speaker?.author;
  const title = quotedTitle(candidate);
  const said = saidBy(situation);
  const motif = motifOf(grammar.motifs, said, draws);
  let have = situationNeeds(situation);
  if (thing) have |= needs.thing | (thing.many ? needs.many : thing.a === thing.bare ? 0 : needs.one);
  if (!isName(thing) && !isName(other)) have |= needs.common;
  if (other) have |= needs.other;
  if (place) have |= needs.place;
  if (known.colours.length > 0) have |= needs.colour;
  if (known.weathers.length > 0) have |= needs.weather;
  if (known.times.length > 0) have |= needs.time;
  if (known.numbers.length > 0) have |= needs.number;
  if (known.words.length > 0) have |= needs.word;
  if (title) have |= needs.title;
  if (tags.length > 0) have |= needs.tag;
  if (person) have |= needs.person;
  if (speaker) have |= needs.talk;
  if (isHandle(candidate.author) && candidate.author !== situation.username) have |= needs.author;
  have |= candidate.authorIsAgent ? needs.bot : needs.human;
  if (others.length === 0) have |= needs.alone;
  if (situation.memories.some((memory) => memory.includes(candidate.author))) have |= needs.known;
  if (candidate.answers) have |= occasionOf(asked, scrub, candidate.author === situation.username);
  return {
    stage: {
      grammar,
      draws,
      style: situation.style,
      said,
      used: new Set(),
      have,
      known,
      thing,
      other,
      place,
      pointer: candidate.answers ? undefined : (draws.weighted(pointers) ?? 'the'),
      motif,
      fixed: {
        title,
        tag: tags.length > 0 ? draws.pick(tags) : undefined,
        author: `@${candidate.author}`,
        person: person === undefined ? undefined : `@${person}`,
        daypart: daypartOf(situation.local.hour),
        weekday: weekdays[situation.local.weekday],
        interest: situation.interests.length > 0 ? draws.pick(situation.interests) : undefined,
      },
    },
    fresh: thing !== undefined && !mentions(threadText, thing),
    heard,
  };
}

const pointers = { the: 0.5, your: 0.3, this: 0.2 } as const;

/** What a line wants of its answer. Of other people's pictures a bot cannot say how they came about. */
function occasionOf(asked: string, scrub: Scrubbed, own: boolean): number {
  const trusted = scrub.heard.some(({ text }) => text === asked) || scrub.heard.length === 0;
  if (!own || !trusted) return needs.remark;
  if (asksSomething(asked)) return needs.question;
  if (/\b(?:thanks?|thank you|thx|gracias|merci|danke|obrigad[oa]|grazie)\b|ありがとう/iu.test(asked))
    return needs.thanks;
  if (suggestsSomething(asked)) return needs.idea;
  return praisesSomething(asked) ? needs.praise : needs.remark;
}

/** What the hour and the day meet. */
function situationNeeds({ local }: Situation): number {
  const part = daypartOf(local.hour);
  return (
    (part === 'morning' ? needs.morning : part === 'evening' ? needs.evening : part === 'night' ? needs.night : 0) |
    (local.weekday === 0 || local.weekday === 6 ? needs.weekend : 0)
  );
}

/** The stage for something of its own: there is no picture yet. */
export function stageForPost(situation: Situation, draws: Draws): Stage {
  const grammar = grammarOf(situation.persona);
  const said = saidBy(situation);
  return {
    grammar,
    draws,
    style: situation.style,
    said,
    used: new Set(),
    have: situationNeeds(situation),
    known: nothingKnown,
    thing: undefined,
    other: undefined,
    place: undefined,
    pointer: undefined,
    motif: motifOf(grammar.motifs, said, draws),
    fixed: {
      daypart: daypartOf(situation.local.hour),
      weekday: weekdays[situation.local.weekday],
      interest: situation.interests.length > 0 ? draws.pick(situation.interests) : undefined,
    },
    bound: new Map(),
  };
}

const nothingKnown: Known = { things: [], places: [], colours: [], weathers: [], times: [], numbers: [], words: [] };

/** A motif it has not spoken of lately, if there is one. */
function motifOf(motifs: readonly Noun[], said: string, draws: Draws): Noun {
  let motif = draws.pick(motifs);
  for (let i = 0; i < 8 && said.includes(motif.low); i++) motif = draws.pick(motifs);
  return motif;
}

const barredTexts = 12;
function saidBy({ recent, redo }: Situation): string {
  const last = recent.length > barredTexts ? recent.slice(0, barredTexts) : recent;
  return (redo ? [redo.text, ...last] : last).join('\n').toLowerCase();
}

const joined = new WeakMap<readonly string[], { from: Known; known: Known }>();
const tagged = new WeakMap<readonly string[], readonly Noun[]>();
/** Tags of two words and more mostly name what a picture is about; single ones name a kind. */
function namedBy(tags: readonly string[]): readonly Noun[] {
  let found = tagged.get(tags);
  if (!found) {
    found = knownOf(
      tags.filter((tag) => /^[\p{L}'-]+(?: [\p{L}'-]+){1,2}$/u.test(tag) && !/\b(?:art|of)\b/u.test(tag)),
    ).things;
    tagged.set(tags, found);
  }
  return found;
}

/** Where a picture says nothing of itself, the words of its title are known at least. */
function withTitle(known: Known, { title, tags }: Pick<Candidate, 'title' | 'tags'>): Known {
  const named = namedBy(tags);
  if (named.length > 0) {
    const before = joined.get(tags);
    if (before?.from === known) return before.known;
    const rest = known.things.filter((thing) => !named.some((one) => one.bare === thing.bare));
    const whole = { ...known, things: [...named, ...rest] };
    joined.set(tags, { from: known, known: whole });
    return whole;
  }
  if (known.things.length > 0) return known;
  const fromTitle = knownOf([title]);
  if (fromTitle.things.length > 0) return { ...known, things: fromTitle.things };
  return tags.length > 0 ? { ...known, things: knownOf([...tags]).things } : known;
}

const mentions = (text: string, { low, head }: Noun): boolean =>
  text !== '' && (text.includes(low) || (head.length > 3 && text.includes(head)));

const alike = (a: Noun, b: Noun | undefined): boolean =>
  b !== undefined && (a.head === b.head || a.low.includes(b.low) || b.low.includes(a.low));
const isName = (noun: Noun | undefined): boolean => noun?.the === noun?.bare && noun !== undefined;
const isHandle = (name: string): boolean => /^[\p{L}\p{N}_][\p{L}\p{N}_.-]{1,60}$/u.test(name);
