import { expect, test } from 'vitest';
import { FakeClock } from '#kernel/base';
import { Gather } from './gather.ts';

test('the first runs at once, what comes meanwhile goes together', async () => {
  const batches: number[][] = [];
  const gates: (() => void)[] = [];
  const gather = new Gather<number, number>(
    async (items) => {
      batches.push([...items]);
      await new Promise<void>((resolve) => gates.push(resolve));
      return items.map((item) => item * 10);
    },
    { most: 3 },
  );
  const answers = [1, 2, 3, 4, 5].map((item) => gather.do(item));
  expect(batches).toEqual([[1]]);
  gates.shift()?.();
  expect(await answers[0]).toBe(10);
  await Promise.resolve();
  expect(batches).toEqual([[1], [2, 3, 4]]);
  gates.shift()?.();
  expect(await Promise.all(answers.slice(1, 4))).toEqual([20, 30, 40]);
  gates.shift()?.();
  expect(await answers[4]).toBe(50);
});

test('items of one name never share a batch, and keep their order', async () => {
  const batches: string[][] = [];
  const gather = new Gather<string, string>(
    async (items) => {
      batches.push([...items]);
      await Promise.resolve();
      return items;
    },
    { most: 10, apart: (item) => item.charAt(0) },
  );
  await Promise.all(['x0', 'a1', 'a2', 'b1', 'a3'].map((item) => gather.do(item)));
  expect(batches).toEqual([['x0'], ['a1', 'b1'], ['a2'], ['a3']]);
});

test('one that fails the batch fails alone', async () => {
  const gather = new Gather<number, number>(
    async (items) => {
      await Promise.resolve();
      if (items.includes(3)) throw new Error('three');
      return items;
    },
    { most: 10 },
  );
  const outcomes = await Promise.allSettled([1, 2, 3, 4].map((item) => gather.do(item)));
  expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
});

test('a batch that is held up does not hold up the others for ever', async () => {
  const clock = new FakeClock();
  const batches: number[][] = [];
  const gather = new Gather<number, number>(
    async (items) => {
      batches.push([...items]);
      if (items.includes(1)) await new Promise(() => undefined);
      return items;
    },
    { most: 10, late: { clock, afterMs: 250, lanes: 2 } },
  );
  void gather.do(1);
  const second = gather.do(2);
  const third = gather.do(3);
  await clock.advance(249);
  expect(batches).toEqual([[1]]);
  await clock.advance(1);
  expect(batches).toEqual([[1], [2, 3]]);
  expect(await Promise.all([second, third])).toEqual([2, 3]);
});
