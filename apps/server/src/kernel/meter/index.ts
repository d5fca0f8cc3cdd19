import type { Budgets } from './budgets/budgets.ts';
import { type BudgetsOptions, PostgresBudgets } from './budgets/postgres-budgets.ts';
import type { Meter } from './meter.ts';
import { type MeterOptions, PostgresMeter } from './postgres-meter.ts';

export type {
  BudgetLine,
  Budgets,
  Caps,
  CounterView,
  Crossing,
  ForecastLine,
  Grant,
  Refusal,
  ReserveOrder,
  Settle,
  Settled,
  Underestimate,
  Used,
  Want,
} from './budgets/budgets.ts';
export type { Period } from './budgets/periods.ts';
export type { BudgetsOptions } from './budgets/postgres-budgets.ts';
export {
  type Meter,
  type UsageEntry,
  type UsageHour,
  type UsageTotal,
  type UsageWindow,
} from './meter.ts';
export { type MeterOptions, meterLimits } from './postgres-meter.ts';

/**
 * Usage of this process on the tables of its database.
 *
 * @example
 * await meter.record(tx, [{ projectId, meter: 'build.time', quantity: ms, at, source: buildId, part: `attempt-${term}` }]);
 */
export const createMeter = (options: MeterOptions): Meter => new PostgresMeter(options);

/**
 * Hard caps on the tables of this database: reserve, then spend.
 *
 * @example
 * const wants = [{ scope: 'fleet', measure: 'money', amount: 900, defaults: { day: 5_000_000 } }];
 * const order = { id: 'act_1', projectId, at, owner: nodeId, leaseMs: 180_000, wants };
 * const { grants } = await db.transaction((tx) => budgets.reserve(tx, [order]));
 * // … the call …
 * await db.transaction((tx) => budgets.settle(tx, [{ id: 'act_1', used: { money: 412 } }]));
 */
export const createBudgets = (options: BudgetsOptions): Budgets => new PostgresBudgets(options);
