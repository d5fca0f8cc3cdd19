import {
  desiredStates,
  type GalleryBotEvent,
  type GalleryBotState,
  galleryBotMachine,
  galleryBotStates,
  provisionStates,
  refusalOf,
  targetsOf,
} from '@muster/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BotRow, drawsOf } from '#gallery/model';
import { type BotAnswer, type BotHappening, botAfter, timerOf } from './bot-after.ts';

const now = 1_800_000_000_000;
const events = Object.keys(galleryBotMachine.idle) as GalleryBotEvent[];
const context = { now, draws: drawsOf('test'), next: (stretch: number) => now + 60_000 * stretch };

const happening = (type: GalleryBotEvent): BotHappening =>
  type === 'sleep'
    ? { type, until: now + 3_600_000, reason: 'target_agent_daily_limit' }
    : type === 'fail' || type === 'broken'
      ? { type, reason: 'target_invalid' }
      : { type };

const bot = (more: Partial<BotRow> = {}): BotRow => ({
  id: 'gbt_1',
  projectId: 'prj_1',
  shard: 0,
  name: 'One',
  username: 'one',
  targetId: 'sandbox',
  personaId: null,
  disclosureLabel: 'automated account',
  traits: {},
  caps: null,
  seed: 1,
  desired: 'stopped',
  state: 'idle',
  reason: null,
  sleepUntil: null,
  retryAt: null,
  failures: 0,
  nextThinkAt: null,
  thinkNo: 0,
  generation: 0,
  provision: 'done',
  counts: { post: 0, comment: 0, reply: 0, like: 0, browse: 0 },
  createdAt: 0,
  ...more,
});

/** A row of each state as it is found in the table. */
const rows: Readonly<Record<GalleryBotState, BotRow>> = {
  idle: bot(),
  running: bot({ desired: 'running', state: 'running', nextThinkAt: now }),
  paused: bot({ desired: 'paused', state: 'paused' }),
  sleeping: bot({ desired: 'running', state: 'sleeping', sleepUntil: now - 1, reason: 'bot_budget' }),
  error: bot({ desired: 'running', state: 'error', failures: 4, retryAt: now - 1, reason: 'internal' }),
  deleted: bot({ desired: 'deleted', state: 'deleted' }),
};

const after = (event: BotHappening, row: BotRow): BotRow => {
  const answer = botAfter(event, row, context);
  if ('refused' in answer) throw new Error(`refused: ${answer.refused}`);
  return answer.row;
};
const times = (count: number, event: BotHappening, row: BotRow): BotRow =>
  Array.from({ length: count }).reduce<BotRow>((at) => after(event, { ...at, state: 'running' }), row);

describe('states.every-cell', () => {
  /** §2.6 as it stands, word for word what each cell must do with these rows. */
  const spec: Record<GalleryBotState, Record<GalleryBotEvent, GalleryBotState | `!${string}`>> = {
    idle: {
      start: 'running',
      pause: '!not_running',
      resume: '!not_paused',
      stop: 'idle',
      wake: '!not_running',
      delete: 'deleted',
      restore: '!not_deleted',
      purge: '!not_deleted',
      provisioned: 'idle',
      sleep: 'idle',
      due: 'idle',
      ok: 'idle',
      fail: 'idle',
      broken: 'error',
      retry: 'idle',
    },
    running: {
      start: 'running',
      pause: 'paused',
      resume: 'running',
      stop: 'idle',
      wake: 'running',
      delete: 'deleted',
      restore: '!not_deleted',
      purge: '!not_deleted',
      provisioned: 'running',
      sleep: 'sleeping',
      due: 'running',
      ok: 'running',
      fail: 'running',
      broken: 'error',
      retry: 'running',
    },
    paused: {
      start: 'running',
      pause: 'paused',
      resume: 'running',
      stop: 'idle',
      wake: '!is_paused',
      delete: 'deleted',
      restore: '!not_deleted',
      purge: '!not_deleted',
      provisioned: 'paused',
      sleep: 'paused',
      due: 'paused',
      ok: 'paused',
      fail: 'paused',
      broken: 'paused',
      retry: 'paused',
    },
    sleeping: {
      start: 'sleeping',
      pause: 'paused',
      resume: 'sleeping',
      stop: 'idle',
      wake: 'running',
      delete: 'deleted',
      restore: '!not_deleted',
      purge: '!not_deleted',
      provisioned: 'sleeping',
      sleep: 'sleeping',
      due: 'running',
      ok: 'sleeping',
      fail: 'sleeping',
      broken: 'error',
      retry: 'sleeping',
    },
    error: {
      start: 'running',
      pause: 'paused',
      resume: 'running',
      stop: 'idle',
      wake: 'running',
      delete: 'deleted',
      restore: '!not_deleted',
      purge: '!not_deleted',
      provisioned: 'error',
      sleep: 'error',
      due: 'error',
      ok: 'error',
      fail: 'error',
      broken: 'error',
      retry: 'running',
    },
    deleted: {
      start: '!is_deleted',
      pause: '!is_deleted',
      resume: '!is_deleted',
      stop: '!is_deleted',
      wake: '!is_deleted',
      delete: 'deleted',
      restore: 'idle',
      purge: 'deleted',
      provisioned: 'deleted',
      sleep: 'deleted',
      due: 'deleted',
      ok: 'deleted',
      fail: 'deleted',
      broken: 'deleted',
      retry: 'deleted',
    },
  };

  it.each(galleryBotStates.flatMap((state) => events.map((event) => [state, event] as const)))(
    '%s × %s',
    (state, event) => {
      const answer = botAfter(happening(event), rows[state], context);
      const shown = 'refused' in answer ? `!${answer.refused}` : answer.row.state;
      expect(shown).toBe(spec[state][event]);
      expect(refusalOf<GalleryBotState, GalleryBotEvent>(galleryBotMachine, state, event)).toBe(
        'refused' in answer ? answer.refused : undefined,
      );
      if ('row' in answer)
        expect(targetsOf<GalleryBotState, GalleryBotEvent>(galleryBotMachine, state, event)).toContain(
          answer.row.state,
        );
    },
  );
});

describe('what the table leaves to the row', () => {
  it('a start waits for the account, and the account starts it', () => {
    const waiting = after({ type: 'start' }, bot({ provision: 'pending' }));
    expect(waiting).toMatchObject({ state: 'idle', desired: 'running', reason: 'provisioning' });
    expect(after({ type: 'provisioned' }, { ...waiting, provision: 'done' })).toMatchObject({
      state: 'running',
      reason: null,
    });
    expect(after({ type: 'stop' }, waiting)).toMatchObject({ state: 'idle', desired: 'stopped', reason: null });
    for (const type of ['start', 'resume', 'wake'] as const)
      expect(after({ type }, bot({ state: 'error', desired: 'running', provision: 'failed' })).state).toBe('idle');
  });

  it('a sleep outlives a pause, and the later of two sleeps holds', () => {
    const until = now + 3_600_000;
    const asleep = after({ type: 'sleep', until, reason: 'bot_budget' }, rows.running);
    expect(asleep).toMatchObject({ state: 'sleeping', sleepUntil: until, reason: 'bot_budget', nextThinkAt: null });
    const paused = after({ type: 'pause' }, asleep);
    expect(paused).toMatchObject({ state: 'paused', sleepUntil: until });
    expect(after({ type: 'resume' }, paused)).toMatchObject({ state: 'sleeping', sleepUntil: until });
    expect(after({ type: 'start' }, paused)).toMatchObject({ state: 'sleeping' });
    expect(after({ type: 'resume' }, { ...paused, sleepUntil: now })).toMatchObject({
      state: 'running',
      sleepUntil: null,
    });
    expect(after({ type: 'sleep', until: until - 1, reason: 'x' }, asleep)).toBe(asleep);
    expect(after({ type: 'sleep', until: until + 1, reason: 'x' }, asleep).sleepUntil).toBe(until + 1);
    expect(after({ type: 'sleep', until, reason: 'x' }, rows.paused)).toMatchObject({
      state: 'paused',
      sleepUntil: until,
    });
    expect(after({ type: 'due' }, asleep)).toBe(asleep);
    const woken = after({ type: 'due' }, { ...asleep, sleepUntil: now });
    expect(woken.state).toBe('running');
    expect(woken.nextThinkAt).toBeGreaterThanOrEqual(now);
    expect(woken.nextThinkAt).toBeLessThan(now + 30_000);
  });

  it('failures stretch the next gap, then rest longer and longer, then need a person', () => {
    expect(times(1, happening('fail'), rows.running)).toMatchObject({
      state: 'running',
      failures: 1,
      nextThinkAt: now + 120_000,
    });
    expect(times(2, happening('fail'), rows.running)).toMatchObject({
      state: 'running',
      failures: 2,
      nextThinkAt: now + 240_000,
    });
    for (const [count, rest] of [
      [3, 30_000],
      [4, 60_000],
      [9, 1_920_000],
      [10, 3_600_000],
      [19, 3_600_000],
    ] as const) {
      const row = times(count, happening('fail'), rows.running);
      expect(row).toMatchObject({ state: 'error', failures: count, reason: 'target_invalid', nextThinkAt: null });
      expect(Math.abs((row.retryAt ?? 0) - now - rest)).toBeLessThanOrEqual(rest * 0.2);
    }
    expect(times(20, happening('fail'), rows.running)).toMatchObject({ state: 'error', retryAt: null });
    const trial = after({ type: 'retry' }, rows.error);
    expect(trial).toMatchObject({ state: 'running', failures: 4, nextThinkAt: now, retryAt: null });
    expect(after(happening('fail'), trial)).toMatchObject({ state: 'error', failures: 5 });
    expect(after({ type: 'ok' }, trial)).toMatchObject({ state: 'running', failures: 0, nextThinkAt: now + 60_000 });
    expect(after({ type: 'retry' }, { ...rows.error, retryAt: now + 1 }).state).toBe('error');
    expect(after({ type: 'retry' }, { ...rows.error, retryAt: null }).state).toBe('error');
    expect(after({ type: 'start' }, rows.error)).toMatchObject({ state: 'running', failures: 0, retryAt: null });
    expect(after(happening('broken'), rows.running)).toMatchObject({ state: 'error', retryAt: null });
  });

  it('answers "same" with the very row, and every command that moves raises the generation', () => {
    const same: [GalleryBotState, GalleryBotEvent][] = [
      ['idle', 'stop'],
      ['running', 'start'],
      ['running', 'resume'],
      ['paused', 'pause'],
      ['sleeping', 'start'],
      ['sleeping', 'resume'],
      ['deleted', 'delete'],
    ];
    for (const [state, event] of same) {
      const answer = botAfter(happening(event), rows[state], context);
      expect(answer).toEqual({ row: rows[state], moved: false });
    }
    for (const event of ['start', 'pause', 'resume', 'stop', 'wake', 'delete', 'restore'] as const)
      for (const state of galleryBotStates) {
        const answer = botAfter({ type: event }, rows[state], context);
        if ('row' in answer && answer.moved) expect(answer.row.generation).toBe(rows[state].generation + 1);
      }
    expect(after({ type: 'ok' }, rows.running).generation).toBe(rows.running.generation);
  });
});

const anyRow = fc.record({
  state: fc.constantFrom(...galleryBotStates),
  desired: fc.constantFrom(...desiredStates),
  provision: fc.constantFrom(...provisionStates),
  sleepUntil: fc.constantFrom(null, now - 5, now + 5_000),
  retryAt: fc.constantFrom(null, now - 5, now + 5_000),
  failures: fc.integer({ min: 0, max: 25 }),
});

describe('any row, any events', () => {
  it('answers every event of the table within it', () => {
    fc.assert(
      fc.property(anyRow, fc.constantFrom(...events), (fields, event) => {
        const answer: BotAnswer = botAfter(happening(event), bot(fields), context);
        if ('row' in answer)
          expect(targetsOf<GalleryBotState, GalleryBotEvent>(galleryBotMachine, fields.state, event)).toContain(
            answer.row.state,
          );
        else
          expect(refusalOf<GalleryBotState, GalleryBotEvent>(galleryBotMachine, fields.state, event)).toBe(
            answer.refused,
          );
      }),
      { numRuns: 2_000 },
    );
  });

  it('any sequence leaves a legal state and at most one timer', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...events), { maxLength: 60 }), (sequence) => {
        let row = bot({ provision: 'pending' });
        for (const event of sequence) {
          if (event === 'provisioned') row = { ...row, provision: 'done' };
          const answer = botAfter(happening(event), row, context);
          if ('refused' in answer) continue;
          row = answer.row;
          const { state, desired, sleepUntil, retryAt, nextThinkAt } = row;
          if (state === 'running' || state === 'sleeping') expect(desired).toBe('running');
          if (state === 'paused') expect(desired).toBe('paused');
          if (state === 'deleted') expect(desired).toBe('deleted');
          if (state === 'sleeping') expect(sleepUntil).not.toBeNull();
          if (state !== 'running') expect(nextThinkAt).toBeNull();
          if (state !== 'error') expect(retryAt).toBeNull();
          const timers = [nextThinkAt, state === 'sleeping' ? sleepUntil : null, retryAt].filter((at) => at !== null);
          expect(timers.length).toBeLessThanOrEqual(1);
          if (timers.length === 1) expect(timerOf(row)).toBe(timers[0]);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
