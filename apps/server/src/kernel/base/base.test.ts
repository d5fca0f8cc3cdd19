import { idPattern } from '@muster/protocol';
import { describe, expect, it } from 'vitest';
import { arm, FakeClock, jitter, Lifecycle, Limits, newId, reach, Signal } from './index.ts';

describe('ids', () => {
  it('have their prefix, sort by birth and never repeat', () => {
    const ids = Array.from({ length: 20_000 }, () => newId('build'));
    expect(ids.every((id) => idPattern('build').test(id))).toBe(true);
    expect(ids.toSorted()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('go on sorting when the wall clock steps back', () => {
    const before = newId('build', Date.now() + 60_000);
    expect(newId('build', Date.now()) > before).toBe(true);
  });
});

describe('FakeClock', () => {
  it('runs due timers in order of time, then of birth, and none that was cancelled', async () => {
    const clock = new FakeClock(0);
    const seen: string[] = [];
    clock.after(20, () => seen.push('late'));
    clock.after(10, () => {
      seen.push('first');
      clock.after(5, () => seen.push('nested'));
    });
    clock.after(10, () => seen.push('second'));
    clock.after(15, () => seen.push('cancelled'))[Symbol.dispose]();
    await clock.advance(12);
    expect(seen).toEqual(['first', 'second']);
    await clock.advance(10);
    expect(seen).toEqual(['first', 'second', 'nested', 'late']);
    expect(clock.now()).toBe(22);
  });

  it('wakes a sleeper, and rejects it with the reason of an abort', async () => {
    const clock = new FakeClock();
    const stop = new AbortController();
    const slept = clock.sleep(100);
    const cut = clock.sleep(1_000, stop.signal);
    await clock.advance(100);
    await slept;
    stop.abort(new Error('enough'));
    await expect(cut).rejects.toThrow('enough');
  });
});

describe('Lifecycle', () => {
  const recorder = (log: string[], name: string, fails?: 'start' | 'stop') => ({
    start: async () => {
      if (fails === 'start') throw new Error(`${name} cannot start`);
      log.push(`+${name}`);
    },
    [Symbol.asyncDispose]: async () => {
      log.push(`-${name}`);
      if (fails === 'stop') throw new Error(`${name} cannot stop`);
    },
  });

  it('stops in reverse what was started, once, also after a failed start', async () => {
    const log: string[] = [];
    const life = new Lifecycle();
    life.add('a', recorder(log, 'a'));
    life.add('b', recorder(log, 'b'));
    life.add('c', recorder(log, 'c', 'start'));
    await expect(life.start()).rejects.toThrow('c cannot start');
    await life[Symbol.asyncDispose]();
    await life[Symbol.asyncDispose]();
    expect(log).toEqual(['+a', '+b', '-c', '-b', '-a']);
  });

  it('stops the rest when one cannot stop, and says which', async () => {
    const log: string[] = [];
    const life = new Lifecycle();
    life.add('a', recorder(log, 'a'));
    life.add('b', recorder(log, 'b', 'stop'));
    await life.start();
    await expect(life[Symbol.asyncDispose]()).rejects.toThrow('some services did not stop cleanly');
    expect(log).toEqual(['+a', '+b', '-b', '-a']);
  });
});

describe('small things', () => {
  it('a signal gives the next value that is wanted', async () => {
    const signal = new Signal<number>();
    const even = signal.next((value) => value % 2 === 0);
    signal.fire(1);
    signal.fire(2);
    expect(await even).toBe(2);
  });

  it('a point runs what was armed, and only while it is armed', async () => {
    let reached = 0;
    {
      using _armed = arm('here', () => void (reached += 1));
      await reach('here');
      await reach('elsewhere');
    }
    await reach('here');
    expect(reached).toBe(1);
  });

  it('jitter stays within its share', () => {
    expect(jitter(1_000, 0.2, () => 0)).toBe(800);
    expect(jitter(1_000, 0.2, () => 0.5)).toBe(1_000);
    expect(jitter(1_000, 0.2, () => 0.999_999)).toBe(1_200);
  });

  it('limits show present and peak use, and refuse a second one of the same name', () => {
    const limits = new Limits();
    let used = 3;
    limits.add({ name: 'parked', unit: 'count', value: 10, whenFull: 'refused', used: () => used });
    expect(limits.list()[0]).toMatchObject({ present: 3, peak: 3 });
    used = 1;
    expect(limits.list()[0]).toMatchObject({ present: 1, peak: 3 });
    expect(() => limits.add({ name: 'parked', unit: 'count', value: 1, whenFull: '' })).toThrow('declared twice');
  });
});
