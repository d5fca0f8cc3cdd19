import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '#kernel/base';
import { Bucket } from './bucket.ts';
import { type CallEnd, Lane, NotNow } from './lane.ts';
import { mindLimits } from './limits.ts';

const never = new AbortController().signal;
const answered: CallEnd = { kind: 'answered', tokens: 100, rates: {} };

describe('Bucket', () => {
  it('never gives more than its rate and its burst, whatever is asked when', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 600 }),
        fc.array(fc.record({ after: fc.integer({ min: 0, max: 20_000 }), amount: fc.integer({ min: 1, max: 50 }) }), {
          maxLength: 60,
        }),
        (perMinute, asks) => {
          const bucket = new Bucket(perMinute, 0);
          let now = 0;
          let taken = 0;
          for (const { after, amount } of asks) {
            now += after;
            const room = Math.max(1, perMinute * mindLimits.burstShare);
            if (amount > room || bucket.waitMs(amount, now) > 0) continue;
            bucket.take(amount, now);
            taken += amount;
            expect(taken).toBeLessThanOrEqual(room + (now / 60_000) * perMinute + 1e-6);
          }
        },
      ),
    );
  });

  it('says exactly when', () => {
    const bucket = new Bucket(60, 0);
    bucket.take(10, 0);
    const wait = bucket.waitMs(3, 0);
    expect(wait).toBe(3_000);
    expect(bucket.waitMs(3, wait - 1)).toBeGreaterThan(0);
    expect(bucket.waitMs(3, wait)).toBe(0);
  });

  it('is halved by refusals down to a sixtieth, and comes back', () => {
    const bucket = new Bucket(60, 0);
    for (let n = 0; n < 20; n++) bucket.refused(0);
    expect(bucket.perMinute).toBe(1);
    for (let n = 0; n < 40; n++) bucket.answered(0);
    expect(bucket.perMinute).toBe(60);
    bucket.learn(20, 0);
    bucket.learn(5_000, 0);
    expect(bucket.perMinute).toBe(60);
    bucket.learn(20, 0);
    expect(bucket.perMinute).toBe(20);
  });
});

describe('Lane', () => {
  it('lets eight through, then one for each that leaves, in order', async () => {
    const lane = new Lane(new FakeClock(), { rpm: 1e6, tpm: 1e9 });
    const order: number[] = [];
    const leaves: ((end: CallEnd) => void)[] = [];
    const all = Array.from({ length: 12 }, async (_, n) => {
      leaves.push(await lane.enter(100, never));
      order.push(n);
    });
    await Promise.all(all.slice(0, 8));
    expect(lane.view()).toMatchObject({ inFlight: 8, waiting: 4 });
    for (let n = 0; n < 4; n++) {
      leaves[n]?.(answered);
      await all[8 + n];
    }
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(lane.view()).toMatchObject({ inFlight: 8, waiting: 0 });
  });

  it('whoever gives up in line takes no place with it', async () => {
    const lane = new Lane(new FakeClock(), { rpm: 1e6, tpm: 1e9 });
    const leaves = await Promise.all(Array.from({ length: 8 }, () => lane.enter(1, never)));
    const stop = new AbortController();
    const given = lane.enter(1, stop.signal);
    const next = lane.enter(1, never);
    stop.abort(new Error('panic'));
    await expect(given).rejects.toThrow('panic');
    leaves[0]?.(answered);
    await next;
    expect(lane.view()).toMatchObject({ inFlight: 8, waiting: 0 });
  });

  it('waits for a seat 20 s at most, and says when to come again', async () => {
    const clock = new FakeClock();
    const lane = new Lane(clock, { rpm: 1e6, tpm: 1e9 });
    await Promise.all(Array.from({ length: 8 }, () => lane.enter(1, never)));
    const late = lane.enter(1, never).catch((error: unknown) => error);
    await clock.advance(mindLimits.waitMsMax);
    expect(await late).toBeInstanceOf(NotNow);
    expect(lane.view()).toMatchObject({ waiting: 0 });
  });

  it('keeps what a refusal says, and shuts for those who come', async () => {
    const clock = new FakeClock();
    const lane = new Lane(clock, { rpm: 600, tpm: 1e9 });
    (await lane.enter(1, never))({ kind: 'rate_limited', retryAfterMs: 60_000, rates: {} });
    await expect(lane.enter(1, never)).rejects.toMatchObject({ why: 'refused', retryAfterMs: 60_000 });
    await clock.advance(60_000);
    (await lane.enter(1, never))(answered);
  });

  it('a trial of the breaker that was called off leaves room for another', async () => {
    const clock = new FakeClock();
    const lane = new Lane(clock, { rpm: 1e6, tpm: 1e9 });
    for (let n = 0; n < 20; n++) (await lane.enter(1, never))({ kind: 'failed' });
    await expect(lane.enter(1, never)).rejects.toMatchObject({ why: 'down' });
    await clock.advance(30_000);
    const trial = await lane.enter(1, never);
    await expect(lane.enter(1, never)).rejects.toMatchObject({ why: 'down' });
    trial({ kind: 'void' });
    (await lane.enter(1, never))(answered);
    expect(lane.view().breaker.state).toBe('closed');
  });
});
