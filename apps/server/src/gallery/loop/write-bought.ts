import type { Decision, Publication } from '#gallery/model';
import { publicationOf, storedOf } from './ledger.ts';
import { readBought, writeDecisions } from './queries/close.ts';
import { decisionOf } from './remember.ts';
import type { ThinkingDeps } from './think-deps.ts';
import type { One } from './think-one.ts';

type Bought = { decision: Decision; publication: Record<string, unknown> };

/**
 * A picture that somebody was paid for is written down with its post before anything else happens: the same think, begun
 * again after a crash, takes it up and buys no second one.
 */
export async function keepBought(deps: ThinkingDeps, one: One, publication: Publication): Promise<void> {
  if (one.traits.imageSource === 'scene' || !one.decided) return;
  const bought: Bought = { decision: one.decided.decision, publication: storedOf(publication) };
  const row = decisionOf(one);
  await deps.db.transaction(async (tx) => writeDecisions(tx, [{ ...row, result: 'open', body: { bought } }]));
}

/** Before a painter is asked, so that neither a crash nor an answer that never came lets it be asked for ever. */
export async function notePaintings(deps: ThinkingDeps, one: One, paintings: number): Promise<void> {
  const row = decisionOf(one);
  await deps.db.transaction(async (tx) => writeDecisions(tx, [{ ...row, result: 'open', body: { paintings } }]));
}

/** Puts a think that has its picture already where it was. */
export async function takeBought(deps: ThinkingDeps, one: One): Promise<void> {
  if (one.traits.imageSource === 'scene') return;
  const row = await readBought(deps.db, one.thoughtId);
  const paintings = row?.body['paintings'];
  if (typeof paintings === 'number') one.paintings = paintings;
  // Written by `keepBought`.
  const bought = row?.body['bought'] as Bought | undefined;
  if (!row || !bought) return;
  const publication = publicationOf(bought.publication, (stored) => deps.pictures.again(stored));
  if (!publication) return;
  const { decision } = bought;
  one.cost = { ...one.cost, tokensIn: row.tokensIn, tokensOut: row.tokensOut, costMicros: row.costMicros };
  one.decided = { decision, offer: null, by: 'mind', mind: row.mind };
  one.planned = { kind: 'post', itemId: null, parentId: null, content: decision.caption, author: null, publication };
}
