import * as fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '#kernel/base';
import { createDb, type Db, sql } from '#kernel/db';
import { silentLogger } from '#kernel/telemetry';
import { testDatabase } from '#test/database';
import { until } from '#test/until';
import { type Budgets, type Crossing, createBudgets, type Grant, type ReserveOrder, type Want } from '../index.ts';

const database = await testDatabase();
const { db } = database;
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(() => database.wipe());

const projectId = 'prj_00000000000000000000000000';
const noon = Date.parse('2026-03-31T12:00:00Z');
const budgets = createBudgets({ db, clock: new FakeClock(noon), logger: silentLogger });
const fleet = (amount: number, more: Partial<Want> = {}): Want => ({
  scope: 'fleet',
  measure: 'money',
  amount,
  defaults: { day: 100 },
  ...more,
});
const order = (id: string, wants: Want[], more: Partial<ReserveOrder> = {}): ReserveOrder => ({
  id,
  projectId,
  at: noon,
  owner: 'node-a',
  leaseMs: 60_000,
  wants,
  ...more,
});
const reserve = (...orders: ReserveOrder[]): Promise<{ grants: Grant[]; crossed: Crossing[] }> =>
  db.transaction((tx) => budgets.reserve(tx, orders));
const settle = (...settles: Parameters<Budgets['settle']>[1]): ReturnType<Budgets['settle']> =>
  db.transaction((tx) => budgets.settle(tx, settles));
const granted = ({ grants }: { grants: Grant[] }): boolean[] => grants.map((grant) => grant.granted);
const counters = async (at = noon, scope = 'fleet'): Promise<string[]> =>
  (await budgets.look(db, at, [{ projectId, scope }]))
    .map(({ measure, period, spent, reserved }) => `${measure}/${period} ${spent}+${reserved}`)
    .toSorted();

describe('reserve', () => {
  it('takes all of an order or nothing, and says who refused and until when', async () => {
    const bot: Want = { scope: 'bot:1', measure: 'acts', amount: 1, periods: ['day'], defaults: { day: 1 } };
    expect(granted(await reserve(order('a', [fleet(60), bot])))).toEqual([true]);
    const { grants, crossed } = await reserve(order('b', [fleet(10), bot]));
    expect(grants).toEqual([
      {
        id: 'b',
        granted: false,
        refused: [
          {
            scope: 'bot:1',
            measure: 'acts',
            period: 'day',
            cap: 1,
            spent: 0,
            reserved: 1,
            amount: 1,
            endsAt: Date.parse('2026-04-01T00:00:00Z'),
            soon: true,
          },
        ],
      },
    ]);
    expect(crossed, 'a reservation may still be given back').toEqual([]);
    expect(await counters()).toEqual(['money/day 0+60', 'money/month 0+60']);
  });

  it('grants each order of a batch for itself, in order', async () => {
    const all = await reserve(
      order('a', [fleet(70)]),
      order('b', [fleet(40)]),
      order('c', [fleet(20)]),
      order('d', [fleet(20)]),
      order('e', [fleet(10), fleet(0)]),
      order('f', []),
    );
    expect(granted(all)).toEqual([true, false, true, false, true, true]);
    expect(await counters()).toEqual(['money/day 0+100', 'money/month 0+100']);
  });

  it('gives the same id the same grant again', async () => {
    await reserve(order('a', [fleet(70)]));
    expect(granted(await reserve(order('a', [fleet(70)]), order('b', [fleet(30)]), order('b', [fleet(30)])))).toEqual([
      true,
      true,
      true,
    ]);
    expect(await counters()).toEqual(['money/day 0+100', 'money/month 0+100']);
  });

  it('sums several wants of one counter', async () => {
    expect(granted(await reserve(order('a', [fleet(60), fleet(60)])))).toEqual([false]);
    expect(granted(await reserve(order('b', [fleet(60), fleet(40)])))).toEqual([true]);
  });

  it('refuses orders that are none', async () => {
    for (const wrong of [fleet(-1), fleet(0.5), fleet(Number.NaN), fleet(1, { scope: '' })])
      await expect(reserve(order('a', [wrong]))).rejects.toMatchObject({ reason: 'bad_budget' });
    await expect(settle({ id: 'a', used: { money: -1 } })).rejects.toMatchObject({ reason: 'bad_budget' });
  });

  it('leaves projects and scopes alone that are not meant', async () => {
    await reserve(order('a', [fleet(100)]), order('b', [fleet(100)], { projectId: 'prj_other' }));
    expect(granted(await reserve(order('c', [fleet(100, { scope: 'target:sandbox' })])))).toEqual([true]);
    expect(granted(await reserve(order('d', [fleet(1)])))).toEqual([false]);
  });
});

describe('settle', () => {
  it('moves what was used to spent and gives the rest back', async () => {
    await reserve(order('a', [fleet(60), fleet(9, { measure: 'tokensIn', defaults: {} })]), order('b', [fleet(40)]));
    const done = await settle({ id: 'a', used: { money: 12.2, tokensIn: 4 } }, { id: 'gone' });
    expect(done).toEqual({ settled: ['a'], missing: ['gone'], underestimates: [], crossed: [] });
    expect(await counters()).toEqual([
      'money/day 13+40',
      'money/month 13+40',
      'tokensIn/day 4+0',
      'tokensIn/month 4+0',
    ]);
    await db.transaction((tx) => budgets.release(tx, ['b']));
    expect(await counters()).toContain('money/day 13+0');
    expect((await settle({ id: 'a', used: { money: 50 } })).missing).toEqual(['a']);
  });

  it('47: takes the reserved amount for the spend when nobody says what was used', async () => {
    await reserve(order('a', [fleet(60), fleet(5, { measure: 'tokensIn' })]));
    await settle({ id: 'a', used: { tokensIn: 1 } });
    expect(await counters()).toContain('money/day 60+0');
    expect(await counters()).toContain('tokensIn/day 1+0');
  });

  it('48: records usage above the reservation, also over the cap', async () => {
    await reserve(order('a', [fleet(60), fleet(60, { scope: 'bot:1', periods: ['day'] })]));
    const { underestimates } = await settle({ id: 'a', used: { money: 130 } });
    expect(underestimates).toEqual([{ id: 'a', measure: 'money', reserved: 60, used: 130 }]);
    expect(await counters()).toContain('money/day 130+0');
    expect(granted(await reserve(order('b', [fleet(1)])))).toEqual([false]);
  });

  it('says once a period and cap that 80 % are spent, and once that it is reached', async () => {
    const seen: string[] = [];
    for (let n = 0; n < 12; n++) {
      const { grants, crossed } = await reserve(order(`r${n}`, [fleet(10)]));
      if (grants[0]?.granted) crossed.push(...(await settle({ id: `r${n}` })).crossed);
      seen.push(...crossed.map(({ kind, period, spent }) => `${n} ${kind} ${period} ${spent}`));
    }
    expect(seen).toEqual(['7 warned day 80', '10 reached day 100']);
    await db.transaction((tx) => budgets.putCaps(tx, projectId, 'fleet', { money: { day: 120 } }, noon));
    await reserve(order('more', [fleet(20)]));
    expect((await settle({ id: 'more' })).crossed).toMatchObject([{ kind: 'warned', cap: 120, spent: 120 }]);
    const tomorrow = noon + 86_400_000;
    await reserve(order('next', [fleet(100)], { at: tomorrow }));
    expect((await settle({ id: 'next' })).crossed).toMatchObject([
      { kind: 'warned', startsAt: Date.parse('2026-04-01T00:00:00Z'), endsAt: Date.parse('2026-04-02T00:00:00Z') },
    ]);
  });

  it('50: a period that ends meanwhile keeps its reservation', async () => {
    const before = Date.parse('2026-03-31T23:59:59.999Z');
    await reserve(order('a', [fleet(100)], { at: before }));
    expect(granted(await reserve(order('b', [fleet(100)], { at: before + 1 })))).toEqual([true]);
    await settle({ id: 'a', used: { money: 70 } });
    expect(await counters(before)).toEqual(['money/day 70+0', 'money/month 70+0']);
    expect(await counters(before + 1)).toEqual(['money/day 0+100', 'money/month 0+100']);
  });
});

describe('caps', () => {
  it('49: one below what is spent shuts at once, and what is under way settles', async () => {
    await reserve(order('a', [fleet(50)]), order('b', [fleet(20)]));
    await settle({ id: 'a' });
    await db.transaction((tx) => budgets.putCaps(tx, projectId, 'fleet', { money: { day: 10 } }, noon));
    expect(await reserve(order('c', [fleet(1)]))).toMatchObject({
      grants: [{ granted: false, refused: [{ cap: 10, spent: 50, reserved: 20, soon: false }] }],
      crossed: [{ kind: 'reached', cap: 10 }],
    });
    expect((await settle({ id: 'b' })).settled).toEqual(['b']);
    expect(await counters()).toContain('money/day 70+0');
  });

  it('one that is lowered while a reservation waits for its turn counts for it', async () => {
    await reserve(order('first', [fleet(1)]));
    const { promise: told, resolve: tell } = Promise.withResolvers<void>();
    const { promise: held, resolve: hold } = Promise.withResolvers<void>();
    const holding = db.transaction(async (tx) => {
      await tx.query(sql`select from budget_counters for update`);
      hold();
      await told;
    });
    await held;
    const waiting = reserve(order('late', [fleet(50)]));
    await until(async () => {
      const rows = await db.query(sql`select from pg_locks where not granted`);
      return rows.length > 0;
    });
    await db.transaction((tx) => budgets.putCaps(tx, projectId, 'fleet', { money: { day: 10 } }, noon));
    tell();
    await holding;
    expect(granted(await waiting)).toEqual([false]);
  });

  it('own ones go before defaults; null is none; cleared, the defaults count again', async () => {
    const put = (cap: number | null): Promise<void> =>
      db.transaction((tx) => budgets.putCaps(tx, projectId, 'fleet', { money: { day: cap } }, noon));
    await put(null);
    expect(granted(await reserve(order('a', [fleet(1_000_000)])))).toEqual([true]);
    await db.transaction((tx) => budgets.clearCaps(tx, projectId, 'fleet'));
    expect(granted(await reserve(order('b', [fleet(1)])))).toEqual([false]);
    await put(1_000_001);
    expect(granted(await reserve(order('c', [fleet(1)])))).toEqual([true]);
    await expect(put(-1)).rejects.toMatchObject({ reason: 'bad_cap' });
    await expect(put(1.5)).rejects.toMatchObject({ reason: 'bad_cap' });
  });

  it('are shown with what is spent, by period', async () => {
    await reserve(order('a', [fleet(30), fleet(5, { measure: 'posts' })]));
    await settle({ id: 'a', used: { money: 7, posts: 5 } });
    await db.transaction((tx) => budgets.putCaps(tx, projectId, 'fleet', { money: { month: 500 } }, noon));
    const lines = await budgets.show(db, projectId, 'fleet', noon, {
      money: { day: 100, month: 50 },
      acts: { day: 9 },
    });
    expect(lines.map(({ measure, period, cap, spent }) => [measure, period, cap, spent])).toEqual([
      ['acts', 'day', 9, 0],
      ['money', 'day', 100, 7],
      ['money', 'month', 500, 7],
      ['posts', 'day', null, 5],
      ['posts', 'month', null, 5],
    ]);
    expect(lines[2]).toMatchObject({
      startsAt: Date.parse('2026-03-01T00:00:00Z'),
      endsAt: Date.parse('2026-04-01T00:00:00Z'),
    });
  });

  it('are forecast by the rate of today', async () => {
    await reserve(order('a', [fleet(60, { defaults: {} }), fleet(1, { measure: 'posts' })]));
    await settle({ id: 'a' });
    const caps = { money: { day: 90, month: 100 }, posts: { day: 1 }, likes: { day: 5 } };
    const lines = await budgets.forecast(db, projectId, noon, [{ scope: 'fleet', caps }]);
    expect(
      lines.map(({ measure, period, hitsAt }) => [measure, period, hitsAt && new Date(hitsAt).toISOString()]),
    ).toEqual([
      ['posts', 'day', '2026-03-31T12:00:00.000Z'],
      ['money', 'day', '2026-03-31T18:00:00.000Z'],
      ['money', 'month', '2026-03-31T20:00:00.000Z'],
      ['likes', 'day', null],
    ]);
  });
});

describe('expire', () => {
  const lapse = (id: string): Promise<unknown> =>
    db.query(sql`update budget_reservations set expires_at = now() - interval '1 s' where id = ${id}`);

  it('counts as spent what its owner did not settle in time', async () => {
    await reserve(order('dead', [fleet(30)]), order('alive', [fleet(20)]));
    await lapse('dead');
    expect(await budgets.expire()).toBe(1);
    expect(await counters()).toEqual(['money/day 30+20', 'money/month 30+20']);
    expect((await settle({ id: 'dead', used: { money: 1 } })).missing).toEqual(['dead']);
    expect(await budgets.expire()).toBe(0);
  });

  it('runs by itself, tells what was crossed and removes old counters', async () => {
    const clock = new FakeClock(noon);
    const crossed: Crossing[] = [];
    await using running = createBudgets({ db, clock, logger: silentLogger, onExpired: (all) => crossed.push(...all) });
    await running.start();
    await reserve(order('old', [fleet(90)], { at: noon - 40 * 86_400_000 }), order('dead', [fleet(90)]));
    await lapse('dead');
    await lapse('old');
    await clock.advance(5_000);
    await until(() => crossed.length === 2);
    expect(crossed.map(({ kind, startsAt }) => [kind, new Date(startsAt).toISOString()])).toEqual([
      ['warned', '2026-02-19T00:00:00.000Z'],
      ['warned', '2026-03-31T00:00:00.000Z'],
    ]);
    await until(async () => (await counters(noon - 40 * 86_400_000)).length === 1);
    expect(await counters(noon - 40 * 86_400_000), 'months are kept longer').toEqual(['money/month 90+0']);
    expect(await counters()).toContain('money/day 90+0');
  });
});

/* Postgres itself watches every commit and every statement in the tests below: a counter over its cap cannot be written. */
async function watched<T>(body: () => Promise<T>): Promise<T> {
  await db.query(sql`alter table budget_counters add constraint never_over check (spent + reserved <= cap)`);
  try {
    return await body();
  } finally {
    await db.query(sql`alter table budget_counters drop constraint never_over`);
  }
}
async function withPools<T>(body: (pools: Db[]) => Promise<T>): Promise<T> {
  const pools = Array.from({ length: 3 }, () => createDb({ ...database.options, poolMax: 1 }));
  try {
    return await body(pools);
  } finally {
    for (const pool of pools) await pool[Symbol.asyncDispose]();
  }
}

it('51: 64 race for the last unit and exactly one wins', async () => {
  await withPools((pools) =>
    watched(async () => {
      for (let round = 0; round < 10; round++) {
        const want: Want = { scope: `bot:${round}`, measure: 'acts', amount: 1, defaults: { day: 1 } };
        const all = await Promise.all(
          Array.from({ length: 64 }, (_, n) =>
            (pools[n % 3] as Db).transaction((tx) => budgets.reserve(tx, [order(`${round}-${n}`, [want])])),
          ),
        );
        expect(all.flatMap(granted).filter(Boolean)).toHaveLength(1);
      }
    }),
  );
});

it('is never over a cap and loses nothing, however 64 reserve, settle, release and die at once', async () => {
  const scopes = ['fleet', 'target:a', 'bot:1', 'bot:2'];
  const measures = ['money', 'acts'];
  const wantOf = fc.record({
    scope: fc.constantFrom(...scopes),
    measure: fc.constantFrom(...measures),
    amount: fc.integer({ min: 0, max: 30 }),
  });
  const workOf = fc.record({
    pool: fc.integer({ min: 0, max: 2 }),
    /** Orders of this one transaction. */
    orders: fc.array(fc.array(wantOf, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 }),
    end: fc.constantFrom('settle', 'settle', 'release', 'die', 'later'),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  const caps = fc.record(Object.fromEntries(scopes.map((scope) => [scope, fc.integer({ min: 0, max: 400 })])));
  let round = 0;
  await withPools((pools) =>
    fc.assert(
      fc.asyncProperty(fc.array(workOf, { minLength: 64, maxLength: 64 }), caps, async (works, capOf) => {
        round += 1;
        await database.wipe();
        await watched(async () => {
          const spent = new Map<string, number>();
          const held = new Map<string, number>();
          const add = (to: Map<string, number>, key: string, by: number): void =>
            void to.set(key, (to.get(key) ?? 0) + by);
          await Promise.all(
            works.map(async ({ pool, orders, end, share }, n) => {
              const on = pools[pool] as Db;
              const asked = orders.map((wants, m) =>
                order(
                  `${round}-${n}-${m}`,
                  wants.map((want) => ({ ...want, defaults: { day: capOf[want.scope] ?? 0, month: 1_000 } })),
                ),
              );
              const { grants } = await on.transaction((tx) => budgets.reserve(tx, asked));
              const won = asked.filter((_, m) => grants[m]?.granted);
              const ids = won.map(({ id }) => id);
              const sums = won.map(({ wants }) => {
                const sum = new Map<string, number>();
                for (const { scope, measure, amount } of wants) add(sum, `${scope} ${measure}`, amount);
                return sum;
              });
              if (end === 'settle') {
                // Per measure as much as every scope reserved of it, so that nothing is an underestimate.
                const settles = won.map(({ id }, m) => {
                  const least = (measure: string): number =>
                    Math.min(
                      ...[...(sums[m] ?? [])].flatMap(([key, x]) => (key.endsWith(measure) && x > 0 ? [x] : [])),
                    );
                  const used = Object.fromEntries(
                    measures.map((measure) => [measure, Math.floor(share * Math.min(1_000, least(measure)))]),
                  );
                  for (const [key, amount] of sums[m] ?? [])
                    if (amount > 0) add(spent, key, used[key.split(' ')[1] ?? ''] ?? 0);
                  return { id, used };
                });
                const done = await on.transaction((tx) => budgets.settle(tx, settles), { retries: 0 });
                expect(done.missing).toEqual([]);
                expect(done.underestimates).toEqual([]);
              } else if (end === 'release') await on.transaction((tx) => budgets.release(tx, ids));
              else {
                for (const sum of sums) for (const [key, amount] of sum) add(end === 'die' ? spent : held, key, amount);
                if (end === 'die') {
                  await on.query(
                    sql`update budget_reservations set expires_at = now() - interval '1 s' where id = any(${ids}::text[])`,
                  );
                  await budgets.expire();
                }
              }
            }),
          );
          await budgets.expire();
          const seen = await budgets.look(
            db,
            noon,
            scopes.map((scope) => ({ projectId, scope })),
          );
          for (const { scope, measure, spent: is, reserved } of seen) {
            const key = `${scope} ${measure}`;
            expect([key, is, reserved]).toEqual([key, spent.get(key) ?? 0, held.get(key) ?? 0]);
          }
        });
      }),
      { numRuns: 15 },
    ),
  );
});
