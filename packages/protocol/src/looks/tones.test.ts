import { describe, expect, it } from 'vitest';
import { buildStates } from '../builds/build-state.ts';
import { workerStates } from '../builds/worker-state.ts';
import { galleryBotStates, gateStates, provisionStates } from '../gallery/bot-state.ts';
import { jobStates } from '../running/job-states.ts';
import { lookOf, toneOf, tones } from './tones.ts';

describe('tones', () => {
  it('give every state of every machine one of the six', () => {
    const states = {
      build: buildStates,
      worker: workerStates,
      galleryBot: galleryBotStates,
      gate: gateStates,
      provision: provisionStates,
      job: jobStates,
    } as const;
    const seen = (Object.keys(states) as (keyof typeof states)[]).flatMap((kind) =>
      states[kind].map((state) => toneOf(kind, state)),
    );
    expect(seen).toHaveLength(33);
    for (const tone of tones) expect(seen).toContain(tone);
  });

  it('tell starting from running and lost from failed by more than colour', () => {
    expect(lookOf('build', 'assigned')).toEqual({ tone: 'live', mark: 'starting' });
    expect(lookOf('build', 'running')).toEqual({ tone: 'live' });
    expect(lookOf('attempt', 'lost')).toEqual({ tone: 'failed', mark: 'lost' });
  });

  it('call a state they do not know off, whatever it is named', () => {
    for (const state of ['', 'constructor', '__proto__', 'brand new']) expect(toneOf('build', state)).toBe('off');
  });
});
