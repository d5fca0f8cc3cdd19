import { describe, expect, it } from 'vitest';
import { buildStates, buildTable, isTerminal, workerStates, workerTable } from '../builds/index.ts';
import { refusalOf, statesAllowing, statesLeavingBy, statesOf, targetsOf } from './machine.ts';

describe('transition tables', () => {
  it('are total and lead to known states only', () => {
    expect(statesOf(buildTable)).toEqual([...buildStates]);
    expect(statesOf(workerTable)).toEqual([...workerStates]);
    const events = Object.keys(buildTable.queued) as (keyof typeof buildTable.queued)[];
    for (const state of buildStates) {
      expect(Object.keys(buildTable[state]).toSorted(), state).toEqual(events.toSorted());
      for (const event of events)
        for (const target of targetsOf(buildTable, state, event)) expect(buildStates).toContain(target);
    }
  });

  it('never leave a terminal state', () => {
    const events = Object.keys(buildTable.queued) as (keyof typeof buildTable.queued)[];
    for (const state of buildStates.filter(isTerminal)) {
      for (const event of events)
        expect(targetsOf(buildTable, state, event).filter((target) => target !== state)).toEqual([]);
    }
  });

  it('name the states an event is accepted in, and why it is refused elsewhere', () => {
    expect(statesAllowing(buildTable, 'claim')).toEqual(['queued']);
    expect(statesAllowing(buildTable, 'cancel')).toEqual(['queued', 'assigned', 'running', 'cancelling', 'cancelled']);
    expect(statesLeavingBy(buildTable, 'cancel')).toEqual(['queued', 'assigned', 'running']);
    expect(statesLeavingBy(buildTable, 'heartbeat')).toEqual([]);
    expect(refusalOf(buildTable, 'running', 'claim')).toBe('taken');
    expect(refusalOf(buildTable, 'queued', 'claim')).toBeUndefined();
    expect(targetsOf(buildTable, 'cancelling', 'confirmStop')).toEqual(['cancelled', 'failed']);
    expect(targetsOf(buildTable, 'queued', 'leaseEnd')).toEqual([]);
  });
});
