import { describe, expect, it } from 'vitest';
import { conflict } from '#kernel/base';
import { cancel, done, retry, snooze } from './queue.ts';
import { backoffMs, backoffMsMax, checkOutcome, type RunFacts, storable, verdictOf } from './verdict.ts';

const facts: RunFacts = { attempt: 1, attemptsMax: 3, aborted: undefined, random: () => 0.5 };
const back = { write: 'return', untilMs: null, delayMs: 2000, free: false };

describe('verdictOf', () => {
  it('follows the outcome', () => {
    expect(verdictOf({ outcome: done }, facts)).toEqual({ write: 'finish', outcome: 'done', reason: null });
    expect(verdictOf({ outcome: retry(50, 'later') }, facts)).toEqual({ ...back, delayMs: 50, error: 'later' });
    expect(verdictOf({ outcome: retry() }, facts)).toEqual({ ...back, error: 'retry' });
    expect(verdictOf({ outcome: retry(-5) }, facts)).toMatchObject({ delayMs: 0 });
    expect(verdictOf({ outcome: snooze(123) }, facts)).toEqual({
      ...back,
      delayMs: 0,
      untilMs: 123,
      error: null,
      free: true,
    });
    expect(verdictOf({ outcome: cancel('why') }, facts)).toEqual({
      write: 'finish',
      outcome: 'cancelled',
      reason: 'why',
    });
  });

  it('takes a throw for a retry that says what was thrown', () => {
    expect(verdictOf({ thrown: new TypeError('no') }, facts)).toEqual({ ...back, error: 'TypeError: no' });
    expect(verdictOf({ thrown: conflict('stale_term', 'Old.') }, facts)).toEqual({
      ...back,
      error: 'stale_term: Old.',
    });
    expect(verdictOf({ thrown: 'text' }, facts)).toEqual({ ...back, error: 'Error: text' });
  });

  it('fails the last attempt', () => {
    const last = { ...facts, attempt: 3 };
    expect(verdictOf({ outcome: retry(5, 'x') }, last)).toEqual({ write: 'finish', outcome: 'failed', reason: 'x' });
    expect(verdictOf({ thrown: new Error('x') }, last)).toMatchObject({ outcome: 'failed', reason: 'Error: x' });
    expect(verdictOf({ outcome: snooze(1) }, last)).toMatchObject({ write: 'return', free: true });
  });

  it('lets done stand, however the handler was told to end', () => {
    for (const aborted of ['lease_lost', 'cancelled', 'timed_out', 'stopping'] as const) {
      expect(verdictOf({ outcome: done }, { ...facts, aborted })).toMatchObject({ outcome: 'done' });
    }
  });

  it('cancels what was not done after a cancel, gives back without counting after a stop', () => {
    expect(verdictOf({ thrown: new Error('x') }, { ...facts, aborted: 'cancelled' })).toMatchObject({
      outcome: 'cancelled',
    });
    expect(verdictOf({ outcome: snooze(9) }, { ...facts, aborted: 'cancelled' })).toMatchObject({
      outcome: 'cancelled',
    });
    const stopping = { ...facts, attempt: 3, aborted: 'stopping' as const };
    expect(verdictOf({ thrown: new Error('x') }, stopping)).toMatchObject({ write: 'return', delayMs: 0, free: true });
    expect(verdictOf({ outcome: retry() }, { ...facts, aborted: 'timed_out' })).toMatchObject({ error: 'timed_out' });
  });
});

it('backs off exponentially, with jitter, up to half an hour', () => {
  expect([1, 2, 3, 4].map((attempt) => backoffMs(attempt, () => 0.5))).toEqual([2000, 4000, 8000, 16_000]);
  expect([backoffMs(1, () => 0), backoffMs(1, () => 0.999_999)]).toEqual([1600, 2400]);
  expect(backoffMs(1000, () => 0.5)).toBe(backoffMsMax);
});

it('refuses what is no outcome', () => {
  for (const bad of [
    undefined,
    null,
    'done',
    {},
    { kind: 'ok' },
    { kind: 'snooze' },
    { kind: 'snooze', untilMs: Number.NaN },
  ]) {
    expect(() => checkOutcome(bad)).toThrow('no outcome');
  }
});

it('makes any text storable', () => {
  expect(storable('a\0b\ud800')).toBe('ab\ufffd');
  expect(storable('')).toBe('no reason given');
  expect(storable('x'.repeat(9999))).toHaveLength(2000);
});
