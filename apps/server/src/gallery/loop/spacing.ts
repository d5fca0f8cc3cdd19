import { type ActKind, actKinds, type BotCaps, type Odds } from '@muster/protocol';
import type { BotRow, EffectiveTraits } from '#gallery/model';
import type { Offer } from './candidates.ts';
import type { Recall } from './memory-recall.ts';
import { ownTimeBetween } from './schedule.ts';

/* Which kinds of acts a bot may do now, and how likely each then is (gallery.md §4.1 step 5, §4.3). */

const second = 1_000;
const minute = 60 * second;
const dayMs = 24 * 60 * minute;
const spacing = { post: 5 * minute, postWhileNew: minute, newFor: 20 * minute, word: 30 * second } as const;
/** How far the use of a cap may run ahead of the curve of the day. */
const paceSlack = 0.1;

export type Barred = Partial<Record<ActKind, string>>;

/** Kinds that must not be done now, each with its reason. */
export function barredNow(of: {
  bot: Pick<BotRow, 'id'>;
  traits: EffectiveTraits;
  recall: Recall;
  offers: readonly Offer[];
  caps: BotCaps;
  at: number;
}): Barred {
  const { traits, recall, offers, caps, at } = of;
  const barred: Barred = {};
  const last = (kinds: readonly string[]): number =>
    recall.done.find(({ kind }) => kinds.includes(kind))?.at ?? Number.NEGATIVE_INFINITY;
  const first = recall.done.at(-1)?.at ?? at;
  const betweenPosts = at - first < spacing.newFor ? spacing.postWhileNew : spacing.post;
  if (at - last(['post']) < betweenPosts) barred.post = 'spacing';
  if (at - last(['comment', 'reply']) < spacing.word) barred.comment = barred.reply = 'spacing';

  const today = countsOf(recall, Math.floor(at / dayMs) * dayMs);
  const passed = dayPassed(traits, at);
  const over = (measure: 'posts' | 'comments' | 'likes'): boolean => {
    const cap = caps[measure];
    if (cap === null || cap === undefined) return false;
    return today[measure] >= Math.min(cap, Math.ceil(cap * Math.min(1, passed + paceSlack)));
  };
  if (over('posts')) barred.post = 'bot_budget';
  if (over('comments')) barred.comment = barred.reply = 'bot_budget';
  if (over('likes')) barred.like = 'bot_budget';

  for (const kind of ['like', 'comment', 'reply'] as const) {
    if (barred[kind] === undefined && !offers.some((offer) => mayDo(offer, kind))) barred[kind] = 'nothing_to_react_to';
  }
  return barred;
}

/** Of this UTC day. The caps themselves are held by the commit that opens an act; this only keeps to their pace. */
function countsOf({ done }: Recall, midnight: number): { posts: number; comments: number; likes: number } {
  const counts = { posts: 0, comments: 0, likes: 0 };
  for (const { kind, at } of done) {
    if (at < midnight) break;
    if (kind === 'post') counts.posts += 1;
    else if (kind === 'like') counts.likes += 1;
    else counts.comments += 1;
  }
  return counts;
}

export const mayDo = (offer: Offer, kind: 'like' | 'comment' | 'reply'): boolean => offer.barred[kind] === undefined;

/** How much of the bot's own time of this UTC day has gone by, 0 to 1. */
function dayPassed(traits: Pick<EffectiveTraits, 'curve' | 'timezone'>, at: number): number {
  const midnight = Math.floor(at / dayMs) * dayMs;
  const rhythm = { curve: traits.curve, timezone: traits.timezone, share: 1 };
  const whole = ownTimeBetween(rhythm, midnight, midnight + dayMs);
  return whole <= 0 ? 1 : ownTimeBetween(rhythm, midnight, at) / whole;
}

/** The odds of what is left, summing to 1; empty when nothing is. */
export function oddsLeft(odds: Odds, barred: Barred): Partial<Record<ActKind, number>> {
  const left = actKinds.filter((kind) => odds[kind] > 0 && barred[kind] === undefined);
  const sum = left.reduce((total, kind) => total + odds[kind], 0);
  return Object.fromEntries(left.map((kind) => [kind, odds[kind] / sum]));
}
