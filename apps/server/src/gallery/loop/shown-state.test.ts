import { type Gate, galleryBotStates, galleryWaitingReasons, gateStates } from '@muster/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ShownBot, shownState } from './shown-state.ts';

const now = 1_800_000_000_000;
const iso = new Date(now + 60_000).toISOString();
const open: Gate = { state: 'open', until: null, reason: null };
const bot = (more: Partial<ShownBot> = {}): ShownBot => ({
  state: 'running',
  desired: 'running',
  reason: null,
  sleepUntil: null,
  retryAt: null,
  provision: 'done',
  nextThinkAt: now + 60_000,
  ...more,
});
const above = { fleetGate: open, targetGate: open, now };

describe('what people see of a bot', () => {
  it('is its own state while nothing above is shut', () => {
    for (const state of galleryBotStates) expect(shownState(bot({ state }), above).state).toBe(state);
    expect(shownState(bot(), above)).toEqual({ state: 'running', waiting: null });
  });

  it('a running bot below a shut gate shows what the gate makes of it; others keep their own state', () => {
    const gates: [Gate, string, string][] = [
      [
        { state: 'sleeping', until: now + 60_000, reason: 'target_fleet_daily_budget' },
        'sleeping',
        'target_fleet_daily_budget',
      ],
      [{ state: 'held', until: null, reason: 'target_unauthorized' }, 'paused', 'target_unauthorized'],
      [{ state: 'held', until: null, reason: null }, 'paused', 'target_held'],
      [{ state: 'tripped', until: now + 60_000, reason: null }, 'running', 'target_unreachable'],
    ];
    for (const [gate, state, reason] of gates) {
      expect(shownState(bot(), { ...above, targetGate: gate })).toMatchObject({ state, waiting: { reason } });
      for (const own of ['idle', 'paused', 'sleeping', 'error', 'deleted'] as const)
        expect(shownState(bot({ state: own }), { ...above, targetGate: gate }).state).toBe(own);
    }
  });

  it('of two shut gates the one that says more, the fleet first', () => {
    const panic: Gate = { state: 'held', until: null, reason: 'panic' };
    const held: Gate = { state: 'held', until: null, reason: 'target_held' };
    const tripped: Gate = { state: 'tripped', until: null, reason: 'bad_response' };
    expect(shownState(bot(), { ...above, fleetGate: panic, targetGate: held }).waiting?.reason).toBe('panic');
    expect(shownState(bot(), { ...above, fleetGate: tripped, targetGate: held }).state).toBe('paused');
  });

  it('says why it waits, since whom, until when and what to do', () => {
    expect(shownState(bot({ state: 'idle', provision: 'pending' }), above).waiting).toMatchObject({
      reason: 'provisioning',
      attribution: 'system',
    });
    expect(shownState(bot({ state: 'idle', desired: 'stopped', provision: 'none' }), above).waiting).toBeNull();
    expect(
      shownState(bot({ state: 'sleeping', sleepUntil: now + 60_000, reason: 'bot_budget' }), above).waiting,
    ).toMatchObject({
      reason: 'bot_budget',
      attribution: 'user',
      resumesAt: iso,
    });
    expect(shownState(bot(), { ...above, asleepUntil: now + 60_000 }).waiting).toMatchObject({
      reason: 'outside_active_hours',
      resumesAt: iso,
    });
    expect(shownState(bot(), { ...above, acknowledged: false }).waiting?.reason).toBe('target_not_acknowledged');
    expect(shownState(bot(), { ...above, share: 0 }).waiting?.reason).toBe('phased_out');
    expect(shownState(bot(), { ...above, owner: 'restoring' }).waiting?.reason).toBe('restoring');
    const putOff = { reason: 'mind_unavailable', until: now + 60_000 };
    expect(shownState(bot(), { ...above, putOff }).waiting).toMatchObject({
      reason: 'mind_unavailable',
      resumesAt: iso,
    });
    expect(shownState(bot(), { ...above, putOff: { ...putOff, reason: 'something_new' } }).waiting?.reason).toBe(
      'backoff',
    );
    expect(shownState(bot(), { ...above, putOff, owner: 'no_owner' }).waiting?.reason).toBe('no_owner');
    expect(shownState(bot({ reason: 'target_invalid' }), above).waiting).toMatchObject({
      reason: 'backoff',
      resumesAt: iso,
    });
    expect(shownState(bot({ reason: 'mind_unavailable' }), above).waiting).toMatchObject({
      reason: 'mind_unavailable',
      attribution: 'host',
    });
    const resting = shownState(bot({ state: 'error', reason: 'target_invalid', retryAt: now + 60_000 }), above).waiting;
    expect(resting).toMatchObject({ reason: 'target_invalid', attribution: 'host', resumesAt: iso });
    const broken = shownState(bot({ state: 'error', reason: 'target_forbidden' }), above).waiting;
    expect(broken).toMatchObject({ resumesAt: null, attribution: 'host' });
    expect(broken?.detail).toMatch(/needs a person/);
    expect(broken?.remedy).not.toBeNull();
  });

  it('answers for any row and any gates, with words for each reason there is', () => {
    const reasons = [null, 'something_new', ...Object.keys(galleryWaitingReasons)];
    const gate = fc.record({
      state: fc.constantFrom(...gateStates),
      until: fc.constantFrom(null, now + 60_000),
      reason: fc.constantFrom(...reasons),
    });
    fc.assert(
      fc.property(
        gate,
        gate,
        fc.constantFrom(...galleryBotStates),
        fc.constantFrom(...reasons),
        (fleetGate, targetGate, state, reason) => {
          const shown = shownState(bot({ state, reason, sleepUntil: now, retryAt: now }), {
            fleetGate,
            targetGate,
            now,
          });
          if (state === 'deleted' || state === 'paused') expect(shown).toEqual({ state, waiting: null });
          if (shown.waiting) expect(shown.waiting.detail.length).toBeGreaterThan(10);
        },
      ),
    );
  });
});
