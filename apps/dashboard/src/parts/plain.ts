/*
 * Foreign text made harmless for the eye: what comes from bots, logs, workers and models may carry marks that turn the
 * reading direction, hide text, or are no characters at all. They are shown as what they are; nothing is dropped.
 */

const names: Readonly<Record<number, string>> = {
  0x00ad: 'SHY',
  0x061c: 'ALM',
  0x180e: 'MVS',
  0x200b: 'ZWSP',
  0x200e: 'LRM',
  0x200f: 'RLM',
  0x2028: 'LS',
  0x2029: 'PS',
  0x202a: 'LRE',
  0x202b: 'RLE',
  0x202c: 'PDF',
  0x202d: 'LRO',
  0x202e: 'RLO',
  0x2060: 'WJ',
  0x2066: 'LRI',
  0x2067: 'RLI',
  0x2068: 'FSI',
  0x2069: 'PDI',
  0xfeff: 'BOM',
};

/** Control characters, direction marks, invisible spaces, and the tag block that writes unseen text. Joiners of emoji stay. */
const odd =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\u{e0001}|[\u{e0020}-\u{e007f}]/gu;

/** How one such character is shown. */
export function shown(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return '\u2421';
  return `⟨${names[code] ?? code.toString(16).toUpperCase().padStart(2, '0')}⟩`;
}

/** `lines` keeps line breaks and tabs. */
export function visible(text: string, lines = false): string {
  return text
    .toWellFormed()
    .replaceAll(odd, (char) => (lines && (char === '\n' || char === '\t') ? char : shown(char)));
}

export type Cut = { text: string /** Characters that were left out at the end. */; cut: number };

/** The first `max` characters of foreign text, visible, on one line unless `lines`. */
export function cutTo(value: string, max: number, lines = false): Cut {
  if (value.length <= max) return { text: visible(value, lines), cut: 0 };
  // Not between the halves of a pair.
  const low = value.charCodeAt(max);
  const end = low >= 0xdc00 && low <= 0xdfff ? max - 1 : max;
  return { text: visible(value.slice(0, end), lines), cut: value.length - end };
}

/** The same as a text, with a sign where it was cut: for names of buttons, titles, tooltips. */
export function plain(value: string, max = 300): string {
  const { text, cut } = cutTo(value, max);
  return cut > 0 ? `${text}…` : text;
}
