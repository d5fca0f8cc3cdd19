const controls = /[\p{Cc}]+/gu;
// Overrides, embeddings and isolates turn lines round for whoever reads on; the plain marks (LRM, RLM) stay, Arabic needs them.
const bidi = /[\u202A-\u202E\u2066-\u2069]/gu;
const invisible = /[\u200B\u2060-\u2064\u206A-\u206F\uFEFF\u00AD\u180E\uFFF9-\uFFFB]|[\u{E0000}-\u{E007F}]+/gu;
const flagTags = /\u{1F3F4}[\u{E0061}-\u{E007A}]{2,6}\u{E007F}/gu;
const broken = /\p{Surrogate}|\p{Noncharacter_Code_Point}/gu;
// Joiners are letters' business (Persian, Indic) and emoji's; anywhere else they only hide words from filters.
const idleJoiners = /(?<![\p{L}\p{M}\p{Emoji}\uFE0F])[\u200C\u200D]+|[\u200C\u200D]+(?![\p{L}\p{Emoji}])/gu;
const heaps = /(\p{M}{6})\p{M}+/gu;
const plainAscii = /^[\x20-\x7E]*$/;

/**
 * The same text as NFC in one line, without what nobody sees or what turns it round: control characters, bidi overrides,
 * hidden characters, lone surrogates. Letters, accents, marks and emoji of any script stay as they are.
 */
export function cleaned(text: string): string {
  if (plainAscii.test(text)) return text.replaceAll(/ {2,}/g, ' ').trim();
  // The flags of regions are spelt with tag characters, which are else a hiding place.
  const flags: string[] = [];
  return text
    .replaceAll(flagTags, (flag) => `\uE000${flags.push(flag) - 1}\uE001`)
    .normalize('NFC')
    .replaceAll(broken, '')
    .replaceAll(controls, ' ')
    .replaceAll(bidi, '')
    .replaceAll(invisible, '')
    .replaceAll(idleJoiners, '')
    .replaceAll(heaps, '$1')
    .replaceAll(/\uE000(\d+)\uE001/g, (_, no: string) => flags[Number(no)] ?? '')
    .replaceAll(/\s+/gu, ' ')
    .trim();
}

const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' });

/**
 * At most `max` code points of a text, ended behind a sentence when one ends in its second half, else behind a word.
 * `undefined`: it is one endless word of a script that has spaces.
 */
export function cutAtWord(text: string, max: number): string | undefined {
  if (text.length <= max) return text;
  const points = Array.from(text);
  if (points.length <= max) return text;
  const head = points.slice(0, max).join('');
  const half = head.length / 2;
  const sentence = /^[\s\S]*[.!?…。！？؟](?=\s|$|[^\s\d.!?])/u.exec(head)?.[0];
  if (sentence && sentence.length >= half) return sentence;
  if (/^\s/u.test(points[max] ?? ' ')) return tidyEnd(head);
  const space = head.search(/\s\S*$/u);
  if (space >= half) return tidyEnd(head.slice(0, space));
  if (!unspaced.test(head)) return space > 0 ? tidyEnd(head.slice(0, space)) : undefined;
  // Scripts without spaces, and rows of emoji: behind the last whole grapheme.
  let end = 0;
  for (const { segment, index } of graphemes.segment(points.slice(0, max + 12).join(''))) {
    if (index + segment.length > head.length) break;
    end = index + segment.length;
  }
  return head.slice(0, end);
}

const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Extended_Pictographic}\p{Regional_Indicator}]/u;
const tidyEnd = (text: string): string => text.replace(/[\s,;:–—-]+$/u, '');

/** How texts are compared and searched: compatibility forms folded, hidden joints gone, small letters. */
export function folded(text: string): string {
  if (plainAscii.test(text)) return text.toLowerCase();
  return text
    .normalize('NFKC')
    .replaceAll(/[\u200B-\u200D\u2060\uFEFF\u00AD]/gu, '')
    .replaceAll(/[’‘ʼ]/gu, "'")
    .toLowerCase();
}
