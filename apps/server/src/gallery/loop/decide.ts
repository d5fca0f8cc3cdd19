import { type ActKind, galleryLimits } from '@muster/protocol';
import type { Decision, Draws } from '#gallery/model';
import type { Offer } from './candidates.ts';
import { cutTo } from './observe.ts';
import { mayDo } from './spacing.ts';
import { type Decided, type One, Stop, seenBy } from './think-one.ts';

/* Which act it is going to be: by the odds, or as the mind says. Pure but for the think it is written into. */

const why = (text: string): string => cutTo(text, galleryLimits.whyCharsMax);

/** Nothing is left to do: the rules say which of them stood in the way first. */
export function stopWhenIdle(one: One): void {
  const { odds, barred } = seenBy(one);
  if (Object.keys(odds).length > 0) return;
  const reason = Object.values(barred)[0] ?? 'nothing_to_react_to';
  throw new Stop({ result: 'skipped', reason, event: { type: 'ok' } });
}

/** The kind by the odds, the item by its score. Likes and browsing are decided whole here and cost nothing. */
export function decideByOdds(one: One, draws: Draws = one.draws('odds')): { kind: ActKind; on: number; why: string } {
  const { odds, offers } = seenBy(one);
  const kind = draws.weighted(odds);
  if (kind === undefined) throw new Error('invariant broken: the odds are empty');
  const share = `${kind} at ${Math.round(100 * (odds[kind] ?? 0))} %`;
  if (kind === 'post') return { kind, on: -1, why: why(`${share}: time for a picture of its own`) };
  const open = offers.flatMap((offer, on) => (kind === 'browse' || mayDo(offer, kind) ? [{ offer, on }] : []));
  const chosen = pickOffer(open, draws);
  if (!chosen) return { kind, on: -1, why: why(`${share}: looks around, nothing is there`) };
  return { kind, on: chosen.on, why: why(`${share}; ${reasonFor(chosen.offer, kind, one)}`) };
}

function pickOffer(
  open: readonly { offer: Offer; on: number }[],
  draws: Draws,
): { offer: Offer; on: number } | undefined {
  // Whoever waits for an answer comes first.
  const waiting = open.find(({ offer }) => offer.waiting !== null);
  if (waiting) return waiting;
  const weights = Object.fromEntries(open.map(({ offer }, at) => [at, Math.max(0.01, offer.score)]));
  const at = draws.weighted(weights);
  return at === undefined ? undefined : open[Number(at)];
}

function reasonFor({ item, score, waiting }: Offer, kind: ActKind, one: One): string {
  const title = cutTo(item.title, 60);
  if (waiting && kind === 'reply') return `@${waiting.comment.author?.username ?? 'somebody'} waits for an answer`;
  const met = one.traits.interests.find((interest) => item.words.has(interest.toLowerCase()));
  return `“${title}” drew it (${score.toFixed(2)}${met ? `, ${met}` : ''})`;
}

/** A decision that needs no words. */
export function wordless(wanted: { kind: ActKind; on: number; why: string }): Decision {
  const { kind, on, why } = wanted;
  return { do: kind, on, why, text: '', prompt: '', caption: '', alt: '', tags: [] };
}

/** Takes what a mind decided, if it may be done. Throws `Stop`: `mind_invalid`, or skipped by the rule it ran into. */
export function takeDecision(one: One, decision: Decision, how: Pick<Decided, 'by' | 'mind'>): Decided {
  const { offers, odds, barred } = seenBy(one);
  const offer = offers[decision.on] ?? null;
  const kind = decision.do;
  const decided: Decided = { decision: { ...decision, why: why(decision.why) }, offer, ...how };
  one.decided = decided;
  if (kind === 'nothing') throw skipped('nothing_to_react_to');
  if (kind === 'post' || kind === 'browse') {
    if (odds[kind] === undefined) throw skipped(barred[kind] ?? 'spacing');
    return decided;
  }
  // An answer that names what it was not shown, or an item of its own, is not one (case 41).
  if (offer === null) throw nonsense(`on ${decision.on} of ${offers.length}`);
  if (offer.barred[kind] === 'own_item') throw nonsense('an item of its own');
  if (kind === 'reply' && offer.waiting === null) throw nonsense('nobody is there to be answered');
  const rule = offer.barred[kind] ?? (odds[kind] === undefined ? (barred[kind] ?? 'spacing') : undefined);
  if (rule !== undefined) throw skipped(rule);
  return decided;
}

const skipped = (reason: string): Stop => new Stop({ result: 'skipped', reason, event: { type: 'ok' } });
const nonsense = (detail: string): Stop =>
  new Stop({ result: 'failed', reason: 'mind_invalid', event: { type: 'ok' }, error: new Error(`mind: ${detail}`) });
