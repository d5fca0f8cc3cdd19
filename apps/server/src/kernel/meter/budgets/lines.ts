import type { BudgetLine, Caps, CounterView, ForecastLine } from './budgets.ts';
import { type Period, periods, spanOf } from './periods.ts';

export type LineDefaults = { scope: string; caps: Caps };
type Given = {
  projectId: string;
  at: number;
  counters: readonly CounterView[];
  own: readonly { scope: string; measure: string; period: Period; cap: number | null }[];
  defaults: readonly LineDefaults[];
};

/** One line for each cap and each counter, by scope, measure and period. */
export function linesOf({ projectId, at, counters, own, defaults }: Given): BudgetLine[] {
  const lines = new Map<string, BudgetLine>();
  const line = (scope: string, measure: string, period: Period): BudgetLine => {
    const name = [scope, measure, period].join('\u0000');
    const found = lines.get(name) ?? {
      projectId,
      scope,
      measure,
      period,
      ...spanOf(period, at),
      cap: null,
      spent: 0,
      reserved: 0,
    };
    lines.set(name, found);
    return found;
  };
  for (const { scope, caps } of defaults) {
    for (const [measure, of] of Object.entries(caps)) {
      for (const period of periods) {
        const cap = of[period];
        if (cap !== undefined) line(scope, measure, period).cap = cap;
      }
    }
  }
  for (const { scope, measure, period, cap } of own) line(scope, measure, period).cap = cap;
  for (const { scope, measure, period, spent, reserved } of counters) {
    Object.assign(line(scope, measure, period), { spent, reserved });
  }
  return [...lines.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
}

/** Less of a day than this says nothing about a rate. */
const rateMsMin = 15 * 60_000;

/** When each cap is spent if it goes on as it went since midnight; soonest first, then those that are not hit. */
export function withForecast(lines: readonly BudgetLine[], at: number): ForecastLine[] {
  const today = new Map(
    lines.flatMap((line) => (line.period === 'day' ? [[`${line.scope}\u0000${line.measure}`, line]] : [])),
  );
  return lines
    .flatMap((line): ForecastLine[] => {
      if (line.cap === null) return [];
      const day = today.get(`${line.scope}\u0000${line.measure}`) ?? line;
      return [{ ...line, hitsAt: hitsAt(line, line.cap, at, day.spent / Math.max(rateMsMin, at - day.startsAt)) }];
    })
    .toSorted((a, b) => (a.hitsAt ?? Infinity) - (b.hitsAt ?? Infinity) || 0);
}

function hitsAt(line: BudgetLine, cap: number, at: number, perMs: number): number | null {
  if (line.spent >= cap) return at;
  if (perMs <= 0) return null;
  const hit = Math.ceil(at + (cap - line.spent) / perMs);
  return hit < line.endsAt ? hit : null;
}
