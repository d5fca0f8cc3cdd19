import { describe, expect, it } from 'vitest';
import { FakeClock, SimClock, systemClock } from './index.ts';

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

  it('gives what sleeps within a piece of work its time, in order, and nothing more', async () => {
    const clock = new SimClock(new FakeClock(1_000_000));
    clock.hold(50_000);
    const seen: string[] = [];
    const nap = async (name: string, ms: number): Promise<void> => {
      await clock.sleep(ms);
      seen.push(`${name} ${clock.now()}`);
    };
    const later = clock.after(10_000, () => seen.push('too far'));
    const work = async (): Promise<number> => {
      await Promise.all([nap('b', 2_000), nap('a', 1_000)]);
      await nap('c', 500);
      return 7;
    };
    expect(await clock.pass(work)).toBe(7);
    expect(seen).toEqual(['a 51000', 'b 52000', 'c 52500']);
    expect(clock.now()).toBe(52_500);
    await expect(clock.pass(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    const given = new AbortController();
    const awake = clock.sleep(5, given.signal);
    given.abort(new Error('given up'));
    await expect(awake).rejects.toThrow('given up');
    later[Symbol.dispose]();
  });

  it('has no timer of the past: what is due already runs at once and nothing warns', async () => {
    const warned: string[] = [];
    const onWarning = ({ name }: Error): void => void warned.push(name);
    process.on('warning', onWarning);
    const clock = new SimClock();
    clock.hold(Date.now() - 86_400_000);
    const ran = new Promise<void>((resolve) => void clock.after(1_000, resolve));
    clock.follow();
    await ran;
    await systemClock.sleep(-5);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', onWarning);
    expect(warned).toEqual([]);
  });
});
