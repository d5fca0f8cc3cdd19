import { expect, it } from 'vitest';
import { type LineFacts, pillOf } from './pill-state.ts';

const open: LineFacts = {
  line: 'open',
  heardAt: 50_000,
  roundTripMs: 12,
  retryAt: undefined,
  behind: 0,
  paused: false,
  offline: false,
  signedOut: false,
  draining: false,
};
const now = 51_000;

it('is live for ten seconds after the last sign of life, and not a moment longer', () => {
  expect(pillOf(open, now)).toEqual({ kind: 'live', roundTripMs: 12 });
  expect(pillOf(open, 60_000).kind).toBe('live');
  expect(pillOf(open, 60_001)).toEqual({ kind: 'stale', forMs: 10_001 });
});

it('counts what is still to be read again', () => {
  expect(pillOf({ ...open, behind: 4120 }, now)).toEqual({ kind: 'catchingUp', behind: 4120 });
  expect(pillOf({ ...open, behind: 4120 }, 70_000).kind).toBe('stale');
});

it('says when it tries again, and never a time that is past', () => {
  const down: LineFacts = { ...open, line: 'down', retryAt: 54_000 };
  expect(pillOf(down, now)).toEqual({ kind: 'reconnecting', inMs: 3000 });
  expect(pillOf(down, 55_000)).toEqual({ kind: 'reconnecting', inMs: 0 });
  expect(pillOf({ ...down, draining: true }, now)).toEqual({ kind: 'draining' });
});

it('names the reason that stands before all others', () => {
  const all: LineFacts = { ...open, line: 'down', paused: true, offline: true, signedOut: true, draining: true };
  expect(pillOf(all, now).kind).toBe('signedOut');
  expect(pillOf({ ...all, signedOut: false }, now).kind).toBe('paused');
  expect(pillOf({ ...all, signedOut: false, paused: false }, now).kind).toBe('offline');
  expect(pillOf({ ...open, line: 'polling' }, now).kind).toBe('polling');
  expect(pillOf({ ...open, line: 'connecting', heardAt: undefined }, now).kind).toBe('connecting');
});
