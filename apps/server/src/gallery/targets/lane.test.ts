import { describe, expect, test } from 'vitest';
import { FakeClock } from '#kernel/base';
import { Lane, LaneFull } from './lane.ts';

const signal = new AbortController().signal;
/** How many of them are through now. */
async function through(entering: readonly Promise<unknown>[]): Promise<number> {
  const marks = await Promise.all(
    entering.map((each) =>
      Promise.race([each.then(() => 1), new Promise<number>((resolve) => setImmediate(() => resolve(0)))]),
    ),
  );
  return marks.reduce((sum, mark) => sum + mark, 0);
}

describe('the lane of a target', () => {
  test('so many at once; the next in line follows who leaves', async () => {
    const lane = new Lane(new FakeClock(), { concurrency: 2, rps: null });
    const entering = [1, 2, 3, 4].map(() => lane.enter(signal));
    expect(await through(entering)).toBe(2);
    (await entering[0])?.[Symbol.dispose]();
    expect(await through(entering)).toBe(3);
    (await entering[1])?.[Symbol.dispose]();
    expect(await through(entering)).toBe(4);
    expect(lane.open).toBe(2);
  });

  test('leaving twice is leaving once', async () => {
    const lane = new Lane(new FakeClock(), { concurrency: 1, rps: null });
    const place = await lane.enter(signal);
    place[Symbol.dispose]();
    place[Symbol.dispose]();
    expect(lane.open).toBe(0);
  });

  test('at most one second’s worth begins at once, then one after the other', async () => {
    const clock = new FakeClock();
    const lane = new Lane(clock, { concurrency: 100, rps: 10 });
    const entering = Array.from({ length: 25 }, () => lane.enter(signal));
    expect(await through(entering)).toBe(10);
    await clock.advance(99);
    expect(await through(entering)).toBe(10);
    await clock.advance(1);
    expect(await through(entering)).toBe(11);
    await clock.advance(900);
    expect(await through(entering)).toBe(20);
    await clock.advance(500);
    expect(await through(entering)).toBe(25);
  });

  test('whoever gives up leaves the line', async () => {
    const lane = new Lane(new FakeClock(), { concurrency: 1, rps: null });
    const place = await lane.enter(signal);
    const abort = new AbortController();
    const waiting = lane.enter(abort.signal);
    abort.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    place[Symbol.dispose]();
    expect(lane.open).toBe(0);
  });

  test('who would wait longer than a think can is put off', async () => {
    const clock = new FakeClock();
    const slow = new Lane(clock, { concurrency: 100, rps: 1 });
    const entering = Array.from({ length: 21 }, () => slow.enter(signal));
    await expect(slow.enter(signal)).rejects.toBeInstanceOf(LaneFull);
    await clock.advance(20_000);
    expect(await through(entering)).toBe(21);
    const stuck = new Lane(clock, { concurrency: 1, rps: null });
    await stuck.enter(signal);
    const waiting = stuck.enter(signal);
    const refused = expect(waiting).rejects.toBeInstanceOf(LaneFull);
    await clock.advance(20_000);
    await refused;
  });

  test('wider bounds let the line go on', async () => {
    const lane = new Lane(new FakeClock(), { concurrency: 1, rps: null });
    const entering = [1, 2, 3].map(() => lane.enter(signal));
    lane.bounds = { concurrency: 3, rps: null };
    expect(await through(entering)).toBe(3);
  });
});
