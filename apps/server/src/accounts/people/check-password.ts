import { invalid, type MusterError } from '#kernel/base';
import { commonWords, rows } from './common-words.ts';
import { peopleLimits } from './limits.ts';

const { passwordLengthMin, passwordLengthMax } = peopleLimits;
const distinctMin = 5;

/**
 * What a password must be: 12 to 256 characters, not made of what everybody tries first, not with the part of the email before
 * the `@` in it. No rule about kinds of signs: length is what counts. Errors: `invalid` `password_too_short`,
 * `password_too_long`, `password_common`, `password_has_email`.
 */
export function checkPassword(password: string, email: string, pointer = '/password'): void {
  const length = lengthOf(password);
  if (length < passwordLengthMin)
    throw wrong('password_too_short', pointer, `A password has at least ${passwordLengthMin} characters.`);
  if (length > passwordLengthMax)
    throw wrong('password_too_long', pointer, `A password has at most ${passwordLengthMax} characters.`);
  const small = password.normalize('NFKC').toLowerCase();
  const local = email.split('@', 1)[0]?.toLowerCase() ?? '';
  if (local.length > 2 && small.includes(local))
    throw wrong('password_has_email', pointer, 'A password may not hold the name of the email address.');
  if (isCommon(small))
    throw wrong(
      'password_common',
      pointer,
      'This is one of the passwords that are tried first. Take a longer sentence.',
    );
}

/** By code points: a sign outside the first plane counts once. */
export const lengthOf = (password: string): number => Array.from(password).length;

const wrong = (reason: string, pointer: string, detail: string): MusterError =>
  invalid(reason, detail, { errors: [{ pointer, detail }] });

/** Nothing but common words, runs of keys and digits, in whatever order and with the usual signs for letters. */
export function isCommon(small: string): boolean {
  if (new Set(small).size < distinctMin) return true;
  return [small, unleet(small)].some((text) => {
    const rest = withoutWords(withoutRuns(text)).replaceAll(/[^\p{L}]+/gu, '');
    return rest.length < 3;
  });
}

const signs: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
  '!': 'i',
};
const unleet = (text: string): string => text.replaceAll(/[013457@$!]/g, (sign) => signs[sign] ?? sign);

const longestFirst = commonWords.toSorted((a, b) => b.length - a.length);
const withoutWords = (text: string): string => longestFirst.reduce((left, word) => left.replaceAll(word, ' '), text);

/** Four or more neighbours of a keyboard row, the alphabet or the digits, forwards or backwards; and one sign many times. */
function withoutRuns(text: string): string {
  let left = '';
  for (let at = 0; at < text.length; ) {
    const length = runAt(text, at);
    left += length >= 4 ? ' ' : text.slice(at, at + Math.max(1, length));
    at += Math.max(1, length);
  }
  return left;
}

function runAt(text: string, at: number): number {
  let longest = 1;
  for (const row of rows) {
    for (const line of [row, row.split('').toReversed().join('')]) {
      const from = line.indexOf(text.charAt(at));
      if (from < 0) continue;
      let length = 1;
      while (at + length < text.length && text[at + length] === line[from + length]) length += 1;
      longest = Math.max(longest, length);
    }
  }
  let same = 1;
  while (text[at + same] === text[at]) same += 1;
  return Math.max(longest, same);
}
