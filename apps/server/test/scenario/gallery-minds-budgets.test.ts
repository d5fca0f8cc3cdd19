import { afterAll, beforeEach, expect, it } from 'vitest';
import { createMinds, mindsFrom, mindWants } from '#gallery/minds';
import { drawsOf, type Mind } from '#gallery/model';
import { systemClock } from '#kernel/base';
import { type Budgets, createBudgets } from '#kernel/meter';
import { loneMetrics, silentLogger } from '#kernel/telemetry';
import { testDatabase } from '#test/database';
import { decisionText, FakeModels } from '#test/fake-models';
import { situation } from '#test/mind-situations';

const database = await testDatabase();
const { db } = database;
const models = await FakeModels.start();
afterAll(async () => {
  await models[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await database.wipe();
  models.requests.length = 0;
});

const projectId = 'prj_00000000000000000000000000';
const at = Date.parse('2026-06-15T09:00:00Z');
const price = { in: 1_000_000, out: 4_000_000, asOf: '2026-01-01' };
const budgets: Budgets = createBudgets({ db, clock: systemClock, logger: silentLogger });
const mind: Mind = createMinds({
  config: mindsFrom({
    fallback: 'none',
    minds: JSON.stringify({
      m: { use: 'openai:m', baseUrl: models.baseUrl('openai'), key: 'k', price, rpm: 100_000, tpm: 1e9 },
    }),
  }),
  improv: { name: 'improv', kind: 'free', bound: () => nothing, think: () => Promise.reject(new Error('unused')) },
  clock: systemClock,
  random: () => 0,
  logger: silentLogger,
  metrics: loneMetrics(silentLogger),
}).mind('m');
const nothing = { tokensIn: 0, tokensOut: 0, costMicros: 0, images: 0 };

/** Reserve, call, settle: what the loop does around every paid think. */
async function think(n: number): Promise<number | undefined> {
  const bot = { id: `gbt_${n}`, targetId: 'sandbox', personaId: null };
  const wants = mindWants({ bot, caps: {}, bound: mind.bound(situation()) });
  const order = { id: `act_${n}:mind`, projectId, at, owner: 'node', leaseMs: 60_000, wants };
  const { grants } = await db.transaction((tx) => budgets.reserve(tx, [order]));
  if (!grants[0]?.granted) return undefined;
  const { tokens, costMicros } = await mind.think(situation(), {
    draws: drawsOf('budget', n),
    signal: new AbortController().signal,
  });
  const used = { money: costMicros, tokensIn: tokens.in, tokensOut: tokens.out };
  const { missing } = await db.transaction((tx) => budgets.settle(tx, [{ id: order.id, used }]));
  expect(missing).toEqual([]);
  return costMicros;
}

it('256 thinks for the money of ten worst cases never overspend it, and every micro is in the books', async () => {
  models.answer = (_request, n) => ({ text: n % 5 === 4 ? 'Let me think.' : decisionText() });
  const cap = 10 * mind.bound(situation()).costMicros;
  await db.transaction((tx) => budgets.putCaps(tx, projectId, 'fleet', { money: { day: cap } }, at));
  const costs: number[] = [];
  for (let wave = 0; wave < 4; wave++) {
    const done = await Promise.all(Array.from({ length: 64 }, (_, n) => think(wave * 64 + n)));
    costs.push(...done.filter((cost) => cost !== undefined));
    const [line] = (await budgets.show(db, projectId, 'fleet', at)).filter(
      ({ measure, period }) => measure === 'money' && period === 'day',
    );
    expect(line?.spent).toBe(costs.reduce((sum, cost) => sum + cost, 0));
    expect(line?.reserved).toBe(0);
    expect(line?.spent).toBeLessThanOrEqual(cap);
  }
  expect(costs.length).toBeGreaterThan(10);
  expect(models.requests.length).toBeGreaterThanOrEqual(costs.length);
});
