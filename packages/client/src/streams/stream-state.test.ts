import { MusterError } from '@muster/protocol/errors';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Arrived, begin, fits, gapOf, makeNext, type ReaderEvent, type ReaderState } from './stream-state.ts';

const pace = { firstMs: 250, maxMs: 5_000 };
const next = makeNext(pace);
const failing = (status: number, reason = 'x', more: object = {}): MusterError =>
  new MusterError(status === 410 || status === 404 ? 'notFound' : status === 429 ? 'exhausted' : 'unavailable', {
    reason,
    detail: reason,
    status,
    ...more,
  });
const broken = (error: MusterError, chance = 0.5): ReaderEvent => ({ kind: 'broken', error, chance });
const run = (state: ReaderState, ...events: ReaderEvent[]): ReaderState => events.reduce(next, state);
const arrived = (from: string, to: string, more: Partial<Arrived> = {}): ReaderEvent => ({
  kind: 'arrived',
  batch: { from, next: to, records: [to], upToDate: true, closed: false, ...more },
});

describe('waits', () => {
  it('double from 250 ms to 5 s, spread by a fifth', () => {
    let state = begin('-1', true, 'sse');
    const waits: number[] = [];
    for (let n = 0; n < 7; n++) {
      state = next(state, broken(failing(503)));
      waits.push(state.waitMs);
      state = next(state, { kind: 'waited' });
    }
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]);
    expect(next(state, broken(failing(503), 0)).waitMs).toBe(4_000);
    expect(next(state, broken(failing(503), 1)).waitMs).toBe(6_000);
  });

  it('are what the server asks for when that is longer', () => {
    const asked = failing(503, 'draining', { retryAfterMs: 9_000 });
    expect(next(begin('-1', true, 'sse'), broken(asked)).waitMs).toBe(9_000);
  });

  it('begin anew only when something came: a server that lets readers in and drops them is left alone more and more', () => {
    const dropped = run(begin('5', true, 'sse'), arrived('5', '5', { records: [] }), broken(failing(503)), {
      kind: 'waited',
    });
    const again = run(dropped, arrived('5', '5', { records: [] }), broken(failing(503)));
    expect([again.failures, again.waitMs]).toEqual([2, 500]);
    const better = run(again, { kind: 'waited' }, arrived('5', '6'), broken(failing(503)));
    expect([better.failures, better.waitMs]).toEqual([1, 250]);
  });
});

describe('ways to the end', () => {
  it.each([
    ['closed', begin('-1', true, 'sse'), arrived('-1', '3', { closed: true }), 'ended'],
    ['the tail, when only that was asked', begin('-1', false, 'sse'), arrived('-1', '3'), 'ended'],
    ['not a page before the tail', begin('-1', false, 'sse'), arrived('-1', '3', { upToDate: false }), 'reading'],
    ['unknown', begin('-1', true, 'sse'), broken(failing(404)), 'failed'],
    ['kept for forks only', begin('-1', true, 'sse'), broken(failing(410, 'kept_for_forks')), 'failed'],
    ['not broken for now', begin('-1', true, 'sse'), broken(failing(500)), 'waiting'],
    ['trimmed', begin('-1', true, 'sse'), broken(failing(410, 'offset_trimmed')), 'gap'],
  ] as const)('%s', (_name, state, event, phase) => {
    expect(next(state, event).phase).toBe(phase);
  });

  it('finish reads what is there by now', () => {
    const live = run(begin('-1', true, 'sse'), arrived('-1', '3'));
    expect(live.phase).toBe('live');
    const finishing = next(live, { kind: 'finish' });
    expect(finishing.phase).toBe('reading');
    expect(next(finishing, arrived('3', '4')).phase).toBe('ended');
  });
});

describe('events that do not get through', () => {
  const live = run(begin('-1', true, 'sse'), arrived('-1', '3'));
  it('are tried twice, then long polls take over', () => {
    const once = next(live, { kind: 'mute', chance: 0 });
    expect([once.phase, once.mode]).toEqual(['waiting', 'sse']);
    const back = run(once, { kind: 'waited' }, arrived('3', '3', { records: [] }));
    expect(back.phase).toBe('live');
    expect(next(back, { kind: 'mute', chance: 0 })).toMatchObject({ phase: 'live', mode: 'long-poll' });
  });

  it('are given up at once when the server refuses them', () => {
    expect(next(live, broken(failing(501)))).toMatchObject({ phase: 'live', mode: 'long-poll' });
    expect(run(live, broken(failing(501)), broken(failing(400)))).toMatchObject({ phase: 'waiting' });
  });
});

describe('a gap', () => {
  const gap = failing(410, 'offset_trimmed', { extra: { earliest: '0_7', lostMessages: 4 } });
  it('says where to go on', () => {
    const state = next(begin('3', true, 'sse'), broken(gap));
    expect(gapOf(gap, state.offset)).toEqual({
      reason: 'offset_trimmed',
      detail: 'offset_trimmed',
      from: '3',
      earliest: '0_7',
      lostMessages: 4,
    });
    expect(next(state, { kind: 'goOn', from: '0_7' })).toMatchObject({ phase: 'reading', offset: '0_7' });
    expect(next(state, { kind: 'refuse' })).toMatchObject({ phase: 'failed', error: gap });
  });

  it('is passed by nothing but an answer to it', () => {
    const state = next(begin('3', true, 'sse'), broken(gap));
    expect(run(state, arrived('3', '9'), { kind: 'waited' }, { kind: 'ended' }, broken(failing(503)))).toEqual(state);
  });
});

it('never loses and never repeats, whatever comes in whatever order', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('grow' as const), by: fc.nat(4) }),
    fc.record({ kind: fc.constant('page' as const), size: fc.integer({ min: 0, max: 5 }) }),
    fc.record({ kind: fc.constant('late' as const), from: fc.nat(40), size: fc.nat(5) }),
    fc.record({ kind: fc.constant('broken' as const), status: fc.constantFrom(400, 429, 500, 503, 0) }),
    fc.record({ kind: fc.constant('trim' as const), by: fc.nat(6) }),
    fc.record({ kind: fc.constantFrom('mute' as const, 'ended' as const, 'waited' as const, 'poll' as const) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      let [tail, first, expected] = [0, 0, 0];
      let state = begin('0', true, 'sse');
      const take = (from: number, size: number): void => {
        const to = Math.min(tail, from + size);
        const batch = {
          from: String(from),
          next: String(to),
          records: numbers(from, to),
          upToDate: to === tail,
          closed: false,
        };
        if (fits(state, batch)) for (const each of batch.records) expect(each).toBe(expected++);
        state = next(state, { kind: 'arrived', batch });
      };
      const answer = (size: number): void => {
        const from = Number(state.offset);
        if (from >= first) return take(from, size);
        state = next(state, broken(failing(410, 'offset_trimmed', { extra: { earliest: String(first) } })));
        if (state.phase !== 'gap' || !state.error) return;
        const gap = gapOf(state.error, state.offset);
        // What is missing is exactly what the gap names.
        expect([gap.from, gap.earliest]).toEqual([String(expected), String(first)]);
        expected = first;
        state = next(state, { kind: 'goOn', from: gap.earliest });
      };
      for (const each of steps) {
        if (each.kind === 'grow') tail += each.by;
        else if (each.kind === 'trim') first = Math.min(tail, first + each.by);
        else if (each.kind === 'page') answer(each.size);
        else if (each.kind === 'late' && String(each.from) !== state.offset) take(Math.min(each.from, tail), each.size);
        else if (each.kind === 'broken' && state.phase === 'live') state = next(state, broken(failing(each.status)));
        else if (each.kind === 'mute') state = next(state, { kind: 'mute', chance: 0 });
        else if (each.kind === 'ended' || each.kind === 'waited' || each.kind === 'poll')
          state = next(state, { kind: each.kind });
        expect(Number(state.offset)).toBe(expected);
      }
      // Left alone on a good line it gets everything there is.
      for (let n = 0; n < 3; n++) {
        state = next(state, { kind: 'waited' });
        answer(Number.MAX_SAFE_INTEGER);
      }
      expect([expected, state.phase]).toEqual([tail, 'live']);
    }),
    { numRuns: 1_000 },
  );
});

const numbers = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, n) => from + n);
