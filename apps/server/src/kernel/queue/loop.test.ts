import { expect, it } from 'vitest';
import { FakeClock } from '#kernel/base';
import { Loop } from './loop.ts';

function setUp(work: () => Promise<number>): { clock: FakeClock; loop: Loop; errors: Error[] } {
  const clock = new FakeClock();
  const errors: Error[] = [];
  const loop = new Loop({ clock, work, onError: (error) => errors.push(error), errorMs: 100, errorMsMax: 400 });
  return { clock, loop, errors };
}

it('works at start and then after the delay it asked', async () => {
  let count = 0;
  const { clock, loop } = setUp(() => Promise.resolve((count++, 1000)));
  loop.start();
  await clock.advance(0);
  expect(count).toBe(1);
  await clock.advance(999);
  expect(count).toBe(1);
  await clock.advance(1);
  expect(count).toBe(2);
  await loop.stop();
});

it('works at once when woken, and never twice at a time', async () => {
  let running = 0;
  let count = 0;
  const gates: (() => void)[] = [];
  const { clock, loop } = setUp(async () => {
    expect(++running).toBe(1);
    count++;
    await new Promise<void>((resolve) => gates.push(resolve));
    running--;
    return 1000;
  });
  loop.start();
  for (let i = 0; i < 5; i++) loop.wake();
  gates.shift()?.();
  await clock.advance(0);
  expect(count).toBe(2); // five wakes while working are one
  gates.shift()?.();
  await clock.advance(0);
  expect(count).toBe(2);
  loop.wake();
  expect(count).toBe(3);
  gates.shift()?.();
  await loop.stop();
});

it('may be asked for an earlier time, not for a later one', async () => {
  let count = 0;
  const { clock, loop } = setUp(() => Promise.resolve((count++, 1000)));
  loop.start();
  await clock.advance(0);
  loop.wakeAfter(300);
  loop.wakeAfter(800);
  await clock.advance(299);
  expect(count).toBe(1);
  await clock.advance(1);
  expect(count).toBe(2);
  await clock.advance(999);
  expect(count).toBe(2);
  await loop.stop();
});

it('keeps what was asked while it worked', async () => {
  let count = 0;
  const self: { loop?: Loop } = {};
  const { clock, loop } = setUp(() => {
    if (count++ === 0) self.loop?.wakeAfter(50);
    return Promise.resolve(1000);
  });
  self.loop = loop;
  loop.start();
  await clock.advance(0);
  await clock.advance(50);
  expect(count).toBe(2);
  await loop.stop();
});

it('pauses longer after each error, whatever wakes it, and starts anew after a success', async () => {
  const at: number[] = [];
  let fails = 4;
  const { clock, loop, errors } = setUp(() => {
    at.push(clock.now());
    return fails-- > 0 ? Promise.reject(new Error('down')) : Promise.resolve(1000);
  });
  const start = clock.now();
  loop.start();
  await clock.advance(0);
  loop.wake();
  await clock.advance(1200);
  expect(at.map((time) => time - start)).toEqual([0, 100, 300, 700, 1100]);
  expect(errors).toHaveLength(4);
  loop.wake();
  await clock.advance(0);
  expect(at).toHaveLength(6);
  await loop.stop();
});

it('stops for good, after the work on its way', async () => {
  let done = false;
  const gate = Promise.withResolvers<void>();
  const { clock, loop } = setUp(async () => {
    await gate.promise;
    done = true;
    return 10;
  });
  loop.start();
  const stopped = loop.stop();
  gate.resolve();
  await stopped;
  expect(done).toBe(true);
  done = false;
  loop.wake();
  loop.start();
  await clock.advance(1000);
  expect(done).toBe(false);
});
