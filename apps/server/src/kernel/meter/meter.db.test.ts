import * as fc from 'fast-check';
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';
import { FakeClock } from '#kernel/base';
import { createDb, sql } from '#kernel/db';
import { silentLogger } from '#kernel/telemetry';
import { testDatabase } from '#test/database';
import { openGate } from '#test/gate';
import { until } from '#test/until';
import { createMeter, type Meter, type MeterOptions, meterLimits, type UsageEntry, type UsageTotal } from './index.ts';
import { addToHours } from './queries.ts';

const database = await testDatabase();
const { db } = database;
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(() => database.wipe());
let open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.toReversed()) await one[Symbol.asyncDispose]();
  open = [];
});

function make(options: Partial<MeterOptions> = {}): Meter {
  const meter = createMeter({ db, logger: silentLogger, ...options });
  open.push(meter);
  return meter;
}
const entry = (part: string, more: Partial<UsageEntry> = {}): UsageEntry => ({
  projectId: 'prj_a',
  meter: 'build.time',
  quantity: 10,
  at: new Date('2026-03-01T10:20:30Z'),
  source: 'bld_1',
  part,
  ...more,
});
const record = (meter: Meter, ...entries: UsageEntry[]): Promise<void> =>
  db.transaction((tx) => meter.record(tx, entries));
const all = { projectId: 'prj_a', from: new Date('2026-01-01'), to: new Date('2027-01-01') };
const total = (meter: string, quantity: number, entries: number): UsageTotal => ({ meter, quantity, entries });

it('counts an entry once, however often it is recorded', async () => {
  const meter = make();
  await record(meter, entry('a'), entry('b', { quantity: 5.4 }));
  await record(meter, entry('a', { quantity: 999 }), entry('c', { source: 'bld_2' }));
  await Promise.all(Array.from({ length: 10 }, () => record(meter, entry('d'))));
  expect(await meter.totals(db, all)).toEqual([total('build.time', 35, 4)]);
});

it('records exactly when the transaction commits', async () => {
  const meter = make();
  const failed = db.transaction(async (tx) => {
    await meter.record(tx, [entry('a')]);
    throw new Error('no');
  });
  await expect(failed).rejects.toThrow('no');
  await db.transaction((tx) => meter.record(tx, []));
  expect(await meter.totals(db, all)).toEqual([]);
});

it('sums by window, meter, hour and dimensions', async () => {
  const meter = make();
  await record(
    meter,
    entry('a', { dimensions: { platform: 'linux' } }),
    entry('b', { dimensions: { platform: 'linux' }, at: new Date('2026-03-01T10:59:59.999Z') }),
    entry('c', { dimensions: { platform: 'ios' } }),
    entry('d', { at: new Date('2026-03-01T11:00:00Z') }),
    entry('e', { meter: 'build.transfer', quantity: 2 ** 40 }),
    entry('f', { projectId: 'prj_b' }),
  );
  const at = { ...all, from: new Date('2026-03-01T10:30:00Z'), to: new Date('2026-03-01T11:30:00Z') };
  for (const rolled of [false, true]) {
    if (rolled) expect(await addToHours(db, 100)).toBe(6);
    expect(await meter.totals(db, all)).toEqual([total('build.time', 40, 4), total('build.transfer', 2 ** 40, 1)]);
    expect(await meter.totals(db, at)).toEqual([total('build.time', 30, 3), total('build.transfer', 2 ** 40, 1)]);
    expect(await meter.totals(db, { ...all, meters: ['build.transfer'] })).toHaveLength(1);
    expect(await meter.hours(db, { ...all, meters: ['build.time'] })).toEqual([
      {
        hour: new Date('2026-03-01T10:00:00Z'),
        meter: 'build.time',
        dimensions: { platform: 'ios' },
        quantity: 10,
        entries: 1,
      },
      {
        hour: new Date('2026-03-01T10:00:00Z'),
        meter: 'build.time',
        dimensions: { platform: 'linux' },
        quantity: 20,
        entries: 2,
      },
      { hour: new Date('2026-03-01T11:00:00Z'), meter: 'build.time', dimensions: {}, quantity: 10, entries: 1 },
    ]);
  }
});

it('never shows a total that jumps, while several processes sum up', async () => {
  const meter = make();
  const other = createDb({ ...database.options, poolMax: 4 });
  open.push(other);
  await record(meter, ...Array.from({ length: 500 }, (_, i) => entry(`e${i}`, { quantity: 1, meter: `m${i % 3}` })));
  const sums: number[] = [];
  const state = { left: true };
  const summing = Promise.all(
    [db, other, db, other].map(async (on) => {
      while ((await addToHours(on, 7)) > 0);
      state.left = false;
    }),
  );
  while (state.left) sums.push((await meter.totals(db, all)).reduce((sum, { quantity }) => sum + quantity, 0));
  await summing;
  expect(new Set(sums)).toEqual(new Set([500]));
  expect(await meter.totals(db, all)).toEqual([total('m0', 167, 167), total('m1', 167, 167), total('m2', 166, 166)]);
  expect(await db.query(sql`select from usage_entries where not counted`)).toEqual([]);
});

it('any mix of records, repeats and sums gives the sum of the different entries', async () => {
  const meter = make();
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({ part: fc.integer({ min: 0, max: 9 }), sum: fc.boolean(), at: fc.integer({ min: 0, max: 5 }) }),
        { maxLength: 25 },
      ),
      async (steps) => {
        await database.wipe();
        const seen = new Map<number, number>();
        for (const { part, sum, at } of steps) {
          if (!seen.has(part)) seen.set(part, part + 1);
          await record(meter, entry(`p${part}`, { quantity: part + 1, at: new Date(Date.UTC(2026, 2, 1, at)) }));
          if (sum) await addToHours(db, 3);
        }
        const want = [...seen.values()].reduce((all, one) => all + one, 0);
        expect((await meter.totals(db, all))[0]?.quantity ?? 0).toBe(want);
      },
    ),
    { numRuns: 40 },
  );
});

it.each([
  { quantity: -1 },
  { quantity: Number.NaN },
  { quantity: 1e300 },
  { at: new Date('never') },
  { source: '' },
  { part: 'x'.repeat(301) },
  { dimensions: Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`d${i}`, 'x'])) },
  { dimensions: { a: 'x'.repeat(200) } },
])('refuses %j', async (bad) => {
  await expect(record(make(), entry('a', bad))).rejects.toMatchObject({ code: 'internal', reason: 'bad_usage' });
});

it('flushes counts every ten seconds and at stop', async () => {
  const clock = new FakeClock();
  const meter = make({ clock });
  await meter.start();
  meter.count('prj_a', 'http.requests', 1);
  meter.count('prj_a', 'http.requests', 1);
  meter.count('prj_b', 'http.requests', 5);
  const now = { projectId: 'prj_a', from: new Date(Date.now() - 7_200_000), to: new Date(Date.now() + 7_200_000) };
  expect(await meter.totals(db, now)).toEqual([]);
  await clock.advance(10_000);
  await until(async () => (await meter.totals(db, now)).length > 0);
  expect(await meter.totals(db, now)).toEqual([total('http.requests', 2, 2)]);
  meter.count('prj_a', 'http.requests', 3);
  await meter[Symbol.asyncDispose]();
  await meter[Symbol.asyncDispose]();
  expect(await meter.totals(db, now)).toEqual([total('http.requests', 5, 3)]);
  expect(() => meter.count('prj_a', 'x', -1)).toThrow('A count of');
});

it('keeps counts that could not be written', async () => {
  await using gate = await openGate(database.options);
  const cut = createDb({ ...database.options, ...gate.connection });
  open.push(cut);
  const clock = new FakeClock();
  const warned: string[] = [];
  const meter = make({ db: cut, clock, logger: { ...silentLogger, warn: (_, text) => void warned.push(text ?? '') } });
  await meter.start();
  meter.count('prj_a', 'm', 7);
  gate.shut();
  await clock.advance(10_000);
  await until(() => warned.length >= 3); // flush, hours, retention
  meter.count('prj_a', 'm', 1);
  gate.open();
  await until(async () => {
    await clock.advance(10_000);
    const [row] = await db.query<{ quantity: number }>(sql`select quantity from usage_hours`);
    return row?.quantity === 8;
  });
});

it('drops counts past its limit, and says how many', async () => {
  const errors: unknown[] = [];
  const meter = make({ logger: { ...silentLogger, error: (fields) => void errors.push(fields) } });
  for (let i = 0; i < meterLimits.countersMax + 3; i++) meter.count('prj_a', `m${i}`, 1);
  meter.count('prj_a', 'm0', 1);
  await meter[Symbol.asyncDispose]();
  expect(errors).toEqual([{ dropped: 3, max: meterLimits.countersMax }]);
  const [row] = await db.query<{ sum: number }>(sql`select sum(quantity)::bigint as sum from usage_hours`);
  expect(row?.sum).toBe(meterLimits.countersMax + 1);
});

it('removes old rows, and no entry that is not in its hour', async () => {
  const clock = new FakeClock();
  const dayMs = 86_400_000;
  const meter = make({ clock, keepEntriesMs: 90 * dayMs, keepHoursMs: 760 * dayMs });
  const ago = (days: number): Date => new Date(Date.now() - days * dayMs);
  await record(
    meter,
    entry('old', { at: ago(91) }),
    entry('young', { at: ago(89) }),
    entry('ancient', { at: ago(800) }),
  );
  await meter.start();
  await until(async () => {
    await clock.advance(10_000);
    return (await db.query(sql`select from usage_entries`)).length === 1;
  });
  await until(async () => {
    await clock.advance(10_000);
    return (await db.query(sql`select from usage_hours`)).length === 2;
  });
});
