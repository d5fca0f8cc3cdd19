import { describe, expect, it } from 'vitest';
import { FakeClock, SimClock } from './index.ts';

describe('a clock that can be held', () => {
  it('follows the other one, stands still while held, and runs timers in order of time and birth', async () => {
    const real = new FakeClock(1_000_000);
    const clock = new SimClock(real);
    const seen: string[] = [];
    clock.after(500, () => seen.push('real'));
    await real.advance(500);
    expect(clock.now()).toBe(1_000_500);
    expect(seen).toEqual(['real']);

    clock.after(100, () => seen.push('moved'));
    clock.hold(50_000);
    expect(clock.now()).toBe(50_000);
    clock.after(30, () => seen.push(`a ${clock.now()}`));
    clock.after(30, () => seen.push(`b ${clock.now()}`));
    clock.after(20, () => seen.push(`c ${clock.now()}`));
    clock.after(10, () => seen.push('never'))[Symbol.dispose]();
    await real.advance(10_000);
    expect(clock.now()).toBe(50_000);
    expect(clock.nextAt()).toBe(50_020);
    await clock.jump(50_099);
    expect(seen).toEqual(['real', 'c 50020', 'a 50030', 'b 50030']);
    await clock.jump(50_100);
    expect(seen.at(-1)).toBe('moved');
  });

  it('let go is the time of the other one again, timers that came due run, and its count never goes back', async () => {
    const real = new FakeClock(1_000_000);
    const clock = new SimClock(real);
    const before = clock.monotonic();
    clock.hold(1_000_000 - 86_400_000);
    expect(clock.monotonic()).toBe(before);
    let ran = 0;
    clock.after(3_600_000, () => (ran += 1));
    await clock.jump(1_000_000 - 86_400_000 + 1_000);
    const held = clock.monotonic();
    expect(held).toBe(before + 1_000);
    clock.follow();
    expect(clock.now()).toBe(1_000_000);
    expect(clock.monotonic()).toBeGreaterThanOrEqual(held);
    await real.advance(1);
    expect(ran).toBe(1);
    const sleeping = clock.sleep(10);
    await real.advance(10);
    await sleeping;
  });
});
