import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Breaker, type Pass } from './breaker.ts';

const calls = (breaker: Breaker, times: number, verdict: 'good' | 'bad', now: number): void => {
  for (let i = 0; i < times; i++) {
    const pass = breaker.ask(now);
    if ('trial' in pass) breaker.tell(pass, verdict, now, 'target_unreachable');
  }
};

describe('the breaker of a target', () => {
  test('opens when half of 20 calls in 30 s failed, not before', () => {
    const breaker = new Breaker();
    calls(breaker, 19, 'bad', 0);
    expect(breaker.view().state).toBe('closed');
    calls(breaker, 1, 'bad', 0);
    expect(breaker.view()).toEqual({ state: 'open', until: 30_000, reason: 'target_unreachable' });
  });

  test('good calls weigh against bad ones, and old ones are forgotten', () => {
    const breaker = new Breaker();
    calls(breaker, 100, 'good', 0);
    calls(breaker, 99, 'bad', 5_000);
    expect(breaker.view().state).toBe('closed');
    calls(breaker, 1, 'bad', 31_000);
    expect(breaker.view().state).toBe('open');
  });

  test('exactly one call tries whether the target is back; each failure doubles the pause up to 5 min', () => {
    const breaker = new Breaker();
    breaker.trip(0, 'target_contract');
    let now = 0;
    for (const pauseMs of [30_000, 60_000, 120_000, 240_000, 300_000, 300_000]) {
      expect(breaker.ask(now + pauseMs - 1)).toEqual({ refusedUntil: now + pauseMs });
      now += pauseMs;
      const pass = breaker.ask(now) as Pass;
      expect(pass).toEqual({ trial: true });
      expect(breaker.ask(now)).toEqual({ refusedUntil: now + 1_000 });
      breaker.tell(pass, 'bad', now, 'bad_response');
    }
    now += 300_000;
    breaker.tell(breaker.ask(now) as Pass, 'good', now);
    expect(breaker.view()).toEqual({ state: 'closed', until: null, reason: null });
    breaker.trip(now, 'x');
    expect(breaker.view().until).toBe(now + 30_000);
  });

  test('a trial that was given up decides nothing, and the next call tries', () => {
    const breaker = new Breaker();
    breaker.trip(0, 'x');
    breaker.tell(breaker.ask(30_000) as Pass, 'none', 30_000);
    expect(breaker.view().state).toBe('open');
    expect(breaker.ask(30_000)).toEqual({ trial: true });
  });

  test('calls from before it opened change nothing', () => {
    const breaker = new Breaker();
    const early = breaker.ask(0) as Pass;
    breaker.trip(0, 'x');
    breaker.tell(early, 'good', 1, null);
    expect(breaker.view().state).toBe('open');
  });

  test('whatever happens: closed, or the way back is at most 5 min away and one trial is out', () => {
    const step = fc.record({
      afterMs: fc.integer({ min: 0, max: 400_000 }),
      verdict: fc.constantFrom('good', 'bad', 'none'),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const breaker = new Breaker();
        let now = 0;
        for (const { afterMs, verdict } of steps) {
          now += afterMs;
          const pass = breaker.ask(now);
          if ('trial' in pass) breaker.tell(pass, verdict, now);
          const { state, until } = breaker.view();
          expect(state).not.toBe('trial');
          if (state === 'open') expect((until ?? 0) - now).toBeLessThanOrEqual(300_000);
        }
      }),
    );
  });
});
