import { expect, test } from 'vitest';
import { FakeClock } from '#kernel/base';
import { Budgets } from './budgets.ts';

const refusal = (act: () => void): { reason: string; retryAfterMs: number } | undefined => {
  try {
    act();
    return undefined;
  } catch (error) {
    return error as { reason: string; retryAfterMs: number };
  }
};

test('a project has a second’s worth of appends, refilled as time goes by; another has its own', async () => {
  const clock = new FakeClock();
  const budgets = new Budgets(clock, { appends: 10, bytes: 1000 });
  for (let i = 0; i < 10; i++) budgets.take('a', 1);
  expect(refusal(() => budgets.take('a', 1))).toMatchObject({ code: 'exhausted', reason: 'rate', retryAfterMs: 100 });
  budgets.take('b', 1);
  await clock.advance(100);
  budgets.take('a', 1);
  expect(refusal(() => budgets.take('a', 1))).toBeDefined();
  await clock.advance(60_000);
  for (let i = 0; i < 10; i++) budgets.take('a', 1);
  expect(refusal(() => budgets.take('a', 1))).toBeDefined();
});

test('bytes have a budget of their own; what is larger than a second’s worth waits for a full one', async () => {
  const clock = new FakeClock();
  const budgets = new Budgets(clock, { appends: 1000, bytes: 1000 });
  budgets.take('a', 600);
  expect(refusal(() => budgets.take('a', 600))).toMatchObject({ retryAfterMs: 200 });
  await clock.advance(1000);
  budgets.take('a', 5000);
  expect(refusal(() => budgets.take('a', 1))?.retryAfterMs).toBeGreaterThan(4000);
  await clock.advance(5000);
  budgets.take('a', 1);
});
