import type { Draws } from '#gallery/model';
import { folded } from './clean.ts';
import { gramsOf, jaccard, plainOf } from './grams.ts';
import { asksSomething, praisesSomething, suggestsSomething } from './moves.ts';
import { Sameness } from './sameness.ts';

/* What the evaluation of a fleet measures in its texts and counts. Pure; empty input gives 0. */

/** Different n-grams of words over all n-grams: distinct-1, distinct-2 (Li et al., "A diversity-promoting objective function", 2016). */
export function distinctN(texts: readonly string[], n: number): number {
  const seen = new Set<string>();
  let all = 0;
  for (const text of texts) {
    const words = wordsOf(text);
    for (let at = 0; at + n <= words.length; at++) {
      seen.add(words.slice(at, at + n).join(' '));
      all += 1;
    }
  }
  return all === 0 ? 0 : seen.size / all;
}

const pairsMax = 20_000;

/** Mean likeness of trigrams over pairs of texts: all of them, or with draws at most 20 000 drawn ones. */
export function meanPairwiseJaccard(texts: readonly string[], draws?: Draws): number {
  const grams = texts.map((text) => gramsOf(plainOf(text)));
  const pairs = (grams.length * (grams.length - 1)) / 2;
  if (pairs === 0) return 0;
  let sum = 0;
  const likeness = (a: number, b: number): number => {
    const [x, y] = [grams[a], grams[b]];
    return x && y ? jaccard(x, y) : 0;
  };
  if (!draws || pairs <= pairsMax) {
    for (let a = 0; a < grams.length; a++) for (let b = a + 1; b < grams.length; b++) sum += likeness(a, b);
    return sum / pairs;
  }
  for (let i = 0; i < pairsMax; i++) {
    const a = draws.whole(0, grams.length - 1);
    const b = draws.whole(0, grams.length - 2);
    sum += likeness(a, b < a ? b : b + 1);
  }
  return sum / pairsMax;
}

/** Share of texts, oldest first, that are the same as one of the 5 000 before them. */
export function nearDuplicateRate(texts: readonly string[]): number {
  const before = new Sameness({ own: 1 });
  let same = 0;
  for (const text of texts) {
    if (before.find(text, { kind: 'comment', botId: '', targetId: '' })) same += 1;
    before.add(text, { kind: 'comment', botId: '', targetId: '' });
  }
  return texts.length === 0 ? 0 : same / texts.length;
}

/** Mean over bots of the share of word pairs that the same bot had used before: 0 = never the same turn twice. */
export function selfRepetition(textsByBot: Iterable<readonly string[]>): number {
  const shares = [...textsByBot].filter((texts) => texts.length > 1).map((texts) => 1 - distinctN(texts, 2));
  return mean(shares);
}

/** Shares of texts that ask, suggest, praise; one text may do all three. `praise` is also the agreeableness of a fleet. */
export function shares(texts: readonly string[]): { questions: number; suggestions: number; praise: number } {
  const share = (does: (text: string) => boolean): number =>
    texts.length === 0 ? 0 : texts.filter(does).length / texts.length;
  return {
    questions: share(asksSomething),
    suggestions: share(suggestsSomething),
    praise: share(praisesSomething),
  };
}

const small = new Set('a an the of in on at and or to with by for from is are it its this that as'.split(' '));

/** Whether a text names at least one thing that is truly in the picture: a whole fact, or its last word in one or more. */
export function namesFact(text: string, facts: readonly string[]): boolean {
  const plain = folded(text);
  return facts.some((fact) => {
    const known = folded(fact).trim();
    if (known && plain.includes(known)) return true;
    const words = wordsOf(known).filter((word) => !small.has(word) && word.length > 2);
    const head = words.at(-1);
    if (head === undefined || words.length > 8) return false;
    return words.length > 4
      ? words.filter((word) => plain.includes(word)).length >= 2
      : new RegExp(`(?<!\\p{L})${head.replaceAll(/[^\p{L}\p{N}]/gu, '.')}(?:e?s)?(?!\\p{L})`, 'u').test(plain);
  });
}

/** Share of texts that name a fact of their item. */
export function factsNamed(said: readonly { text: string; facts: readonly string[] }[]): number {
  return said.length === 0 ? 0 : said.filter(({ text, facts }) => namesFact(text, facts)).length / said.length;
}

/** 0 = all alike, towards 1 = one has everything; of activity, of attention. Values below 0 count as 0. */
export function gini(values: readonly number[]): number {
  const sorted = values.map((value) => Math.max(0, value)).sort((a, b) => a - b);
  const sum = sorted.reduce((total, value) => total + value, 0);
  if (sum === 0) return 0;
  const weighted = sorted.reduce((total, value, i) => total + (i + 1) * value, 0);
  return (2 * weighted) / (sorted.length * sum) - (sorted.length + 1) / sorted.length;
}

/**
 * Kolmogorov and Smirnov: the greatest distance `d` between the values' distribution and another one (values, or a
 * cumulative function), and how likely so great a distance is by chance (`p`, asymptotic series).
 */
export function ks(
  values: readonly number[],
  other: readonly number[] | ((value: number) => number),
): { d: number; p: number } {
  if (values.length === 0 || (typeof other !== 'function' && other.length === 0)) return { d: 0, p: 1 };
  const a = [...values].sort((x, y) => x - y);
  if (typeof other === 'function') {
    const d = a.reduce((most, value, i) => {
      const expected = other(value);
      return Math.max(most, Math.abs(expected - i / a.length), Math.abs((i + 1) / a.length - expected));
    }, 0);
    return { d, p: chanceOf(d, a.length) };
  }
  const b = [...other].sort((x, y) => x - y);
  let i = 0;
  let j = 0;
  let d = 0;
  while (i < a.length && j < b.length) {
    const value = Math.min(a[i] ?? 0, b[j] ?? 0);
    while (i < a.length && (a[i] ?? 0) <= value) i += 1;
    while (j < b.length && (b[j] ?? 0) <= value) j += 1;
    d = Math.max(d, Math.abs(i / a.length - j / b.length));
  }
  return { d, p: chanceOf(d, (a.length * b.length) / (a.length + b.length)) };
}

function chanceOf(d: number, n: number): number {
  const root = Math.sqrt(n);
  const x = (root + 0.12 + 0.11 / root) * d;
  if (x < 0.2) return 1;
  let sum = 0;
  for (let k = 1; k <= 100; k++) sum += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * k * k * x * x);
  return Math.min(1, Math.max(0, sum));
}

const wordsOf = (text: string): string[] => folded(text).match(/[\p{L}\p{M}\p{N}'’]+/gu) ?? [];
const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
