import { expect, test } from 'vitest';
import { drawsOf, TargetError, type TargetFault } from '#gallery/model';
import { Breaker } from '#gallery/targets';
import { endingOfFault, endingOfThrow } from './act-fault.ts';

const at = 1_800_000_000_000;
const bad: TargetFault = { kind: 'unavailable', reason: 'target_rate_limited', retryAfterMs: 40_000 };
const thinking = (breaker: Breaker) => ({
  at,
  draws: (...purpose: readonly (string | number)[]) => drawsOf(1, 'gbt_1', 0, ...purpose),
  client: { breaker },
});
const ended = (fault: TargetFault, breaker = new Breaker()) =>
  endingOfFault(fault, thinking(breaker), new Error('it says no'));
const failing = (calls: number): Breaker => {
  const breaker = new Breaker();
  for (let n = 0; n < calls; n++) breaker.tell({ trial: false }, 'bad', at + n, 'target_unreachable');
  return breaker;
};

test.each<TargetFault>([
  bad,
  { kind: 'unavailable', reason: 'target_unreachable' },
  { kind: 'unavailable', reason: 'bad_response' },
  { kind: 'unknown', detail: 'cut' },
])('one $kind puts off one bot and shuts no gate', (fault) => {
  const ending = ended(fault);
  expect(ending).toMatchObject({ result: 'put_off', event: null });
  expect(ending.gate).toBeUndefined();
});

test('what it asks to wait is waited, by this bot alone', () => {
  expect(ended(bad).againAt).toBe(at + 40_000);
  const { againAt } = ended({ kind: 'unavailable', reason: 'target_unreachable' });
  expect(againAt).toBeGreaterThanOrEqual(at + 5_000);
  expect(againAt).toBeLessThanOrEqual(at + 15_000);
});

test('nineteen failures leave the gate open, the twentieth trips it until the breaker tries again', () => {
  expect(ended(bad, failing(19)).gate).toBeUndefined();
  expect(ended(bad, failing(20)).gate).toEqual({
    scope: 'target',
    state: 'tripped',
    until: at + 19 + 30_000,
    reason: 'target_unreachable',
  });
});

test('another contract trips it at once (case 32)', () => {
  const breaker = new Breaker();
  breaker.trip(at, 'target_contract');
  const fault = { kind: 'contract', reason: 'target_contract', detail: 'no items' } as const;
  expect(ended(fault, breaker).gate).toMatchObject({ state: 'tripped', reason: 'target_contract', until: at + 30_000 });
});

test('gates that the target itself shuts, and a think that never came as far as a client', () => {
  const wakeAt = at + 3_600_000;
  const sleep = { kind: 'sleep', scope: 'target', reason: 'target_fleet_daily_budget', wakeAt } as const;
  expect(ended(sleep)).toMatchObject({ gate: { state: 'sleeping', until: wakeAt } });
  // The gate holds it, not its timer: it comes up when somebody opens the gate.
  expect(ended(sleep).againAt).toBeLessThanOrEqual(at + 15_000);
  expect(ended({ kind: 'held', reason: 'target_fleet_paused' }).gate).toMatchObject({ state: 'held', until: null });
  const { client: _, ...early } = thinking(new Breaker());
  const due = { signal: new AbortController().signal } as never;
  expect(endingOfThrow(new TargetError(bad, 'no'), { ...early, due }).gate).toBeUndefined();
});
