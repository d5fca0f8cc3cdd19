import { buildStates } from '@muster/protocol';
import { expect, test } from 'vitest';
import { errorOf, statesOf, statisticsOf, statusOf, uptimeOf } from './shapes.ts';

test('every state has one of the five old words, and what was stopped is failed with its text', () => {
  expect(buildStates.map(statusOf)).toEqual([
    'pending',
    'assigned',
    'building',
    'failed',
    'completed',
    'failed',
    'failed',
  ]);
  expect(errorOf('cancelling', null)).toBe('Build cancelled by user');
  expect(errorOf('cancelled', 'x')).toBe('Build cancelled by user');
  expect(errorOf('failed', 'exit 1')).toBe('exit 1');
  expect(errorOf('queued', 'left over')).toBeNull();
});

test('filters by old words; an unknown one is none', () => {
  expect(statesOf('pending')).toEqual(['queued']);
  expect(statesOf('failed')).toEqual(['cancelling', 'failed', 'cancelled']);
  expect(statesOf('cancelled')).toEqual(['cancelling', 'cancelled']);
  expect(statesOf('done')).toBeUndefined();
});

test('statistics are zeros when empty, and count what was cancelled by itself', () => {
  const none = { total: 0, pending: 0, assigned: 0, building: 0, completed: 0, failed: 0, cancelled: 0 };
  expect(statisticsOf(new Map())).toEqual(none);
  expect(
    statisticsOf(
      new Map([
        ['failed', 2],
        ['cancelled', 1],
        ['cancelling', 1],
        ['queued', 3],
      ]),
    ),
  ).toEqual({
    ...none,
    total: 7,
    pending: 3,
    failed: 2,
    cancelled: 2,
  });
});

test.each([
  [45, '45s'],
  [23 * 60 + 45, '23m 45s'],
  [5 * 3_600 + 23 * 60, '5h 23m'],
  [3 * 86_400 + 14 * 3_600, '3d 14h'],
  [-1, '0s'],
])('uptime of %d s is %s', (seconds, text) => {
  expect(uptimeOf(seconds)).toBe(text);
});
