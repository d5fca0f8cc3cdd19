import { expect, test } from 'vitest';
import { FakeClock } from '#kernel/base';
import { loopHarness, seedBots } from '#test/gallery-loop';
import { until } from '#test/until';
import { thinkDeadlineMs } from './flights.ts';

const harness = await loopHarness();
const { db } = harness;
const start = 1_800_000_000_000;

test('a think of words is given up after 45 s, one that makes an image after 180 s', async () => {
  const [words = '', image = ''] = await seedBots(db, { count: 2, nextThinkAt: () => start + 1_000 });
  const clock = new FakeClock(start);
  const realClock = new FakeClock(start);
  const begun: string[] = [];
  const ended: [string, unknown][] = [];
  const { loop } = harness.node({
    clock,
    realClock,
    // No lease runs out while this clock leaps.
    shardTimes: { leaseMs: 3_600_000 },
    tiny: {
      ponder: ({ bot, signal, drawing }) => {
        begun.push(bot.id);
        if (bot.id === image) drawing?.();
        return new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            ended.push([bot.id, (signal.reason as { reason?: string }).reason]);
            reject(signal.reason as Error);
          });
        });
      },
    },
  });
  await loop.start();
  await until(() => loop.health().restoring === null && loop.owner.table.roster.size === 2);
  await clock.advance(1_020);
  await until(() => begun.length === 2);
  await realClock.advance(thinkDeadlineMs.words - 1_000);
  expect(ended).toEqual([]);
  await realClock.advance(1_000);
  expect(ended).toEqual([[words, 'deadline']]);
  await realClock.advance(thinkDeadlineMs.image - thinkDeadlineMs.words - 1_000);
  expect(ended).toHaveLength(1);
  await realClock.advance(1_000);
  expect(ended).toEqual([
    [words, 'deadline'],
    [image, 'deadline'],
  ]);
});
