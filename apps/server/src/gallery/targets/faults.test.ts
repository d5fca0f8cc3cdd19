/* The two tables of gallery.md §7: every answer, and every lack of one, is exactly one fault. */
import { describe, expect, test } from 'vitest';
import { type TargetFault, type TransportAnswer, TransportError } from '#gallery/model';
import { type CallKind, faultOf, faultWithout, keyKnown, sentenceOf } from './faults.ts';
import { gateFor } from './gate-for.ts';

const now = Date.parse('2026-03-01T12:00:00.000Z');
const answer = (status: number, body: unknown = {}, headers: Record<string, string> = {}): TransportAnswer => ({
  status,
  headers,
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
});
const kinds: readonly CallKind[] = ['read', 'prepare', 'write'];
const of = (given: TransportAnswer, kind: CallKind = 'read', more: { mayBeGone?: boolean; keyed?: boolean } = {}) =>
  faultOf(given, { kind, mayBeGone: false, keyed: false, ...more }, now);

describe('wake-rule: each code to each kind of call', () => {
  const resetAt = new Date(now + 60_000).toISOString();
  const codes = [
    ['FLEET_DAILY_BUDGET_EXCEEDED', 'target', 'target_fleet_daily_budget'],
    ['FLEET_MONTHLY_BUDGET_EXCEEDED', 'target', 'target_fleet_monthly_budget'],
    ['AGENT_DAILY_LIMIT_EXCEEDED', 'bot', 'target_agent_daily_limit'],
    ['AGENT_MONTHLY_LIMIT_EXCEEDED', 'bot', 'target_agent_monthly_limit'],
  ] as const;
  for (const kind of kinds) {
    test.each(codes)(`429 %s of a ${kind} puts the %s to sleep`, (code, scope, reason) => {
      expect(of(answer(429, { code, error: 'no', resetAt }), kind)).toEqual({
        kind: 'sleep',
        scope,
        reason,
        wakeAt: now + 60_000,
      });
    });
    test(`503 FLEET_PAUSED of a ${kind} holds`, () => {
      expect(of(answer(503, { code: 'FLEET_PAUSED', error: 'no' }), kind)).toEqual({
        kind: 'held',
        reason: 'target_fleet_paused',
      });
    });
    test(`401, redirects, 403 of a ${kind}`, () => {
      expect(of(answer(401), kind)).toEqual({ kind: 'held', reason: 'target_unauthorized' });
      for (const status of [301, 302, 303, 307, 308])
        expect(of(answer(status), kind)).toEqual({ kind: 'held', reason: 'redirect_refused' });
      expect(of(answer(403, { error: 'no' }), kind)).toEqual({ kind: 'account', reason: 'target_forbidden' });
    });
    test(`other 429 and 503 of a ${kind} were surely not done`, () => {
      expect(of(answer(429, ''), kind)).toEqual({ kind: 'unavailable', reason: 'target_rate_limited' });
      expect(of(answer(429, 'null'), kind)).toEqual({ kind: 'unavailable', reason: 'target_rate_limited' });
      expect(of(answer(429, { code: 'constructor' }), kind)).toEqual({
        kind: 'unavailable',
        reason: 'target_rate_limited',
      });
      expect(of(answer(429, '', { 'retry-after': '-1' }), kind)).not.toHaveProperty('retryAfterMs');
      expect(of(answer(503, '<html>', { 'retry-after': '7' }), kind)).toEqual({
        kind: 'unavailable',
        reason: 'target_unreachable',
        retryAfterMs: 7_000,
      });
    });
    test(`400, 422 and a full store of a ${kind} keep what was said, 2 KB of it`, () => {
      expect(of(answer(422, { errors: ['title'] }), kind)).toEqual({
        kind: 'invalid',
        reason: 'target_invalid',
        body: '{"errors":["title"]}',
      });
      const long = of(answer(400, 'x'.repeat(100_000)), kind);
      expect(long?.kind === 'invalid' && long.body.length).toBe(2_048);
      expect(of(answer(403, { quota: { remaining: 0 } }), kind)).toMatchObject({ kind: 'invalid' });
    });
    test(`404 of a ${kind}: gone where that can be, else another gallery than we take it for`, () => {
      expect(of(answer(404), kind, { mayBeGone: true })).toEqual({ kind: 'gone', reason: 'item_gone' });
      expect(of(answer(404), kind)).toMatchObject({ kind: 'contract', reason: 'target_contract' });
    });
    test(`2xx of a ${kind} is no fault`, () => {
      expect(of(answer(200), kind)).toBeUndefined();
      expect(of(answer(204, ''), kind)).toBeUndefined();
    });
  }

  test.each([500, 502, 504, 599])('%i: a read is unavailable, of a write nobody knows', (status) => {
    expect(of(answer(status, '<html>'), 'read')).toEqual({ kind: 'unavailable', reason: 'target_unreachable' });
    expect(of(answer(status, '<html>'), 'prepare')).toEqual({ kind: 'unavailable', reason: 'target_unreachable' });
    expect(of(answer(status, '<html>'), 'write')).toMatchObject({ kind: 'unknown' });
  });

  test('a key that is known with another body: the first try arrived', () => {
    expect(of(answer(409), 'write', { keyed: true })).toEqual({ kind: 'unknown', detail: keyKnown });
    expect(of(answer(409), 'write')).toMatchObject({ kind: 'invalid' });
  });

  test('every status is at most one fault, and has a sentence', () => {
    for (let status = 100; status < 600; status++) {
      for (const kind of kinds) {
        const fault = of(answer(status), kind);
        expect(fault === undefined).toBe(status >= 200 && status < 300);
        if (fault) expect(sentenceOf(fault, 'feed').length).toBeGreaterThan(10);
      }
    }
  });
});

describe('no answer', () => {
  const whys: readonly TransportError['why'][] = [
    'not_allowed',
    'unreachable',
    'cut',
    'timeout',
    'too_large',
    'aborted',
    'busy',
  ];
  const without = (why: TransportError['why'], sent: boolean, kind: CallKind, withheld = false): TargetFault =>
    faultWithout(new TransportError(why, sent, 'x'), { kind, mayBeGone: false, keyed: false }, withheld);

  test.each(whys)('%s', (why) => {
    expect(without(why, true, 'write').kind).toBe('unknown');
    expect(without(why, false, 'write', true)).toEqual({ kind: 'dropped' });
    expect(['unavailable', 'dropped']).toContain(without(why, false, 'write').kind);
    expect(['unavailable', 'dropped']).toContain(without(why, true, 'read').kind);
    expect(without(why, true, 'prepare').kind).not.toBe('unknown');
  });

  test('given up by us is dropped as long as nothing was sent', () => {
    expect(without('aborted', false, 'write')).toEqual({ kind: 'dropped' });
    expect(without('aborted', true, 'read')).toEqual({ kind: 'dropped' });
    expect(without('aborted', true, 'write').kind).toBe('unknown');
  });
});

describe('gates', () => {
  const closed = { state: 'closed', until: null, reason: null } as const;
  const open = { state: 'open', until: now + 30_000, reason: 'bad_response' } as const;

  test.each<[TargetFault, ReturnType<typeof gateFor>]>([
    [
      { kind: 'sleep', scope: 'target', reason: 'target_fleet_daily_budget', wakeAt: 5 },
      { state: 'sleeping', until: 5, reason: 'target_fleet_daily_budget' },
    ],
    [{ kind: 'sleep', scope: 'bot', reason: 'target_agent_daily_limit', wakeAt: 5 }, null],
    [
      { kind: 'held', reason: 'target_fleet_paused' },
      { state: 'held', until: null, reason: 'target_fleet_paused' },
    ],
    [{ kind: 'unavailable', reason: 'bad_response' }, null],
    [{ kind: 'account', reason: 'target_forbidden' }, null],
    [{ kind: 'gone', reason: 'item_gone' }, null],
    [{ kind: 'invalid', reason: 'target_invalid', body: '' }, null],
    [{ kind: 'dropped' }, null],
  ])('%j', (fault, gate) => {
    expect(gateFor(fault, closed)).toEqual(gate);
  });

  test('an open breaker trips it', () => {
    const tripped = { state: 'tripped', until: now + 30_000 };
    expect(gateFor({ kind: 'unavailable', reason: 'bad_response' }, open)).toEqual({
      ...tripped,
      reason: 'target_unreachable',
    });
    expect(gateFor({ kind: 'unknown', detail: '' }, open)).toEqual({ ...tripped, reason: 'target_unreachable' });
    expect(gateFor({ kind: 'contract', reason: 'target_contract', detail: '' }, open)).toEqual({
      ...tripped,
      reason: 'target_contract',
    });
  });
});
