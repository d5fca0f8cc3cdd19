import { lexicon, type Prompt } from './prompt.ts';

/** Words that carry no picture: they never become a headline. */
const quiet = new Set(
  'a an the of for in on at to and or with without from by as is are was it its that this these those there some any my our your their his her i we you they be been being into onto over under about very more most poster posters chart charts pattern patterns card cards picture image drawing draw drawn painting pixel sprite product photo show showing make made small big large little style scene landscape loud warm soft bright dark per new two three four five one six seven eight'.split(
    ' ',
  ),
);

/** What stands in quotation marks, or the longest run of words with capitals that is no mere start of a sentence. */
export function namedIn(prompt: Prompt): string | undefined {
  const quoted = /["“«„]([^"“”«»„]{2,40})["”»“]/u.exec(prompt.text)?.[1];
  if (quoted !== undefined) return quoted.trim();
  const runs =
    prompt.text.match(
      /(?:\p{Lu}[\p{L}\p{M}'’-]+)(?: (?:of|the|and|de|la|&|\p{Lu}[\p{L}\p{M}'’-]+))* (?:\p{Lu}[\p{L}\p{M}'’-]+)/gu,
    ) ?? [];
  return runs
    .toSorted((a, b) => b.length - a.length)[0]
    ?.slice(0, 40)
    .trim();
}

/** The longest run of words that say what the prompt is about; of equal ones the first. */
export function topicOf(prompt: Prompt, most: number): string[] {
  let best: string[] = [];
  let run: string[] = [];
  for (const word of prompt.words) {
    const says = word.length > 2 && word.length < 18 && !quiet.has(word.toLowerCase()) && !/^\d+$/.test(word);
    run = says ? [...run, word] : [];
    if (run.length > best.length && run.length <= most) best = run;
  }
  return best;
}

export const weekdays = lexicon({
  Monday: 'monday',
  Tuesday: 'tuesday',
  Wednesday: 'wednesday',
  Thursday: 'thursday',
  Friday: 'friday',
  Saturday: 'saturday',
  Sunday: 'sunday',
});

/** Each word with a capital. */
export const titled = (text: string): string =>
  text.replaceAll(/(^|[\s-])(\p{Ll})/gu, (_, before: string, letter: string) => `${before}${letter.toUpperCase()}`);
export const capitalised = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
