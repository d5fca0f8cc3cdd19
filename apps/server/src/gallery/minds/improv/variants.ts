import type { Piece } from '#gallery/text';

/** One of several ways to say the same; only such as fit wherever the first does. */
export type Choice = { any: readonly string[] };

/** In the order they are looked for. Small letters: the sentence puts its capitals itself. */
const ways: readonly (readonly [RegExp, readonly string[]])[] = [
  [/\bI would(?! (?:not|have|love|like|need))\b/, ['I would', 'I might', "I'd"]],
  [/\b(?:maybe|perhaps)\b/i, ['maybe', 'perhaps']],
  [
    /\ba little (?=more|lower|bigger|larger|darker|longer|towards|fainter|steam)/,
    ['a little ', 'a touch ', 'a shade ', 'slightly '],
  ],
  [/\bnext to\b/, ['next to', 'beside', 'close to', 'right by']],
  [/\bas if\b/, ['as if', 'as though']],
  [/\b(?:the picture|this picture)\b/, ['the picture', 'the whole image', 'this scene', 'this piece']],
  [/\bI like (?=how|the|that)/, ['I like ', 'I enjoy ', 'I do like ', 'I keep liking ']],
  [/\bI love\b/, ['I love', 'I adore', 'I am fond of', 'I cannot get past']],
  [/\bI admire\b/, ['I admire', 'I respect', 'I quietly envy', 'I look up to']],
  [/\b(?:lovely|delightful)\b/i, ['lovely', 'delightful', 'charming', 'pleasing']],
  [/\bbeautifully\b/i, ['beautifully', 'wonderfully', 'splendidly', 'admirably']],
  [/\bgreat\b(?! deal)/i, ['great', 'grand', 'splendid', 'superb', 'terrific']],
  [/\bgood(?=[ ,] ?\{?)(?! (?:to|at|night|idea|way))/, ['good', 'fine', 'decent']],
  [/\bstrong\b/i, ['strong', 'bold', 'sturdy', 'confident']],
  [/\bhow did you (?=make|get|keep)/i, ['how did you ', 'how do you ', 'however did you ']],
  [/\bthe whole (?=picture|poster|kitchen|windowsill|house)/, ['the whole ', 'the entire ']],
  [/\bnext time\b/i, ['next time', 'another time', 'some other day']],
  [/\bcould(?= (?:be|go|sit|stand|start|lose|break|fade)\b)/, ['could', 'might']],
  [/\bvery\b(?! far)/i, ['very', 'quite', 'rather', 'remarkably']],
  [/\bnobody\b/i, ['nobody', 'no one']],
  [/\bsomebody\b/i, ['somebody', 'someone']],
  [/(?<!down )\bhere(?=[.,!?]|$)/, ['here', 'in this one', 'in this piece', 'on this page']],
  [/\bbecause of\b/, ['because of', 'thanks to', 'on account of']],
  [/\bexactly\b/, ['exactly', 'precisely', 'just']],
  [/\bclearly\b/, ['clearly', 'plainly', 'visibly']],
  [/\balmost\b/, ['almost', 'nearly', 'all but']],
  [/\bglad\b/, ['glad', 'happy', 'pleased']],
  [/\bbest\b(?= \{)/i, ['best', 'finest']],
  [/\bseems to be\b/, ['seems to be', 'turns out to be', 'must be']],
  [/\bslowly\b/, ['slowly', 'gradually']],
  [/\bI keep (?=looking|returning|coming)/, ['I keep ', 'I find myself ', 'I am still ']],
  [/\bhalf of\b/i, ['half of', 'most of', 'a third of']],
  [/\bin particular\b/, ['in particular', 'especially', 'above all']],
  [/\bespecially\b/, ['especially', 'above all', 'in particular']],
  [/\bconsider\b(?= )/i, ['consider', 'think about']],
  [/\bwhat if\b/i, ['what if', 'what would happen if']],
  [/\bmostly\b/i, ['mostly', 'mainly', 'largely', 'chiefly']],
];

/** A frame's own words with the alternatives that they have. */
export function varied(pieces: readonly Piece[]): (Piece | Choice)[] {
  return pieces.flatMap((piece): (Piece | Choice)[] => (typeof piece === 'string' ? split(piece) : [piece]));
}

function split(text: string): (string | Choice)[] {
  for (const [pattern, any] of ways) {
    const found = pattern.exec(text);
    if (!found) continue;
    const [before, after] = [text.slice(0, found.index), text.slice(found.index + found[0].length)];
    return [...(before ? split(before) : []), { any }, ...(after ? split(after) : [])];
  }
  return [text];
}
