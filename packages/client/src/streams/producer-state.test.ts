import { type ErrorCode, MusterError } from '@muster/protocol/errors';
import { describe, expect, it } from 'vitest';
import { firstEpoch, judge, type Standing } from './producer-state.ts';

const refusal = (code: ErrorCode, status: number, more: { reason?: string; epoch?: number } = {}): MusterError =>
  new MusterError(code, {
    reason: more.reason ?? code,
    detail: code,
    status,
    extra: more.epoch === undefined ? {} : { stream: { 'producer-epoch': String(more.epoch) } },
  });
const fenced = refusal('forbidden', 403, { reason: 'producer_fenced', epoch: 9 });
const first: Standing = { sending: { epoch: 5, seq: 0, count: 4 }, unsure: false, settled: false };

describe('an answer', () => {
  it.each([
    ['new or repeated', first, { stored: true, accepted: 0 }, { do: 'stored' }],
    ['without a number', first, { stored: true, accepted: undefined }, { do: 'stored' }],
    ['of more than was ever sent', first, { stored: true, accepted: 1 }, { do: 'pause' }],
    ['full: nothing was done', first, refusal('exhausted', 429), { do: 'again', unsure: false }],
    ['full, after a doubt', { ...first, unsure: true }, refusal('exhausted', 429), { do: 'again', unsure: true }],
    ['away: something may have been done', first, refusal('unavailable', 503), { do: 'again', unsure: true }],
    ['too large for many', first, refusal('invalid', 413), { do: 'split' }],
    [
      'too large for one',
      { ...first, sending: { ...first.sending, count: 1 } },
      refusal('invalid', 413),
      { do: 'pause' },
    ],
    ['fenced at the very beginning', first, fenced, { do: 'raise', epoch: 10 }],
    ['fenced when it may have arrived', { ...first, unsure: true }, fenced, { do: 'pause' }],
    ['fenced when something was stored', { ...first, settled: true }, fenced, { do: 'pause' }],
    ['fenced later', { ...first, sending: { ...first.sending, seq: 3 } }, fenced, { do: 'pause' }],
    ['forbidden otherwise', first, refusal('forbidden', 403), { do: 'pause' }],
    ['a gap', first, refusal('conflict', 409, { reason: 'producer_gap' }), { do: 'pause' }],
    ['closed', first, refusal('conflict', 409, { reason: 'stream_closed' }), { do: 'pause' }],
    ['broken', first, refusal('internal', 500), { do: 'pause' }],
  ] as const)('%s', (_name, standing, answer, verdict) => {
    expect(judge(standing, answer instanceof MusterError ? { stored: false, error: answer } : answer)).toMatchObject(
      verdict,
    );
  });
});

describe('the first epoch', () => {
  it('is above the last one, and above every process that began earlier', () => {
    const now = Date.UTC(2026, 0, 1);
    expect(firstEpoch(undefined, now, 0.5)).toBeGreaterThan(firstEpoch(undefined, now - 1, 0.999));
    expect(firstEpoch(firstEpoch(undefined, now, 0.9), now - 60_000, 0.1)).toBe(firstEpoch(undefined, now, 0.9) + 1);
    expect(firstEpoch(7, now, 0)).toBeGreaterThan(8);
    expect(Number.isSafeInteger(firstEpoch(undefined, Date.UTC(2200, 0, 1), 0.5))).toBe(true);
  });
});
