import type { BotRow, Candidate, Comment, Draws, EffectiveTraits, Heard } from '#gallery/model';
import { affinityAt, wordsOf } from './memory.ts';
import type { Recall } from './memory-recall.ts';
import type { SeenItem, World } from './observe.ts';
import type { Waiting } from './observe-replies.ts';

/* What a bot may react to now (gallery.md §4.1, step 3). */

export type OfferKind = 'like' | 'comment' | 'reply';
/** A candidate with what the loop must know of it besides. */
export type Offer = {
  item: SeenItem;
  score: number;
  /** Why a kind is not for this one; absent: it may be done. */
  barred: Readonly<Partial<Record<OfferKind, string>>>;
  waiting: Waiting | null;
  /** As far as it was read. */
  thread: readonly Comment[] | null;
};

export const candidatesMax = 6;
const threadLines = 4;
const interestsUsed = 10;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** Of the whole fleet on one item, an hour. */
export const pileOn = { words: 6, likes: 20 } as const;
const wordsPerItem = 2;
const likesPerAuthor = 5;

type Looking = {
  bot: Pick<BotRow, 'id' | 'username'>;
  traits: Pick<EffectiveTraits, 'interests'>;
  recall: Recall;
  world: World;
  quiet: ReadonlySet<string>;
  at: number;
};

/** Six at most: who waits for an answer first, then items drawn by their scores. */
export function offersOf(looking: Looking, waiting: readonly Waiting[], draws: Draws): Offer[] {
  const { recall, world, at } = looking;
  const past = pastOf(recall, at, world);
  const scale = scaleOf(looking);
  const answers = [...waiting]
    .sort((a, b) => a.comment.createdAt - b.comment.createdAt || (a.comment.id < b.comment.id ? -1 : 1))
    .slice(0, candidatesMax / 2)
    .map((one): Offer => {
      const crowded = (world.piles.get(one.item.id)?.words ?? 0) >= pileOn.words;
      // Below its own post a bot may answer everybody, once each.
      const enough = !one.own && (past.words.get(one.item.id)?.today ?? 0) >= wordsPerItem;
      const never = { like: 'own_item', comment: 'own_item' } as const;
      return {
        item: one.item,
        score: weigh(one.item, scale) + 1,
        barred: { ...never, ...(crowded ? { reply: 'pile_on' } : enough ? { reply: 'spacing' } : {}) },
        waiting: one,
        thread: one.thread,
      };
    });
  const items: Offer[] = [];
  for (const item of world.items) {
    const barred = barredOf(item, looking, past);
    if (barred !== null) items.push({ item, score: weigh(item, scale), barred, waiting: null, thread: null });
  }
  const found = [...answers];
  while (found.length < candidatesMax && items.length > 0) {
    const at = weightedIndex(items, draws);
    found.push(...items.splice(at, 1));
  }
  return found;
}

type Past = {
  liked: ReadonlySet<string>;
  words: ReadonlyMap<string, { today: number }>;
  likesTo: ReadonlyMap<string, number>;
};

/** Of what is still to be seen. */
function pastOf({ done }: Recall, at: number, { byId }: World): Past {
  const liked = new Set<string>();
  const words = new Map<string, { today: number }>();
  const likesTo = new Map<string, number>();
  for (const { kind, itemId, author, at: doneAt } of done) {
    if (itemId === null) continue;
    if (kind === 'like' && author !== null && at - doneAt < hourMs) likesTo.set(author, (likesTo.get(author) ?? 0) + 1);
    if (!byId.has(itemId)) continue;
    if (kind === 'like') liked.add(itemId);
    else if (kind === 'comment' || kind === 'reply') {
      const today = at - doneAt < dayMs ? 1 : 0;
      const count = words.get(itemId);
      if (count) count.today += today;
      else words.set(itemId, { today });
    }
  }
  return { liked, words, likesTo };
}

/** What may not be done with this item; `null` when nothing may. */
function barredOf(item: SeenItem, { bot, quiet, world }: Looking, past: Past): Offer['barred'] | null {
  const { author } = item;
  if (author === null || author.username === bot.username || quiet.has(author.username)) return null;
  const pile = world.piles.get(item.id);
  const said = past.words.get(item.id);
  const liked = past.liked.has(item.id);
  if (liked && said) return null;
  const like = liked
    ? 'already_liked'
    : (pile?.likes ?? 0) >= pileOn.likes
      ? 'pile_on'
      : (past.likesTo.get(author.username) ?? 0) >= likesPerAuthor
        ? 'spacing'
        : undefined;
  const comment =
    (pile?.words ?? 0) >= pileOn.words ? 'pile_on' : (said?.today ?? 0) >= wordsPerItem ? 'spacing' : undefined;
  if (like !== undefined && comment !== undefined) return null;
  return { reply: 'nothing_to_react_to', ...(like ? { like } : {}), ...(comment ? { comment } : {}) };
}

/** 0.5^(age h / 12) + 1.2 · interests + 0.8 · affinity + 0.5 if a person wrote it + 0.3 if it is new to the bot. */
export const scoreOf = (item: SeenItem, looking: Pick<Looking, 'traits' | 'recall' | 'at'>): number =>
  weigh(item, scaleOf(looking));

/** What all items of one look are weighed by. */
type Scale = {
  interests: readonly (readonly string[])[];
  remembered: ReadonlySet<string | null>;
  recall: Recall;
  at: number;
};

function scaleOf({ traits, recall, at }: Pick<Looking, 'traits' | 'recall' | 'at'>): Scale {
  const interests = traits.interests.slice(0, interestsUsed).map(interestWords);
  const remembered = new Set<string | null>();
  for (const { itemId } of recall.memories) remembered.add(itemId);
  return { interests, remembered, recall, at };
}

function weigh(item: SeenItem, { interests, remembered, recall, at }: Scale): number {
  const age = Math.max(0, at - item.createdAt) / hourMs;
  let met = 0;
  for (const words of interests) if (meets(words, item.words)) met += 1;
  const relation = item.author ? recall.relations.get(item.author.username) : undefined;
  return (
    0.5 ** (age / 12) +
    1.2 * (interests.length === 0 ? 0 : Math.min(1, met / Math.min(3, interests.length))) +
    0.8 * (relation ? affinityAt(relation, at) : 0) +
    (item.author?.isAgent === false ? 0.5 : 0) +
    (remembered.has(item.id) ? 0 : 0.3)
  );
}

function meets(interest: readonly string[], words: ReadonlySet<string>): boolean {
  for (const word of interest) if (words.has(word)) return true;
  return false;
}

const interestWordsKnown = new Map<string, readonly string[]>();
const interestsKnownMax = 5_000;
/** Interests repeat over a whole fleet; each is cut into words once. */
function interestWords(interest: string): readonly string[] {
  let words = interestWordsKnown.get(interest);
  if (!words) {
    if (interestWordsKnown.size >= interestsKnownMax) interestWordsKnown.clear();
    words = [...wordsOf(interest)];
    interestWordsKnown.set(interest, words);
  }
  return words;
}

function weightedIndex(offers: readonly Offer[], draws: Draws): number {
  let sum = 0;
  for (const { score } of offers) sum += Math.max(0.01, score);
  let left = draws.next() * sum;
  for (const [at, { score }] of offers.entries()) {
    left -= Math.max(0.01, score);
    if (left < 0) return at;
  }
  return offers.length - 1;
}

/** As minds read it. */
export function candidateOf(offer: Offer, bot: Pick<BotRow, 'username'>, recall: Recall, at: number): Candidate {
  const { item, waiting } = offer;
  const comments = offer.thread ?? [];
  const upTo = waiting ? comments.indexOf(waiting.comment) + 1 : comments.length;
  const known = [...(item.facts ?? []), ...(item.facts?.length ? [] : [item.alt, item.imagePrompt])];
  return {
    itemId: item.id,
    kind: waiting ? 'reply' : 'item',
    title: item.title,
    caption: item.description,
    facts: known.flatMap((fact) => (fact ? [fact] : [])),
    tags: item.tags,
    author: item.author?.username ?? 'unknown',
    authorIsAgent: item.author?.isAgent === true,
    ageHours: Math.max(0, at - item.createdAt) / hourMs,
    thread: comments.slice(Math.max(0, upTo - threadLines), upTo).map((comment) => heardOf(comment, bot)),
    ...(waiting
      ? {
          answers: {
            commentId: waiting.comment.id,
            username: waiting.comment.author?.username ?? 'unknown',
            text: waiting.comment.content,
          },
        }
      : {}),
    liked: recall.done.some((done) => done.kind === 'like' && done.itemId === item.id),
    score: Math.round(offer.score * 1_000) / 1_000,
  };
}

const heardOf = ({ author, content }: Comment, bot: Pick<BotRow, 'username'>): Heard => ({
  author: author?.username ?? 'unknown',
  isAgent: author?.isAgent === true,
  own: author?.username === bot.username,
  text: content,
});
