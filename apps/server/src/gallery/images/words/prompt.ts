/** Of a prompt, only so much is looked at: whoever writes more says nothing a picture could still hold. */
const charsReadMax = 600;
const wordsReadMax = 80;

const numbers = new Map<string, number>([
  ...['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve'].map(
    (word, value): [string, number] => [word, value],
  ),
  ['pair', 2],
  ['couple', 2],
  ['few', 3],
  ['several', 4],
  ['dozen', 12],
]);

/** What somebody or some mind asked for, cut into words. Whatever no lexicon knows still steers through the hash. */
export class Prompt {
  readonly text: string;
  /** As written, without the marks around them. */
  readonly words: readonly string[];
  readonly #plain: readonly string[];

  constructor(text: string) {
    this.text = text.slice(0, charsReadMax).toWellFormed().normalize('NFC');
    this.words = (this.text.match(/[\p{L}\p{M}\p{N}]+(?:['’-][\p{L}\p{M}\p{N}]+)*/gu) ?? []).slice(0, wordsReadMax);
    this.#plain = this.words.map((word) => word.toLowerCase());
  }

  /** What the first known word, or two words in a row, stand for. */
  find<T>(lexicon: ReadonlyMap<string, T>): T | undefined {
    return this.all(lexicon)[0];
  }

  /** What all known words stand for, in the order they were said. */
  all<T>(lexicon: ReadonlyMap<string, T>): T[] {
    const found: T[] = [];
    for (let i = 0; i < this.#plain.length; i++) {
      const word = this.#plain[i] ?? '';
      const next = this.#plain[i + 1];
      const pair = next === undefined ? undefined : look(lexicon, `${word} ${next}`);
      const meant = pair ?? look(lexicon, word);
      if (meant === undefined) continue;
      if (pair !== undefined) i++;
      if (!found.includes(meant)) found.push(meant);
    }
    return found;
  }

  has(...words: readonly string[]): boolean {
    return words.some((word) => this.#plain.includes(word) || this.#plain.includes(`${word}s`));
  }

  /** The first number that was said, in words or digits. */
  number(): number | undefined {
    for (const word of this.#plain) {
      const value = /^\d{1,6}$/.test(word) ? Number(word) : numbers.get(word);
      if (value !== undefined) return value;
    }
    return undefined;
  }
}

/** Also in the singular, as far as an s goes. */
function look<T>(lexicon: ReadonlyMap<string, T>, word: string): T | undefined {
  const found = lexicon.get(word);
  if (found !== undefined || !word.endsWith('s')) return found;
  return lexicon.get(word.slice(0, -1)) ?? (word.endsWith('es') ? lexicon.get(word.slice(0, -2)) : undefined);
}

/** `{dusk: 'dusk evening'}` as a lexicon: each word of the line stands for its key; `_` joins two. */
export function lexicon<K extends string>(of: Readonly<Record<K, string>>): ReadonlyMap<string, K> {
  const all = new Map<string, K>();
  // Object.entries loses the key type.
  for (const [key, words] of Object.entries(of) as [K, string][])
    for (const word of words.split(' ')) all.set(word.replaceAll('_', ' '), key);
  return all;
}
