import type { Crossing, Grant, Refusal, ReserveOrder, Want } from './budgets.ts';
import { type Period, periods, spanOf } from './periods.ts';

export type CounterKey = {
  projectId: string;
  scope: string;
  measure: string;
  period: Period;
  startsAt: number;
  endsAt: number;
};

/** A counter as it is locked, moved in memory while orders are decided. */
export type LockedCounter = CounterKey & {
  spent: number;
  reserved: number;
  cap: number | null;
  /** Somebody put a cap, or that there is none: no default counts. */
  ownCap: boolean;
  warnedCap: number | null;
  reachedCap: number | null;
};

export type Hold = { key: CounterKey; amount: number };
/** An order with what it holds of each counter, by the counters' names. */
export type Planned = { order: ReserveOrder; holds: ReadonlyMap<string, Hold & { want: Want }> };
export type Decided = { grants: Grant[]; crossed: Crossing[]; holds: Map<string, Hold[]>; touched: LockedCounter[] };

export const nameOf = (key: Pick<CounterKey, 'projectId' | 'scope' | 'measure' | 'period' | 'startsAt'>): string =>
  `${key.projectId}\u0000${key.scope}\u0000${key.period}\u0000${key.startsAt}\u0000${key.measure}`;

/** What an order holds; wants of the same counter are one. */
export function plan(order: ReserveOrder): Planned {
  const { projectId, at, wants } = order;
  const spans = { day: spanOf('day', at), month: spanOf('month', at) };
  const holds = new Map<string, Hold & { want: Want }>();
  for (const want of wants) {
    if (want.amount === 0) continue;
    for (const period of want.periods ?? periods) {
      const key = { projectId, scope: want.scope, measure: want.measure, period, ...spans[period] };
      const name = nameOf(key);
      const hold = holds.get(name);
      if (hold) hold.amount += want.amount;
      else holds.set(name, { key, amount: want.amount, want });
    }
  }
  return { order, holds };
}

/** One order after the other: all of it or nothing, over counters that nobody else can move meanwhile. */
export function decide(
  planned: readonly Planned[],
  counters: ReadonlyMap<string, LockedCounter>,
  open: ReadonlySet<string>,
): Decided {
  const decided: Decided = { grants: [], crossed: [], holds: new Map(), touched: [] };
  const touched = new Set<LockedCounter>();
  for (const { order, holds } of planned) {
    if (open.has(order.id) || decided.holds.has(order.id)) {
      decided.grants.push({ id: order.id, granted: true });
      continue;
    }
    const found = [...holds].map(([name, hold]) => ({ ...hold, counter: counterOf(counters, name, hold.key) }));
    for (const { counter, want, key } of found) {
      if (!counter.ownCap) counter.cap = want.defaults?.[key.period] ?? null;
      touched.add(counter);
    }
    const refused = found.flatMap(({ counter, amount }) => refusalOf(counter, amount));
    if (refused.length > 0) {
      decided.grants.push({ id: order.id, granted: false, refused });
      decided.crossed.push(...found.flatMap(({ counter, amount }) => reachedOf(counter, amount)));
      continue;
    }
    for (const { counter, amount } of found) counter.reserved += amount;
    decided.holds.set(order.id, [...holds.values()]);
    decided.grants.push({ id: order.id, granted: true });
  }
  decided.touched = [...touched];
  return decided;
}

function counterOf(counters: ReadonlyMap<string, LockedCounter>, name: string, key: CounterKey): LockedCounter {
  const counter = counters.get(name);
  if (!counter) throw new Error(`invariant broken: the counter ${key.scope} ${key.measure} was not locked`);
  return counter;
}

function refusalOf(counter: LockedCounter, amount: number): Refusal[] {
  const { scope, measure, period, cap, spent, reserved, endsAt } = counter;
  if (cap === null || spent + reserved + amount <= cap) return [];
  return [{ scope, measure, period, cap, spent, reserved, amount, endsAt, soon: spent + amount <= cap }];
}

/** Said once for a cap and period, and not when waiting for others may help. */
function reachedOf(counter: LockedCounter, amount: number): Crossing[] {
  const { cap, spent } = counter;
  if (cap === null || spent + amount <= cap || counter.reachedCap === cap) return [];
  counter.reachedCap = cap;
  const { projectId, scope, measure, period, startsAt, endsAt } = counter;
  return [{ kind: 'reached', projectId, scope, measure, period, startsAt, endsAt, cap, spent }];
}
