import { expect, test } from 'vitest';
import { refusalOf, statesAllowing, statesLeavingBy, statesOf, targetsOf } from '../base/machine.ts';
import { subscriptionStates, subscriptionTable } from './subscription-state.ts';

test('the table knows exactly the states', () => {
  expect(statesOf(subscriptionTable)).toEqual([...subscriptionStates]);
});

test('a wake that is over stays over: nothing that names one is taken in rest', () => {
  for (const event of ['accept', 'extend', 'finish', 'release', 'fail'] as const)
    expect(refusalOf(subscriptionTable, 'idle', event)).toBe('fenced');
});

test('one holder at a time; only rest is left by an append', () => {
  expect(refusalOf(subscriptionTable, 'leased', 'claim')).toBe('already_claimed');
  expect(statesLeavingBy(subscriptionTable, 'notice')).toEqual(['idle']);
  expect(statesAllowing(subscriptionTable, 'leaseEnd')).toEqual(['leased']);
});

test('every way out of a wake leads to rest or to the next wake, so that pending work is never left lying', () => {
  for (const event of ['finish', 'release', 'leaseEnd', 'drop'] as const)
    for (const state of statesAllowing(subscriptionTable, event))
      expect(targetsOf(subscriptionTable, state, event)).toEqual(['idle', 'waking']);
});
