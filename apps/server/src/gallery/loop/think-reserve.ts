import { mindWants } from '#gallery/minds';
import type { Bound } from '#gallery/model';
import { reach } from '#kernel/base';
import type { Db } from '#kernel/db';
import type { Grant, Refusal, ReserveOrder } from '#kernel/meter';
import { crossingsTold } from './activity.ts';
import { Together } from './ledger-gather.ts';
import type { ThinkingDeps } from './think-deps.ts';
import { type Ending, type One, Stop } from './think-one.ts';

/** What is not settled by then counts as spent: longer than any think may take. */
export const reserveLeaseMs = 300_000;
const wakeSpreadMs = 60_000;
const soonMs = { min: 1_000, max: 5_000 };

export type Reserving = Together<ReserveOrder, Grant>;

/** Commit 1 of thinks that cost: those that come at once reserve in one transaction, each for itself. */
export const reserving = (deps: Pick<ThinkingDeps, 'db' | 'budgets' | 'tell' | 'emit' | 'clock'>): Reserving =>
  new Together((orders) =>
    (deps.db satisfies Db).transaction(async (tx) => {
      const { grants, crossed } = await deps.budgets.reserve(tx, orders);
      crossingsTold(deps, tx, crossed);
      return grants;
    }),
  );

/** The worst case of a paid call; throws `Stop` when a cap is in the way. */
export async function reserveFor(
  deps: Pick<ThinkingDeps, 'nodeId'> & { reserving: Reserving },
  one: One,
  id: string,
  bound: Bound,
): Promise<void> {
  if (!one.due.may()) throw new Stop({ result: 'dropped', reason: 'draining', event: null });
  const wants = mindWants({ bot: one.bot, caps: one.caps, bound });
  const order = { id, projectId: one.bot.projectId, at: one.at, owner: deps.nodeId, leaseMs: reserveLeaseMs, wants };
  const [settled] = await deps.reserving.do([order]);
  if (settled?.status !== 'fulfilled') throw settled?.reason ?? new Error('invariant broken: no grant');
  if (!settled.value.granted) throw new Stop(endingOf(settled.value.refused, one));
  one.reserved.set(id, null);
  await reach('gallery.reserve');
}

/** Whose cap it was decides who waits: this bot, the target's gate or the fleet's (gallery.md §2.7). */
export function endingOf(refused: readonly Refusal[], one: One): Ending {
  const wide = refused.find(({ scope }) => !scope.startsWith('bot:') && !scope.startsWith('persona:'));
  const first = wide ?? refused[0];
  if (!first) throw new Error('invariant broken: refused by no cap');
  const draws = one.draws('budget');
  if (refused.every(({ soon }) => soon)) {
    const againAt = one.at + draws.whole(soonMs.min, soonMs.max);
    return { result: 'put_off', reason: wide ? 'fleet_budget' : 'bot_budget', event: null, againAt };
  }
  if (wide) {
    const scope = wide.scope.startsWith('target:') ? 'target' : 'fleet';
    const gate = { scope, state: 'sleeping', until: wide.endsAt, reason: 'fleet_budget' } as const;
    const againAt = one.at + draws.whole(soonMs.min, soonMs.max);
    return { result: 'put_off', reason: 'fleet_budget', event: null, againAt, gate };
  }
  // A cap on one kind takes that kind out of the odds and leaves the bot its others.
  const oneKind = ['posts', 'comments', 'likes'];
  if (refused.every(({ measure }) => oneKind.includes(measure))) {
    return { result: 'skipped', reason: 'bot_budget', event: { type: 'ok' } };
  }
  const until = Math.max(...refused.map(({ endsAt }) => endsAt)) + draws.whole(0, wakeSpreadMs);
  return { result: 'skipped', reason: 'bot_budget', event: { type: 'sleep', until, reason: 'bot_budget' } };
}
