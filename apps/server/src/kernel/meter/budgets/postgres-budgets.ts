import { asError, type Clock, internal, invalid, type Limits } from '#kernel/base';
import type { Db, Reader, Tx } from '#kernel/db';
import type { Logger } from '#kernel/telemetry';
import {
  type BudgetLine,
  type Budgets,
  budgetLimits,
  type Caps,
  type CounterView,
  type Crossing,
  type ForecastLine,
  type Grant,
  type ReserveOrder,
  type Settle,
  type Settled,
} from './budgets.ts';
import { type CounterKey, decide, type LockedCounter, nameOf, plan } from './decide.ts';
import { type LineDefaults, linesOf, withForecast } from './lines.ts';
import { periods } from './periods.ts';
import {
  capsOf,
  deleteCaps,
  ensureCounters,
  insertReservations,
  lockCounters,
  lockExpired,
  openReservations,
  readCaps,
  readCounters,
  removeOldCounters,
  takeReservations,
  upsertCaps,
  writeCounters,
} from './queries.ts';
import { type Settling, settleHeld } from './settle.ts';

export type BudgetsOptions = {
  db: Db;
  clock: Clock;
  logger: Logger;
  limits?: Limits;
  expireEveryMs?: number;
  /** Counters of days and months that began longer ago are removed. */
  keepDaysMs?: number;
  keepMonthsMs?: number;
  /** Caps that were crossed by reservations that expired. */
  onExpired?: (crossed: readonly Crossing[]) => void;
};

const dayMs = 24 * 3_600_000;
const pruneEvery = 720;

/**
 * Budgets on the tables of this database; any number of processes share them.
 *
 *  new     – reserves and settles; nothing expires.
 *  running – every `expireEveryMs` what nobody settled in time counts as spent; old counters are removed now and then.
 *  stopped – reserves and settles still, for work that ends after it.
 */
export class PostgresBudgets implements Budgets {
  readonly #options: BudgetsOptions;
  readonly #everyMs: number;
  #phase: 'new' | 'running' | 'stopped' = 'new';
  #timer: Disposable | undefined;
  #work: Promise<void> = Promise.resolve();
  #rounds = 0;

  constructor(options: BudgetsOptions) {
    this.#options = options;
    this.#everyMs = options.expireEveryMs ?? 5_000;
    options.limits?.add({
      name: 'budgets.orders',
      unit: 'count',
      value: budgetLimits.ordersMax,
      whenFull: 'More reservations at once are a mistake of ours and refused as such.',
    });
  }

  start(): Promise<void> {
    if (this.#phase === 'new') {
      this.#phase = 'running';
      this.#plan();
    }
    return Promise.resolve();
  }

  async reserve(tx: Tx, orders: readonly ReserveOrder[]): Promise<{ grants: Grant[]; crossed: Crossing[] }> {
    checkOrders(orders);
    if (orders.length === 0) return { grants: [], crossed: [] };
    const planned = orders.map(plan);
    const keys = keysOf(planned.map(({ holds }) => ({ holds: holds.values() })));
    ensureCounters(tx, keys);
    const [open, counters, caps] = await Promise.all([
      openReservations(
        tx,
        orders.map(({ id }) => id),
      ),
      lockCounters(tx, keys),
      capsOf(tx, keys),
    ]);
    putOwn(counters, caps);
    const { grants, crossed, holds, touched } = decide(planned, counters, open);
    if (touched.length > 0) writeCounters(tx, touched);
    if (holds.size > 0) insertReservations(tx, orders, holds);
    return { grants, crossed };
  }

  async settle(tx: Tx, settles: readonly Settle[]): Promise<Settled> {
    return await this.#settle(tx, settles);
  }

  async release(tx: Tx, ids: readonly string[]): Promise<void> {
    await this.#settle(
      tx,
      ids.map((id) => ({ id, unused: true })),
    );
  }

  async look(reader: Reader, at: number, of: readonly { projectId: string; scope: string }[]): Promise<CounterView[]> {
    if (of.length > budgetLimits.looksMax) throw bad(`looks at ${of.length} scopes at once`);
    return of.length === 0 ? [] : await readCounters(reader, at, of);
  }

  async show(reader: Reader, projectId: string, scope: string, at: number, defaults: Caps = {}): Promise<BudgetLine[]> {
    const [counters, own] = await Promise.all([
      readCounters(reader, at, [{ projectId, scope }]),
      readCaps(reader, projectId, scope, budgetLimits.forecastScopesMax),
    ]);
    return linesOf({ projectId, at, counters, own, defaults: [{ scope, caps: defaults }] });
  }

  putCaps(tx: Tx, projectId: string, scope: string, caps: Caps, at: number): Promise<void> {
    const rows = Object.entries(caps).flatMap(([measure, of]) =>
      periods.flatMap((period) => {
        const cap = of[period];
        return cap === undefined ? [] : [{ scope, measure, period, cap }];
      }),
    );
    for (const { measure, cap } of rows) {
      if (!isName(measure) || (cap !== null && !isAmount(cap))) {
        throw invalid('bad_cap', `The cap of ${measure.slice(0, 50)} must be a whole number from 0, or null for none.`);
      }
    }
    if (!isName(scope)) throw invalid('bad_cap', 'The scope is empty or too long.');
    if (rows.length > 0) upsertCaps(tx, projectId, rows, at);
    return Promise.resolve();
  }

  clearCaps(tx: Tx, projectId: string, scope: string): Promise<void> {
    deleteCaps(tx, projectId, scope);
    return Promise.resolve();
  }

  async forecast(
    reader: Reader,
    projectId: string,
    at: number,
    defaults: readonly LineDefaults[] = [],
  ): Promise<ForecastLine[]> {
    const own = await readCaps(reader, projectId, null, budgetLimits.forecastScopesMax);
    const scopes = [...new Set([...defaults.map(({ scope }) => scope), ...own.map(({ scope }) => scope)])];
    const counters = await readCounters(
      reader,
      at,
      scopes.slice(0, budgetLimits.forecastScopesMax).map((scope) => ({ projectId, scope })),
    );
    const lines = linesOf({ projectId, at, counters, own, defaults });
    return withForecast(lines, at);
  }

  async expire(): Promise<number> {
    let expired = 0;
    for (;;) {
      const { settled, crossed } = await this.#options.db.transaction(
        async (tx) => {
          const ids = await lockExpired(tx, budgetLimits.expireBatchMax);
          return await this.#settle(
            tx,
            ids.map((id) => ({ id })),
          );
        },
        { retries: 3 },
      );
      expired += settled.length;
      if (settled.length > 0) {
        this.#options.logger.warn({ reservations: settled.length }, 'reservations nobody settled count as spent');
        this.#options.onExpired?.(crossed);
      }
      if (settled.length < budgetLimits.expireBatchMax) return expired;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#phase = 'stopped';
    this.#timer?.[Symbol.dispose]();
    await this.#work;
  }

  async #settle(tx: Tx, settles: readonly Settling[]): Promise<Settled> {
    if (settles.length > budgetLimits.ordersMax) throw bad(`settles ${settles.length} reservations at once`);
    for (const { used = {} } of settles) {
      const wrong = Object.entries(used).find(([, amount]) => !isAmount(Math.ceil(amount)));
      if (wrong) throw bad(`settles ${wrong[1]} of ${wrong[0]}`);
    }
    if (settles.length === 0) return { settled: [], missing: [], underestimates: [], crossed: [] };
    const held = await takeReservations(
      tx,
      settles.map(({ id }) => id),
    );
    const keys = keysOf(held);
    const counters = new Map<string, LockedCounter>();
    if (keys.length > 0) {
      const [locked, caps] = await Promise.all([lockCounters(tx, keys), capsOf(tx, keys)]);
      putOwn(locked, caps);
      for (const [name, counter] of locked) counters.set(name, counter);
    }
    const { underestimates, crossed, touched } = settleHeld(held, settles, counters);
    if (touched.length > 0) writeCounters(tx, touched);
    const found = new Set(held.map(({ id }) => id));
    return {
      settled: settles.flatMap(({ id }) => (found.has(id) ? [id] : [])),
      missing: settles.flatMap(({ id }) => (found.has(id) ? [] : [id])),
      underestimates,
      crossed,
    };
  }

  #plan(): void {
    this.#timer = this.#options.clock.after(this.#everyMs, () => {
      this.#work = this.#round();
    });
  }

  async #round(): Promise<void> {
    try {
      await this.expire();
      if (this.#rounds % pruneEvery === 0) await this.#prune();
      this.#rounds += 1;
    } catch (error) {
      this.#options.logger.warn({ err: asError(error) }, 'budgets could not be looked after; tried again soon');
    }
    if (this.#phase === 'running') this.#plan();
  }

  async #prune(): Promise<void> {
    const now = this.#options.clock.now();
    const before = {
      day: now - (this.#options.keepDaysMs ?? 35 * dayMs),
      month: now - (this.#options.keepMonthsMs ?? 400 * dayMs),
    };
    const limit = budgetLimits.expireBatchMax;
    while (
      (await this.#options.db.transaction((tx) => removeOldCounters(tx, before, limit))) === limit &&
      this.#phase === 'running'
    );
  }
}

const capName = (projectId: string, of: { scope: string; measure: string; period: string }): string =>
  [projectId, of.scope, of.measure, of.period].join('\u0000');

const keysOf = (of: readonly { holds: Iterable<{ key: CounterKey }> }[]): CounterKey[] => [
  ...new Map(of.flatMap(({ holds }) => [...holds].map(({ key }) => [nameOf(key), key]))).values(),
];

/** Caps that somebody put, on counters that are locked. */
function putOwn(counters: ReadonlyMap<string, LockedCounter>, caps: Awaited<ReturnType<typeof capsOf>>): void {
  const capped = new Map(caps.map((own) => [capName(own.project_id, own), own.cap]));
  for (const counter of counters.values()) {
    const cap = capped.get(capName(counter.projectId, counter));
    if (cap === undefined) continue;
    counter.cap = cap;
    counter.ownCap = true;
  }
}

/** Orders come from our own code: one that is wrong is a bug there. */
function checkOrders(orders: readonly ReserveOrder[]): void {
  if (orders.length > budgetLimits.ordersMax) throw bad(`reserves ${orders.length} times at once`);
  for (const { id, projectId, owner, at, leaseMs, wants } of orders) {
    if (![id, projectId, owner].every(isName)) throw bad('has a name that is empty or too long');
    if (!Number.isFinite(at) || !(leaseMs > 0)) throw bad(`has a time that is none (${at}, ${leaseMs})`);
    if (wants.length > budgetLimits.wantsMax) throw bad(`wants ${wants.length} things`);
    for (const { scope, measure, amount } of wants) {
      if (!isName(scope) || !isName(measure)) throw bad('has a name that is empty or too long');
      if (!isAmount(amount)) throw bad(`wants ${amount} of ${measure}`);
    }
  }
}

const isName = (name: string): boolean => name !== '' && name.length <= budgetLimits.nameCharsMax;
const isAmount = (amount: number): boolean => Number.isSafeInteger(amount) && amount >= 0;
const bad = (what: string): Error => internal('bad_budget', `An order to the budgets ${what}.`);
