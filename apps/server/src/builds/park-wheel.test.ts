import { expect, test } from 'vitest';
import { FakeClock } from '#kernel/base';
import { ParkWheel } from './park-wheel.ts';

test('entries come due in time and not before it', async () => {
  const clock = new FakeClock();
  const wheel = new ParkWheel(clock);
  const heard: [string, number][] = [];
  const start = clock.monotonic();
  for (const ms of [10, 50, 120, 5_000, 54_990])
    wheel.add(ms, () => heard.push([String(ms), clock.monotonic() - start]));
  await clock.advance(60_000);
  expect(heard.map(([name]) => name)).toEqual(['10', '50', '120', '5000', '54990']);
  for (const [name, at] of heard) {
    expect(at).toBeGreaterThanOrEqual(Number(name));
    expect(at).toBeLessThanOrEqual(Number(name) + 100);
  }
});

test('what lies more than one turn ahead waits for its turn', async () => {
  const clock = new FakeClock();
  const wheel = new ParkWheel(clock);
  let due = 0;
  wheel.add(300_000, () => due++);
  await clock.advance(299_000);
  expect(due).toBe(0);
  await clock.advance(1_200);
  expect(due).toBe(1);
});

test('an entry added between ticks is never early', async () => {
  const clock = new FakeClock();
  const wheel = new ParkWheel(clock);
  wheel.add(1_000, () => undefined);
  await clock.advance(49);
  const added = clock.monotonic();
  let at = 0;
  wheel.add(50, () => {
    at = clock.monotonic();
  });
  await clock.advance(200);
  expect(at - added).toBeGreaterThanOrEqual(50);
});

test('taken back entries stay silent, and an empty wheel stands still', async () => {
  const clock = new FakeClock();
  const wheel = new ParkWheel(clock);
  let due = 0;
  const entry = wheel.add(100, () => due++);
  wheel.remove(entry);
  wheel.remove(entry);
  expect(wheel.size).toBe(0);
  await clock.advance(1_000);
  expect(due).toBe(0);
  wheel.add(100, () => due++);
  await clock.advance(150);
  expect(due).toBe(1);
});

test('one timer serves ten thousand entries', async () => {
  let timers = 0;
  let alive = 0;
  class Counting extends FakeClock {
    override after(ms: number, then: () => void): Disposable {
      timers += 1;
      alive = Math.max(alive, 1);
      return super.after(ms, then);
    }
  }
  const clock = new Counting();
  const wheel = new ParkWheel(clock);
  let due = 0;
  for (let i = 0; i < 10_000; i++) wheel.add(1_000, () => due++);
  await clock.advance(1_100);
  expect(due).toBe(10_000);
  expect(timers).toBeLessThanOrEqual(22);
});
