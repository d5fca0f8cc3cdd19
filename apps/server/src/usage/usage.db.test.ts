import type { UsageQuery } from '@muster/protocol';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { defaultProjectId, systemPrincipal } from '#kernel/auth';
import { FakeClock, Limits } from '#kernel/base';
import { createMeter, type UsageEntry } from '#kernel/meter';
import { silentLogger } from '#kernel/telemetry';
import { testDatabase } from '#test/database';
import type { UsageDeps } from './deps.ts';
import { parsePrices, putPrices, showPrices } from './prices.ts';
import { readRange } from './read-range.ts';
import { costToday, showUsage } from './show-usage.ts';

const database = await testDatabase();
const { db } = database;
const who = systemPrincipal();
const asker = { who, address: '::1', requestId: 'r' };
const anyVersion = (): void => undefined;
beforeEach(() => database.wipe());
afterAll(() => database[Symbol.asyncDispose]());

const now = Date.parse('2026-03-30T12:00:00Z');
const made = (more: Partial<UsageDeps> = {}) => ({
  db,
  clock: new FakeClock(now),
  limits: new Limits(),
  currency: 'EUR',
  pricesOfFile: undefined,
  heldTimes: async () => [],
  auth: { requireScope: () => undefined },
  ...more,
});
const asked = (more: Partial<UsageQuery> = {}): UsageQuery => ({
  by: 'day',
  tz: 'Europe/Berlin',
  weekStart: 'monday',
  group: 'meter',
  from: '2026-03-28',
  to: '2026-03-30',
  ...more,
});
const record = (...entries: Partial<UsageEntry>[]): Promise<void> =>
  db.transaction((tx) =>
    createMeter({ db, logger: silentLogger }).record(
      tx,
      entries.map((entry, i) => ({
        projectId: defaultProjectId,
        meter: 'build.time',
        quantity: 3_600_000,
        at: new Date('2026-03-29T10:00:00Z'),
        source: 'bld_1',
        part: `p${i}`,
        dimensions: { queue: 'default', platform: 'linux' },
        ...entry,
      })),
    ),
  );

test('days are those of the zone, also when one has 23 hours', async () => {
  const { buckets } = await readRange(db, asked(), now);
  expect(buckets.map(({ label, start, end }) => [label, (end.getTime() - start.getTime()) / 3_600_000])).toEqual([
    ['2026-03-28', 24],
    ['2026-03-29', 23],
    ['2026-03-30', 24],
  ]);
  expect(buckets[1]?.start.toISOString()).toBe('2026-03-28T23:00:00.000Z');
  const autumn = await readRange(db, asked({ from: '2026-10-25', to: '2026-10-25' }), Date.parse('2026-11-01'));
  expect(autumn.buckets.map(({ start, end }) => (end.getTime() - start.getTime()) / 3_600_000)).toEqual([25]);
});

test('weeks begin on the day that was asked for, months on their first, and nothing lies ahead', async () => {
  const weeks = await readRange(db, asked({ by: 'week', from: '2026-03-10', weekStart: 'sunday' }), now);
  expect(weeks.buckets.map(({ label }) => label)).toEqual(['2026-03-08', '2026-03-15', '2026-03-22', '2026-03-29']);
  const months = await readRange(db, asked({ by: 'month', from: '2026-01-15', to: '2026-12-31' }), now);
  expect(months.buckets.map(({ label }) => label)).toEqual(['2026-01', '2026-02', '2026-03']);
  expect(months.buckets.at(-1)?.end.toISOString()).toBe('2026-03-31T22:00:00.000Z');
});

test('usage lies in its local day, with its price and by what it is grouped', async () => {
  const rules = parsePrices(
    JSON.stringify([
      { meter: 'build.time', price: '1', per: 'hour', from: '2026-01-01' },
      { meter: 'build.time', match: { platform: 'ios' }, price: '5', per: 'hour', from: '2026-03-29' },
    ]),
    'test',
  );
  const deps = made({ pricesOfFile: rules });
  await record(
    { at: new Date('2026-03-28T22:30:00Z') },
    { at: new Date('2026-03-28T23:30:00Z') },
    { dimensions: { queue: 'default', platform: 'ios' } },
    { dimensions: { queue: 'default', platform: 'ios' }, at: new Date('2026-03-28T10:00:00Z') },
    { projectId: 'prj_other' },
  );
  const usage = await showUsage(deps, who, asked({ group: 'platform', meter: 'build.time' }));
  expect(usage.buckets.map(({ label, money: { cost } }) => [label, cost])).toEqual([
    ['2026-03-28', '2.00'],
    ['2026-03-29', '6.00'],
    ['2026-03-30', '0.00'],
  ]);
  expect(usage.buckets[1]?.lines).toMatchObject([
    { group: 'ios', quantity: 3_600_000, entries: 1, cost: '5.00' },
    { group: 'linux', quantity: 3_600_000, cost: '1.00' },
  ]);
  expect(usage.total.money).toEqual({ currency: 'EUR', cost: '8.00', unpriced: 0 });
});

test('what has no price is counted as such and costs nothing that is known', async () => {
  const deps = made({ pricesOfFile: [] });
  await record({}, {});
  const { total } = await showUsage(deps, who, asked());
  expect(total.money).toEqual({ currency: 'EUR', cost: '0.00', unpriced: 2 });
  expect(total.lines).toMatchObject([{ meter: 'build.time', cost: null, unpriced: 2 }]);
});

test('what runs now is added up to now, cut at midnight', async () => {
  const held = [{ startedAt: new Date('2026-03-29T20:00:00Z'), queue: 'default', platform: 'linux' }];
  const deps = made({ heldTimes: async () => held });
  const { buckets } = await showUsage(deps, who, asked());
  expect(buckets.map(({ lines }) => lines.map(({ quantity, open }) => [quantity, open]))).toEqual([
    [],
    [[2 * 3_600_000, 2 * 3_600_000]],
    [[14 * 3_600_000, 14 * 3_600_000]],
  ]);
  expect((await showUsage(deps, who, asked({ to: '2026-03-28' }))).total.lines).toEqual([]);
  const priced = {
    ...deps,
    pricesOfFile: parsePrices('[{"meter":"build.time","price":"1","per":"hour","from":"2026-01-01"}]', 'test'),
  };
  const today = await costToday(priced, defaultProjectId, 'Europe/Berlin');
  expect([today.builds.cost, today.total.cost, today.gallery.cost, today.yesterday.cost]).toEqual([
    '14.00',
    '14.00',
    '0.00',
    '2.00',
  ]);
});

test('prices are put whole, one after the other, and the file cannot be overruled', async () => {
  const deps = made();
  expect(await showPrices(deps, db)).toMatchObject({ version: 0, origin: 'defaults' });
  const rules = parsePrices('[{"meter":"build.time","price":"2","per":"hour","from":"2026-01-01"}]', 'test');
  expect(await putPrices(deps, asker, rules, anyVersion)).toMatchObject({ version: 1, origin: 'api', rules });
  await expect(putPrices(deps, asker, [...rules, ...rules], anyVersion)).rejects.toMatchObject({
    reason: 'invalid_prices',
    errors: [{ pointer: '/rules/1' }],
  });
  expect((await showPrices(deps, db)).version).toBe(1);
  const viewer = {
    ...asker,
    who: { kind: 'key' as const, keyId: 'k', name: 'k', projectId: 'prj_x', scopes: [], fromEnvironment: false },
  };
  await expect(putPrices(deps, viewer, rules, anyVersion)).rejects.toMatchObject({ reason: 'not_installation_admin' });
  await expect(putPrices(made({ pricesOfFile: rules }), asker, rules, anyVersion)).rejects.toMatchObject({
    reason: 'prices_from_file',
  });
});

test.each([
  [{ tz: 'Mars/Base' }, '?tz'],
  [{ tz: '+02:00' }, '?tz'],
  [{ from: '2026-03-31', to: '2026-03-30' }, '?from'],
  [{ from: '2026-02-30' }, '?from'],
  [{ from: 'yesterday' }, '?from'],
  [{ from: '2024-01-01', by: 'hour' as const }, '?from'],
  [{ group: 'colour' }, '?group'],
  [{ meter: 'build.tim' }, '?meter'],
])('%j is refused with its place', async (more, pointer) => {
  await expect(showUsage(made(), who, asked(more))).rejects.toMatchObject({
    code: 'invalid',
    errors: [{ pointer }],
  });
});
