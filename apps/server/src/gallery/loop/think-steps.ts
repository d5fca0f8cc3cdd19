import type { Decision, Situation } from '#gallery/model';
import { MindError } from '#gallery/model';
import { must, reach } from '#kernel/base';
import { type Offer, offersOf } from './candidates.ts';
import { decideByOdds, stopWhenIdle, takeDecision, wordless } from './decide.ts';
import type { Recall } from './memory-recall.ts';
import { plain, type SeenItem, type Watch } from './observe.ts';
import { type Waiting, waitingIn } from './observe-replies.ts';
import { barredNow, oddsLeft } from './spacing.ts';
import { type One, Stop, seenBy } from './think-one.ts';
import type { ThinkParts } from './think-parts.ts';
import { reserveFor } from './think-reserve.ts';
import { situationOf } from './write.ts';
import { checkWritten } from './write-check.ts';

/* The steps of one think up to the moment it would have an effect; previews take the same ones. Each throws `Stop`, or
 * whatever went wrong, and leaves what it found in the think. */

/** Threads that a mind may be shown, when it chooses by itself. */
const threadsShown = 2;
const redraws = { free: 3, paid: 1 } as const;

/** Reads of the tables for all bots of a batch, in one trip. Views of the targets were looked at before. */
export async function recallAll(parts: ThinkParts, ones: readonly One[]): Promise<void> {
  const bots = ones.map(({ bot }) => bot);
  await parts.recalls.load(parts.deps.db, bots);
  for (const one of ones) {
    const recall = must(parts.recalls.get(one.bot), 'what a bot remembers');
    const world = must(one.world, 'the view of a target');
    one.seen = { world, recall, offers: [], odds: {}, barred: {} };
  }
}

/** What the bot may react to, and which acts are left to it. At most one read. */
export async function findOffers(parts: ThinkParts, one: One): Promise<void> {
  await readGrown(parts, one);
  offersSeen(parts, one);
}

/** The thread below a post of the bot's own that has grown; one at a think. */
export async function readGrown(parts: ThinkParts, one: One): Promise<void> {
  const watch = parts.watch(one);
  const own = seenBy(one).world.byAuthor.get(one.bot.username) ?? [];
  const grown = own.find((item) => item.commentCount > 0 && watch.known(item) === undefined);
  if (grown) await watch.thread(grown, one.due.signal);
}

/** From memory alone: where many bots think at once, all of them first read and then see the same. */
export function offersSeen(parts: ThinkParts, one: One): void {
  const { bot, traits, target, caps, at } = one;
  const seen = seenBy(one);
  const quiet = new Set(target.quietList);
  const waiting = waitingFor(parts.watch(one), one, quiet);
  seen.offers = offersOf(
    { bot, traits, recall: seen.recall, world: seen.world, quiet, at },
    waiting,
    one.draws('candidates'),
  );
  const watch = parts.watch(one);
  for (const offer of seen.offers) offer.thread ??= watch.known(offer.item) ?? null;
  seen.barred = barredNow({ bot, traits, recall: seen.recall, offers: seen.offers, caps, at });
  seen.odds = oddsLeft(traits.odds, seen.barred);
}

function waitingFor(watch: Watch, one: One, quiet: ReadonlySet<string>): Waiting[] {
  const { bot, fleet, at } = one;
  const { world, recall } = seenBy(one);
  const own = (world.byAuthor.get(bot.username) ?? []).filter((item) => item.commentCount > 0);
  const named = [...watch.naming(bot.username)];
  const others =
    named.length === 0
      ? []
      : world.items.filter(({ id, author }) => author?.username !== bot.username && named.includes(id));
  const around = [...own, ...others];
  if (around.length === 0) return [];
  const spoke = lastWords(recall, new Set(own.map(({ id }) => id)));
  const answered = new Set<string>();
  for (const { parentId } of recall.done) if (parentId !== null) answered.add(parentId);
  const of = { me: { id: bot.id, username: bot.username }, fleetSeed: fleet.seed, answered, quiet, at };
  return around.flatMap((item: SeenItem) => {
    const thread = watch.known(item) ?? [];
    // Below its own post a bot speaks only after somebody else did: never twice in a row.
    const other = thread.findLast(({ author }) => author?.username !== bot.username)?.createdAt ?? 0;
    if (item.author?.username === bot.username && (spoke.get(item.id) ?? 0) >= other) return [];
    return waitingIn(thread, { ...of, item });
  });
}

/** When the bot last said something below each of these items. */
function lastWords({ done }: Recall, below: ReadonlySet<string>): ReadonlyMap<string, number> {
  const last = new Map<string, number>();
  if (below.size === 0) return last;
  for (const { kind, itemId, at } of done) {
    if ((kind === 'comment' || kind === 'reply') && itemId !== null && below.has(itemId))
      last.set(itemId, Math.max(at, last.get(itemId) ?? 0));
  }
  return last;
}

/** Which act, on what, and its words. */
export async function decide(parts: ThinkParts, one: One): Promise<void> {
  stopWhenIdle(one);
  const { offers } = seenBy(one);
  if (one.traits.decide === 'odds') {
    const wanted = decideByOdds(one);
    if (wanted.kind === 'like' || wanted.kind === 'browse') {
      takeDecision(one, wordless(wanted), { by: 'odds', mind: 'odds' });
      return;
    }
    const offer = offers[wanted.on];
    if (offer) await readThread(parts, one, offer);
    await ask(parts, one, { wanted }, 0);
    return;
  }
  const unread = offers.filter(({ thread, item }) => thread === null && item.commentCount > 0);
  for (const offer of unread.toSorted((a, b) => b.score - a.score).slice(0, threadsShown)) {
    await readThread(parts, one, offer);
  }
  await ask(parts, one, {}, 0);
}

async function readThread(parts: ThinkParts, one: One, offer: Offer): Promise<void> {
  if (offer.thread !== null || offer.item.commentCount === 0) return;
  const thread = await parts.watch(one).thread(offer.item, one.due.signal);
  if (!thread) throw new Stop({ result: 'skipped', reason: 'item_gone', event: { type: 'ok' }, gone: offer.item.id });
  offer.thread = thread;
}

/** One call of the bot's mind, reserved before it where it costs. */
async function ask(
  parts: ThinkParts,
  one: One,
  more: Pick<Situation, 'wanted' | 'redo'>,
  attempt: number,
): Promise<void> {
  const mind = await parts.payingMindOf(one);
  const situation = situationOf(one, more);
  one.situation = situation;
  const id = parts.paidId(one, 'mind');
  const paid = mind.kind === 'paid';
  if (paid) await reserveFor({ ...parts.deps, reserving: parts.reserving }, one, id, mind.bound(situation));
  const { signal } = one.due;
  signal.throwIfAborted();
  try {
    const thought = await mind.think(situation, { draws: one.draws('mind', attempt), signal });
    if (paid) one.reserved.set(id, usedOf(thought));
    const { cost } = one;
    cost.tokensIn += thought.tokens.in;
    cost.tokensOut += thought.tokens.out;
    cost.costMicros += thought.costMicros;
    cost.latencyMs += thought.latencyMs;
    cost.calls += thought.calls;
    cost.injections += thought.injectionsSeen;
    if (thought.fellBackFrom) one.fellBackFrom = thought.fellBackFrom;
    await reach('gallery.mind');
    const by = more.wanted ? 'odds' : 'mind';
    takeDecision(one, wantedOnly(clean(thought.decision), more.wanted), { by, mind: thought.mind });
  } catch (error) {
    // Aborted by somebody: what it has cost is not known, so all that was reserved is the spend.
    if (error instanceof MindError && paid) one.reserved.set(id, usedOf(error.used));
    throw error;
  }
}

const usedOf = ({ tokens, costMicros }: { tokens: { in: number; out: number }; costMicros: number }) => ({
  money: costMicros,
  tokensIn: tokens.in,
  tokensOut: tokens.out,
});

function clean(decision: Decision): Decision {
  const { why, text, prompt, caption, alt, tags, ...rest } = decision;
  return {
    ...rest,
    why: plain(why),
    text: plain(text),
    prompt: plain(prompt),
    caption: plain(caption),
    alt: plain(alt),
    tags: tags.map(plain),
  };
}

/** Where the odds decided, only the words are the mind's. */
function wantedOnly(decision: Decision, wanted: Situation['wanted']): Decision {
  if (!wanted || decision.do === 'nothing') return decision;
  return { ...decision, do: wanted.kind, on: wanted.on ?? -1, why: decision.why === '' ? wanted.why : decision.why };
}

/** The guard. What was refused is written once more, a few times; then the think ends with the reason. */
export async function check(parts: ThinkParts, one: One): Promise<void> {
  if (one.planned) return;
  const { deps, sameness } = parts;
  const pending = parts.pending(one);
  if (must(one.decided, 'a decision').decision.do === 'browse') return;
  const most = redraws[parts.mindOf(one).kind];
  for (let attempt = 0; ; attempt++) {
    const decided = must(one.decided, 'a decision');
    const checked = checkWritten(one, decided, sameness, pending);
    if ('planned' in checked) {
      one.decided = { ...decided, decision: checked.decision };
      one.planned = { ...checked.planned, publication: null };
      pending.set(one.thoughtId, textsOf(one));
      return;
    }
    const { reason, text } = checked.refused;
    deps.counts.guards.add({ reason });
    if (attempt >= most) {
      const result = reason === 'near_duplicate' ? 'skipped' : 'blocked';
      throw new Stop({ result, reason, event: { type: 'ok' } });
    }
    const { do: kind, on, why } = decided.decision;
    const wanted = { kind: kind as Exclude<typeof kind, 'nothing'>, ...(on >= 0 ? { on } : {}), why };
    const { by } = decided;
    await ask(parts, one, { wanted, redo: { reason, text } }, attempt + 1);
    one.decided = { ...must(one.decided, 'a decision'), by };
  }
}

export function textsOf({ planned, decided }: One): { kind: 'caption' | 'comment' | 'prompt'; text: string }[] {
  if (!planned || planned.kind === 'like') return [];
  if (planned.kind !== 'post') return [{ kind: 'comment', text: planned.content }];
  return [
    { kind: 'caption', text: planned.content },
    { kind: 'prompt', text: decided?.decision.prompt ?? '' },
  ];
}
