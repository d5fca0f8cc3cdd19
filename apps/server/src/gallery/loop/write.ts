import type { Situation } from '#gallery/model';
import { type Candidate } from '#gallery/model';
import { candidateOf } from './candidates.ts';
import { recollect, wordsOf } from './memory.ts';
import { type One, seenBy } from './think-one.ts';
import { zoneOf } from './zones.ts';

const hourMs = 3_600_000;
const interestsUsed = 10;

/** All that a mind is told. Remembers in the think which memories were looked up. */
export function situationOf(one: One, more: Pick<Situation, 'wanted' | 'redo'> = {}): Situation {
  const { bot, traits, persona, at } = one;
  const { recall, offers, odds } = seenBy(one);
  const candidates = offers.map((offer) => candidateOf(offer, bot, recall, at));
  const memories = recollect(recall.memories, aboutOf(candidates, more.wanted?.on), at);
  one.used = memories;
  return {
    botId: bot.id,
    name: bot.name,
    username: bot.username,
    persona: persona.body,
    personality: traits.personality,
    vibe: traits.vibe,
    interests: traits.interests.slice(0, interestsUsed),
    style: traits.style,
    language: traits.language,
    local: localAt(traits.timezone, at),
    odds,
    candidates,
    memories: memories.map(({ text }) => text),
    recent: recall.recent,
    families: traits.recipes,
    ...more,
  };
}

function aboutOf(candidates: readonly Candidate[], on: number | undefined): ReadonlySet<string> {
  const about = on === undefined ? candidates : candidates.slice(on, on + 1);
  return wordsOf(about.flatMap(({ title, caption, tags, author }) => [title, caption, ...tags, author]).join(' '));
}

function localAt(timezone: string, at: number): { hour: number; weekday: number } {
  const hours = Math.floor((at + zoneOf(timezone).spanAt(at).offset) / hourMs);
  // 1970-01-01 was a Thursday.
  return { hour: hours % 24, weekday: (Math.floor(hours / 24) + 4) % 7 };
}
