import type { Service } from '#kernel/base';
import type { Reader, Tx } from '#kernel/db';
import type { Period } from './periods.ts';

/** Caps by measure and period. `null`: none. Left out: as whoever asks has it by default. */
export type Caps = Readonly<Record<string, Readonly<Partial<Record<Period, number | null>>>>>;

/** So much of one measure in one scope. Both are the caller's words. */
export type Want = {
  scope: string;
  measure: string;
  /** A whole number, not negative; money in micros. */
  amount: number;
  /** Which periods count it; both unless said. */
  periods?: readonly Period[];
  /** The caps where nobody put one. */
  defaults?: Readonly<Partial<Record<Period, number | null>>>;
};

export type ReserveOrder = {
  /** The caller's own. While a reservation is open, the same id gets the same grant again. */
  id: string;
  projectId: string;
  /** Epoch ms; decides the periods, and they stay. */
  at: number;
  owner: string;
  /** From now by the database's clock; what is not settled by then counts as spent. */
  leaseMs: number;
  wants: readonly Want[];
};

export type Refusal = {
  scope: string;
  measure: string;
  period: Period;
  cap: number;
  spent: number;
  reserved: number;
  amount: number;
  /** When its period ends, epoch ms. */
  endsAt: number;
  /** Only reservations of others stand in the way: some of it may be free in seconds. */
  soon: boolean;
};
export type Grant = { id: string; granted: true } | { id: string; granted: false; refused: Refusal[] };

/** `warned`: 80 % of a cap are spent. `reached`: something was refused for what is spent. Each once for a cap and period. */
export type Crossing = {
  kind: 'warned' | 'reached';
  projectId: string;
  scope: string;
  measure: string;
  period: Period;
  startsAt: number;
  endsAt: number;
  cap: number;
  spent: number;
};

/** By measure; one that is left out was used as far as it was reserved. */
export type Used = Readonly<Record<string, number>>;
export type Settle = { id: string; used?: Used };
export type Underestimate = { id: string; measure: string; reserved: number; used: number };
export type Settled = {
  settled: string[];
  /** Never there, settled before, or expired: then all of it counts as spent already. */
  missing: string[];
  underestimates: Underestimate[];
  crossed: Crossing[];
};

export type CounterView = {
  projectId: string;
  scope: string;
  measure: string;
  period: Period;
  startsAt: number;
  endsAt: number;
  spent: number;
  reserved: number;
};
export type BudgetLine = CounterView & { cap: number | null };
/** `hitsAt`: when the cap is spent at today's rate; `null` when not within its period, or without a cap. */
export type ForecastLine = BudgetLine & { hitsAt: number | null };

/**
 * Hard caps for any number of processes: reserve the worst case, then settle what was used; at every commit and in every
 * scope and period `spent + reserved <= cap`, but for usage above its reservation, which is recorded as it was.
 *
 * Counters are locked in one order per call, until the transaction ends: call `reserve` once, or `settle` once, and late.
 */
export interface Budgets extends Service {
  /**
   * Each order gets all it wants or nothing, whatever becomes of the others; earlier ones come first. Throws `internal`
   * `bad_budget` for amounts or names that are none.
   */
  reserve(tx: Tx, orders: readonly ReserveOrder[]): Promise<{ grants: Grant[]; crossed: Crossing[] }>;
  /** Without `used` the reserved amounts are the spend. */
  settle(tx: Tx, settles: readonly Settle[]): Promise<Settled>;
  /** Nothing of it was used. */
  release(tx: Tx, ids: readonly string[]): Promise<void>;
  /** What these scopes have in the periods of `at`; counters nobody used yet are left out. */
  look(reader: Reader, at: number, of: readonly { projectId: string; scope: string }[]): Promise<CounterView[]>;
  /** Every cap and counter of a scope in the periods of `at`, by measure and period. */
  show(reader: Reader, projectId: string, scope: string, at: number, defaults?: Caps): Promise<BudgetLine[]>;
  /** One below what is spent shuts at once. Throws `invalid` `bad_cap`. */
  putCaps(tx: Tx, projectId: string, scope: string, caps: Caps, at: number): Promise<void>;
  /** Back to the defaults of whoever asks. */
  clearCaps(tx: Tx, projectId: string, scope: string): Promise<void>;
  /** The caps of these scopes and of all that have caps of their own (at most `forecastScopesMax`), soonest first. */
  forecast(
    reader: Reader,
    projectId: string,
    at: number,
    defaults?: readonly { scope: string; caps: Caps }[],
  ): Promise<ForecastLine[]>;
  /** Counts as spent what nobody settled in time; answers with how many reservations. Runs by itself once started. */
  expire(): Promise<number>;
}

export const budgetLimits = {
  /** Orders of one `reserve`, settlements of one `settle`. */
  ordersMax: 1_000,
  wantsMax: 40,
  nameCharsMax: 200,
  /** Reservations that one statement expires. */
  expireBatchMax: 500,
  forecastScopesMax: 1_000,
  looksMax: 2_000,
} as const;
