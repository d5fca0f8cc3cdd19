/* The language of a persona's frames: words, blanks `{name}`, and `{is/are}`, which agrees with the last thing named. */

export type Piece = string | { blank: string } | { one: string; many: string };

/** Blanks that the improv mind fills from what is truly there; a lexicon may not take their names. */
export const situationBlanks = [
  // Of the picture: a thing in it as it is, with "the", with "a"; another thing; what else is known of it.
  'thing',
  'the_thing',
  'a_thing',
  'other',
  'the_other',
  'place',
  'the_place',
  'colour',
  'weather',
  'time',
  'number',
  'word',
  'title',
  'tag',
  // Of the people: who made it, who is answered.
  'author',
  'person',
  // Of the hour and of the bot.
  'daypart',
  'weekday',
  'motif',
  'a_motif',
  'the_motif',
  'interest',
] as const;
export type SituationBlank = (typeof situationBlanks)[number];

/** Blanks that print nothing and say when a frame may be used at all. */
export const conditionBlanks = [
  'if_question',
  'if_thanks',
  'if_praise',
  'if_idea',
  'if_remark',
  'if_known',
  'if_alone',
  'if_talk',
  'if_bot',
  'if_person',
  'if_morning',
  'if_evening',
  'if_night',
  'if_weekend',
  'if_many',
  'if_one',
] as const;
export type ConditionBlank = (typeof conditionBlanks)[number];

const known: ReadonlySet<string> = new Set([...situationBlanks, ...conditionBlanks]);
export const isSituationBlank = (name: string): boolean => known.has(name);

/** Splits a frame. `undefined`: a brace is open, or holds what is neither a name nor two forms of a word. */
export function parseFrame(frame: string): readonly Piece[] | undefined {
  const pieces: Piece[] = [];
  let at = 0;
  while (at < frame.length) {
    const open = frame.indexOf('{', at);
    const text = frame.slice(at, open === -1 ? undefined : open);
    if (text.includes('}')) return undefined;
    if (text) pieces.push(text);
    if (open === -1) break;
    const close = frame.indexOf('}', open);
    if (close === -1) return undefined;
    const inside = frame.slice(open + 1, close);
    const forms = /^([^{}/]*)\/([^{}/]*)$/.exec(inside);
    if (forms) pieces.push({ one: forms[1] ?? '', many: forms[2] ?? '' });
    else if (/^[a-z][a-z0-9_]*$/.test(inside)) pieces.push({ blank: inside });
    else return undefined;
    at = close + 1;
  }
  return pieces;
}

/** The blanks a frame asks for; `undefined` when it cannot be read. */
export function blanksOf(frame: string): string[] | undefined {
  return parseFrame(frame)?.flatMap((piece) => (typeof piece === 'object' && 'blank' in piece ? [piece.blank] : []));
}
