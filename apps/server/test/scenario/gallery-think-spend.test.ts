/* What thinks cost, when they end badly: the books are never under what was really asked and paid. */
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { ThinkEnd, ThinkingDeps } from '#gallery/loop';
import { type BotRow, type Decision, type Mind, MindError } from '#gallery/model';
import { arm } from '#kernel/base';
import { sql } from '#kernel/db';
import { testDatabase } from '#test/database';
import { project, thinkingWorld } from '#test/gallery-thinking';

const database = await testDatabase();
const { db } = database;
beforeEach(() => database.wipe());
afterAll(() => database[Symbol.asyncDispose]());

const scripted = { mind: 'script', decide: 'mind' } as const;
const post: Decision = {
  do: 'post',
  on: -1,
  why: 'nothing was posted yet',
  text: '',
  prompt: 'a red buoy',
  caption: 'The red buoy keeps its distance today.',
  alt: '',
  tags: [],
};
const callCost = 100;
const imageCost = 40_000;

/** A model that counts what it was asked. */
function model(decision: Decision = { ...post, do: 'browse' }): Mind & { asked: number } {
  return {
    name: 'script',
    kind: 'paid',
    asked: 0,
    bound: () => ({ tokensIn: 1_000, tokensOut: 200, costMicros: 500, images: 0 }),
    async think() {
      this.asked += 1;
      const tokens = { in: 300, out: 40 };
      return { decision, mind: 'script', tokens, costMicros: callCost, calls: 1, latencyMs: 1, injectionsSeen: 0 };
    },
  };
}
const books = async (measure = 'money') =>
  (
    await db.query<{ spent: number; reserved: number }>(sql`
      select spent::int, reserved::int from budget_counters
       where measure = ${measure} and scope = 'fleet' and period = 'day'`)
  )[0];
const results = (ends: readonly ThinkEnd[]) =>
  ends.map(({ result, reason }) => (reason === null ? result : `${result} ${reason}`));

test('a life that ended behind a paid call stays in the books, beside the call of the next life', async () => {
  const script = model();
  await using first = await thinkingWorld(db, { minds: { script } });
  await first.seed(1, scripted);
  {
    const reached = Promise.withResolvers<void>();
    using _ = arm('gallery.mind', () => {
      reached.resolve();
      return new Promise(() => undefined);
    });
    void first.think(await first.bots());
    await reached.promise;
  }
  await using second = await thinkingWorld(db, { minds: { script }, term: 2n });
  expect(results(await second.think(await second.bots()))).toEqual(['acted']);
  expect(script.asked).toBe(2);
  // The call of the second life is settled; what the first one reserved stays, and its time will make it spent.
  expect(await books()).toEqual({ spent: callCost, reserved: 500 });
  expect((await books())?.reserved).toBeGreaterThanOrEqual(callCost * (script.asked - 1));
});

test('a think begun again under the same owner pays under a name of its own', async () => {
  const script = model();
  let puts = 0;
  const broken: Mind = {
    ...script,
    think: async () => {
      puts += 1;
      if (puts > 1) return await script.think({} as never, {} as never);
      const used = { tokens: { in: 300, out: 0 }, costMicros: callCost };
      throw new MindError('mind_unavailable', 'no answer came', { used });
    },
  };
  await using world = await thinkingWorld(db, { minds: { script: broken } });
  await world.seed(1, scripted);
  expect(results(await world.think(await world.bots()))).toEqual(['put_off mind_unavailable']);
  expect(results(await world.think(await world.bots()))).toEqual(['acted']);
  expect(await books()).toEqual({ spent: 2 * callCost, reserved: 0 });
});

describe('a picture of which nobody knows whether it was painted', () => {
  const painter = (answer: () => Promise<never>): Partial<ThinkingDeps> => ({
    minds: {
      mind: () => ({ ...model(post), kind: 'free' }),
      imageBound: () => ({ tokensIn: 0, tokensOut: 0, costMicros: imageCost, images: 1 }),
      paintImage: answer,
      imageProvider: () => null,
    },
  });
  const lost = (paid: number) =>
    new MindError('mind_unavailable', 'the answer was cut', {
      used: { tokens: { in: 0, out: 0 }, costMicros: paid },
    });

  test('counts as spent and is asked for once more, never again', async () => {
    let asked = 0;
    const deps = painter(() => {
      asked += 1;
      return Promise.reject(lost(imageCost));
    });
    await using world = await thinkingWorld(db, { deps });
    await world.seed(1, { ...scripted, imageSource: 'model' });
    expect(results(await world.think(await world.bots()))).toEqual(['put_off mind_unavailable']);
    // Another life of the same node remembers as well.
    await using second = await thinkingWorld(db, { deps, term: 2n });
    const [end] = await second.think(await second.bots());
    expect(end).toMatchObject({
      result: 'failed',
      reason: 'image_outcome_unknown',
      row: { failures: 0, state: 'running', thinkNo: 1 },
    });
    expect(asked).toBe(2);
    expect(await books()).toEqual({ spent: 2 * imageCost, reserved: 0 });
    expect(await books('images')).toEqual({ spent: 2, reserved: 0 });
  });

  test('a life that ended while it was painted is one of the two', async () => {
    let asked = 0;
    const called = Promise.withResolvers<void>();
    const deps = painter(() => {
      asked += 1;
      called.resolve();
      return asked === 1 ? new Promise(() => undefined) : Promise.reject(lost(imageCost));
    });
    await using world = await thinkingWorld(db, { deps });
    await world.seed(1, { ...scripted, imageSource: 'model' });
    void world.think(await world.bots());
    await called.promise;
    await using second = await thinkingWorld(db, { deps, term: 2n });
    expect(results(await second.think(await second.bots()))).toEqual(['failed image_outcome_unknown']);
    expect(asked).toBe(2);
  });

  test('one that was surely not painted costs nothing and counts for nothing', async () => {
    let asked = 0;
    const deps = painter(() => {
      asked += 1;
      return Promise.reject(lost(0));
    });
    await using world = await thinkingWorld(db, { deps });
    await world.seed(1, { ...scripted, imageSource: 'model' });
    for (let n = 0; n < 4; n++)
      expect(results(await world.think(await world.bots()))).toEqual(['put_off mind_unavailable']);
    expect(asked).toBe(4);
    expect(await books()).toEqual({ spent: 0, reserved: 0 });
  });
});

describe('a model without a price', () => {
  const unpriced = (): Partial<ThinkingDeps> => ({
    minds: {
      mind: (_, choice) => {
        const script = model();
        if (choice?.unpriced === 'allow') return script;
        return {
          ...script,
          bound: () => {
            throw new MindError('price_unknown', 'nobody said what it costs');
          },
        };
      },
      imageBound: () => ({ tokensIn: 0, tokensOut: 0, costMicros: 0, images: 1 }),
      paintImage: () => Promise.reject(new Error('nobody paints')),
      imageProvider: () => null,
    },
  });
  const noMoneyCap = () =>
    db.query(sql`
      insert into budget_caps (project_id, scope, measure, period, cap, updated_at)
      select ${project}, 'fleet', 'money', period, null, now() from unnest(array['day', 'month']) p(period)`);

  test('is refused under a money cap and thinks where there is none', async () => {
    await using world = await thinkingWorld(db, { deps: unpriced() });
    const [bot] = (await world.seed(1, scripted)) as [BotRow];
    expect(results(await world.think([bot]))).toEqual(['failed price_unknown']);
    await noMoneyCap();
    await world.clock.advance(10_000);
    expect(results(await world.think(await world.bots()))).toEqual(['acted']);
  });

  test('is refused when only the bot has a money cap', async () => {
    await using world = await thinkingWorld(db, { deps: unpriced() });
    await noMoneyCap();
    const [bot] = (await world.seed(1, scripted)) as [BotRow];
    expect(results(await world.think([{ ...bot, caps: { money: 1_000 } }]))).toEqual(['failed price_unknown']);
  });
});
