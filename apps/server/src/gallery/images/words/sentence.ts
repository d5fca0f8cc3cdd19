const small = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve'];
/** `three`, `14`. */
const spelled = (count: number): string => small[count] ?? `${count}`;

const irregular: Readonly<Record<string, string>> = { leaf: 'leaves', knife: 'knives', fish: 'fish', sheep: 'sheep' };
function plural(noun: string, count: number): string {
  if (count === 1) return noun;
  const last = noun.slice(noun.lastIndexOf(' ') + 1);
  const other = irregular[last];
  if (other) return noun.slice(0, noun.length - last.length) + other;
  if (/(s|x|ch|sh)$/.test(noun)) return `${noun}es`;
  return /[^aeiou]y$/.test(noun) ? `${noun.slice(0, -1)}ies` : `${noun}s`;
}

/** `a buoy`, `an ox`, `three boats`. */
export const counted = (noun: string, count: number): string =>
  count === 1 ? `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}` : `${spelled(count)} ${plural(noun, count)}`;

/** `a, b and c`. */
export const listed = (parts: readonly string[]): string =>
  parts.length < 2 ? (parts[0] ?? '') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;

const altWordsMax = 18;
/** A sentence: a capital, a full stop, and no more words than an alt text may have. */
export function sentence(words: string): string {
  const kept = words.split(/\s+/u).filter((word) => word !== '');
  const cut = kept
    .slice(0, altWordsMax)
    .join(' ')
    .replace(/[\s,;:.]+$/u, '');
  return `${cut.charAt(0).toUpperCase()}${cut.slice(1)}.`;
}
