import { describe, expect, it } from 'vitest';
import { FakeClock } from '#kernel/base';
import { sql } from '#kernel/db';
import { loopHarness, seedBots, world } from '#test/gallery-loop';
import { until } from '#test/until';
import { nextShare, shareFor } from './phase-out.ts';

const harness = await loopHarness();
const { db } = harness;
const hour = 3_600_000;
const start = Math.floor(1_800_000_000_000 / hour) * hour + 10 * 60_000;
const phaseOut = { from: 10, to: 110, minShare: 0.05, stepMax: 0.1 };

describe('the share that people leave', () => {
  it('falls from 1 to the least between two bounds, and moves at most a step a day', () => {
    expect([0, 10, 60, 105, 110, 1_000].map((perDay) => shareFor(phaseOut, perDay))).toEqual([
      1, 1, 0.5, 0.05, 0.05, 0.05,
    ]);
    let share = 1;
    for (let n = 0; n < 24; n++) share = nextShare(phaseOut, share, 60);
    expect(share).toBeCloseTo(0.9, 9);
    for (let n = 0; n < 24 * 10; n++) share = nextShare(phaseOut, share, 60);
    expect(share).toBe(0.5);
    expect(nextShare(phaseOut, 0.5, 0)).toBeCloseTo(0.5 + 0.1 / 24, 9);
  });

  it('phase-out-week: an hour at a time, every move is told with its numbers, what cannot be seen moves nothing', {
    timeout: 60_000,
  }, async () => {
    await db.query(
      sql`update gallery_targets set phase_out = ${JSON.stringify({ ...phaseOut, minShare: 0 })}::jsonb where id = 'sandbox'`,
    );
    await seedBots(db, { count: 20 });
    const clock = new FakeClock(start);
    let people: number | null = 1_000;
    const asked: number[] = [];
    const { loop } = harness.node({
      clock,
      humanActionsPerDay: (_, at) => {
        asked.push((at - start) / 60_000);
        return Promise.resolve(people);
      },
    });
    await loop.start();
    await until(() => loop.health().restoring === null && loop.health().bots === 20);
    const live = async (ms: number, stepMs: number): Promise<void> => {
      for (let past = 0; past < ms; past += stepMs) {
        await clock.advance(stepMs);
        await loop.owner.settled();
      }
    };
    const share = async (): Promise<number> =>
      (await db.query<{ share: number }>(sql`select share from gallery_targets where id = 'sandbox'`))[0]?.share ?? -1;
    await live(50 * 60_000, 60_000);
    expect(asked).toEqual([50]);
    expect(await share()).toBeCloseTo(1 - 0.1 / 24, 5);
    expect(harness.told.at(-1)).toMatchObject({
      type: 'phase',
      message: 'Share of sandbox: 1.000 → 0.996, people acted 1000.0 times a day (10 to 110).',
    });
    expect(harness.emitted.at(-1)).toMatchObject({ type: 'gallery.share.changed', targetId: 'sandbox' });
    people = null;
    await live(3 * hour, hour);
    expect(await share()).toBeCloseTo(1 - 0.1 / 24, 5);
    people = 1_000;
    await db.query(sql`update gallery_targets set share = 0.004 where id = 'sandbox'`);
    await loop.owner.look();
    await live(2 * hour, hour);
    expect(await share()).toBe(0);
    const before = (await world(db)).length;
    await live(12 * hour, hour);
    expect((await world(db)).length).toBe(before);
    people = 0;
    await live(20 * hour, 10 * 60_000);
    expect(await share()).toBeGreaterThan(0.05);
    expect((await world(db)).length).toBeGreaterThan(before);
  });
});
