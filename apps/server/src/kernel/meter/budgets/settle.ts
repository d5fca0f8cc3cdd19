import type { Crossing, Settle, Settled, Underestimate } from './budgets.ts';
import { type LockedCounter, nameOf } from './decide.ts';
import type { Held } from './queries.ts';

/** A settlement; `unused`: nothing of it was used. */
export type Settling = Settle & { unused?: boolean };

/**
 * Moves what was held from reserved to spent, by what was used, over counters that nobody else can move meanwhile. Where
 * somebody put a cap it counts from now on; else the one that was reserved by.
 */
export function settleHeld(
  held: readonly Held[],
  settles: readonly Settling[],
  counters: ReadonlyMap<string, LockedCounter>,
): Pick<Settled, 'underestimates' | 'crossed'> & { touched: LockedCounter[] } {
  const by = new Map(settles.map((settle) => [settle.id, settle]));
  const usedOf = new Map<LockedCounter, number>();
  const underestimates = new Map<string, Underestimate>();
  for (const { id, holds } of held) {
    const { used: said = {}, unused = false } = by.get(id) ?? {};
    for (const { key, amount } of holds) {
      const { measure } = key;
      const given = Object.hasOwn(said, measure) ? said[measure] : undefined;
      const used = unused ? 0 : given === undefined ? amount : Math.ceil(given);
      if (used > amount)
        underestimates.set(`${id}\u0000${measure}\u0000${amount}`, { id, measure, reserved: amount, used });
      const counter = counters.get(nameOf(key));
      if (!counter) continue; // its period is long over
      counter.reserved -= amount;
      counter.spent += used;
      usedOf.set(counter, (usedOf.get(counter) ?? 0) + used);
    }
  }
  // In the order of the locks.
  const touched = [...counters.values()].filter((counter) => usedOf.has(counter));
  const crossed = touched.flatMap((counter) => ((usedOf.get(counter) ?? 0) > 0 ? warningOf(counter) : []));
  return { underestimates: [...underestimates.values()], crossed, touched };
}

/** Said once for a cap and period. */
function warningOf(counter: LockedCounter): Crossing[] {
  const { cap, spent, warnedCap } = counter;
  if (cap === null || spent * 10 < cap * 8 || warnedCap === cap) return [];
  counter.warnedCap = cap;
  const { projectId, scope, measure, period, startsAt, endsAt } = counter;
  return [{ kind: 'warned', projectId, scope, measure, period, startsAt, endsAt, cap, spent }];
}
