import { expect, test } from 'vitest';
import { FakeClock } from '#kernel/base';
import { RestartBudget } from './restart-budget.ts';

test('waits grow, and the sixth start in ten minutes waits until the first is ten minutes old', async () => {
  const clock = new FakeClock();
  const budget = new RestartBudget(clock);
  const waits: number[] = [];
  for (let start = 0; start < 6; start++) {
    waits.push(budget.delayMs());
    await clock.advance(budget.delayMs());
    budget.spend();
  }
  expect(waits).toEqual([100, 1_000, 5_000, 15_000, 30_000, 600_000 - 51_000]);
  await clock.advance(600_000);
  expect(budget.delayMs()).toBe(100);
});
