import { galleryLimits } from '@muster/protocol';
import type { Memory, Relation } from './queries/memory.ts';

/* What a bot remembers, and how it is weighed (gallery.md §2.4). Pure; times are epoch ms. */

const hourMs = 3_600_000;
const halfLifeMs = 14 * 24 * hourMs;
/** An hour takes half a per cent of what a memory counts. */
const keptPerHour = 0.995;
/** Importance that makes a bot look back. */
const reflectAbove = 150;
const topMax = 3;
/** Three memories are at most 120 tokens: about 4 characters each. */
const topCharsMax = 480;

/** Words that say something, in small letters: what two texts have in common is counted by them. */
export function wordsOf(text: string): Set<string> {
  const words = new Set<string>();
  for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{N}]{3,}/gu)) words.add(word);
  return words;
}

const wordsKnown = new WeakMap<Memory, readonly string[]>();
/** Each once. A memory is weighed at every think and never changes. */
function wordsIn(memory: Memory): readonly string[] {
  let words = wordsKnown.get(memory);
  if (!words) {
    words = [...wordsOf(memory.text)];
    wordsKnown.set(memory, words);
  }
  return words;
}

/** The part of the shorter one that both have. */
function overlapOf(words: readonly string[], with_: ReadonlySet<string>): number {
  if (words.length === 0 || with_.size === 0) return 0;
  let common = 0;
  for (const word of words) if (with_.has(word)) common += 1;
  return common / Math.min(words.length, with_.size);
}

const freshness = (memory: Memory, at: number): number =>
  keptPerHour ** (Math.max(0, at - memory.at) / hourMs) + memory.importance / 10;

/** The memories that fit the situation best, best first. */
export function recollect(memories: readonly Memory[], situation: ReadonlySet<string>, at: number): Memory[] {
  const scored = memories.map((memory) => ({
    memory,
    score: freshness(memory, at) + overlapOf(wordsIn(memory), situation),
  }));
  scored.sort((a, b) => b.score - a.score || b.memory.at - a.memory.at || (a.memory.id < b.memory.id ? -1 : 1));
  const top: Memory[] = [];
  let chars = 0;
  for (const { memory } of scored) {
    if (top.length === topMax) break;
    if (chars + memory.text.length > topCharsMax) continue;
    chars += memory.text.length;
    top.push(memory);
  }
  return top;
}

/** Those that must go so that `max` stay: lowest score first. */
export function tooMany(
  memories: readonly Memory[],
  at: number,
  max: number = galleryLimits.memoryPerBotMax,
): Memory[] {
  if (memories.length <= max) return [];
  return memories
    .map((memory) => ({ memory, score: freshness(memory, at) }))
    .sort((a, b) => a.score - b.score || a.memory.at - b.memory.at || (a.memory.id < b.memory.id ? -1 : 1))
    .slice(0, memories.length - max)
    .map(({ memory }) => memory);
}

/** What is left of an affinity after `ms`. */
export const affinityAt = (relation: Pick<Relation, 'affinity' | 'lastAt'>, at: number): number =>
  relation.affinity * 0.5 ** (Math.max(0, at - relation.lastAt) / halfLifeMs);

/** What one exchange makes of a relation. */
export const affinitySteps = { like: 0.02, word: 0.05, replied: 0.1 } as const;

export function closer(
  relation: Relation | undefined,
  met: { person: string; isBot: boolean; at: number; step: number; seen: number; exchanged: number },
): Relation {
  const before = relation ? affinityAt(relation, met.at) : 0;
  return {
    person: met.person,
    isBot: met.isBot,
    affinity: Math.max(-1, Math.min(1, before + met.step)),
    seen: (relation?.seen ?? 0) + met.seen,
    exchanged: (relation?.exchanged ?? 0) + met.exchanged,
    lastAt: met.at,
  };
}

/** Relations that must go so that `max` stay: those that mean least now. */
export function tooManyRelations(
  relations: readonly Relation[],
  at: number,
  max: number = galleryLimits.relationsPerBotMax,
): Relation[] {
  if (relations.length <= max) return [];
  return [...relations]
    .sort(
      (a, b) =>
        Math.abs(affinityAt(a, at)) - Math.abs(affinityAt(b, at)) ||
        a.lastAt - b.lastAt ||
        (a.person < b.person ? -1 : 1),
    )
    .slice(0, relations.length - max);
}

/**
 * One line on what has been going on since the bot last looked back, once enough has; from counts, so it costs nothing and
 * is the same for the same memories.
 */
export function reflectionOf(memories: readonly Memory[]): string | null {
  const since = memories.reduce((last, { kind, at }) => (kind === 'reflected' ? Math.max(last, at) : last), -1);
  const fresh = memories.filter(({ at, kind }) => at > since && kind !== 'reflected');
  if (fresh.reduce((sum, { importance }) => sum + importance, 0) <= reflectAbove) return null;
  const people = mostOf(fresh.flatMap(({ person }) => (person === null ? [] : [person])));
  const words = mostOf(fresh.flatMap((memory) => wordsIn(memory).filter((word) => word.length > 4)));
  const made = fresh.filter(({ kind }) => kind === 'made').length;
  const heard = fresh.filter(({ kind }) => kind === 'heard').length;
  const parts = [
    words.length > 0 ? `Lately much about ${words.join(', ')}.` : 'Quiet days.',
    people.length > 0 ? `Most often around: ${people.join(', ')}.` : '',
    `Made ${made}, was answered ${heard} times.`,
  ];
  return parts.filter(Boolean).join(' ');
}

function mostOf(names: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts]
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .slice(0, 3)
    .map(([name]) => name);
}
