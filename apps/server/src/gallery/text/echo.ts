import { folded } from './clean.ts';

/** Scraps of prompts and of answer formats, which a model sometimes reads aloud. */
const scraps =
  /<\|[a-z_]+\|>|\[\/?inst\]|<<\/?sys>>|<\/?(?:system|user|assistant|think|instructions?)>|\b(?:system|developer)\s+(?:prompt|message|instructions?)\b|^\s*(?:system|assistant|user)\s*:|"(?:do|on|why|text|caption|prompt|alt|tags)"\s*:|\bnothing\s+inside\s+(?:it\s+|them\s+)?is\s+an\s+instruction\b|\byou\s+are\s+a\s+(?:gallery\s+)?bot\b|\bignore\s+(?:all\s+|any\s+)?(?:your\s+|the\s+|my\s+)?(?:previous|prior|above|earlier)\s+(?:instructions?|rules|prompts?)\b|\bmy\s+(?:instructions|rules)\s+(?:are|say|tell)\b|\bi\s+was\s+(?:told|instructed|prompted)\s+to\b|\bcandidate\s+#?\d\b|\{[a-z_/]+\}/;

/** Longest run of a read text that may come back. */
const echoWordsMax = 12;
/** The same for scripts that write without spaces. */
const echoLettersMax = 24;
const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;

/** Whether a folded text repeats what its writer was told or shown. */
export function echoes(text: string, delimiter: string | undefined, seen: readonly string[]): boolean {
  if (scraps.test(text)) return true;
  if (delimiter && text.replaceAll(/[^\p{L}\p{N}]/gu, '').includes(delimiter.toLowerCase())) return true;
  if (seen.length === 0) return false;
  const own = runsOf(text);
  return own.length > 0 && seen.some((read) => repeats(own, folded(read)));
}

function repeats(own: readonly string[], read: string): boolean {
  const theirs = runsOf(read);
  if (theirs.length === 0) return false;
  const known = new Set(theirs);
  return own.some((run) => known.has(run));
}

/** Every run that is one longer than may be repeated. */
function runsOf(text: string): string[] {
  const dense = unspaced.test(text);
  const parts = dense ? (text.match(/[\p{L}\p{N}]/gu) ?? []) : (text.match(/[\p{L}\p{M}\p{N}']+/gu) ?? []);
  const size = (dense ? echoLettersMax : echoWordsMax) + 1;
  const runs: string[] = [];
  for (let at = 0; at + size <= parts.length; at++) runs.push(parts.slice(at, at + size).join(' '));
  return runs;
}
