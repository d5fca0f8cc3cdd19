import { expect, test } from 'vitest';
import type { QueuedLine, RunTimes, WorkerLine } from './queries/waiting.ts';
import { etaMs, explain } from './waiting-reason.ts';

const at = new Date('2026-03-01T10:00:00.000Z');
const line = (more: Partial<QueuedLine> = {}): QueuedLine => ({
  id: 'bld_1',
  projectId: 'prj_1',
  sig: 1,
  queue: 'default',
  platform: 'linux',
  requires: {},
  submittedAt: at,
  eligibleAt: at,
  eligibleInMs: -1_000,
  waitCause: null,
  ckey: null,
  keyLimit: null,
  pausedAt: null,
  pausedBy: null,
  pauseReason: null,
  resumesAt: null,
  ...more,
});
const worker = (more: Partial<WorkerLine> = {}): WorkerLine => ({
  id: 'wrk_1',
  projectId: 'prj_1',
  name: 'box',
  kind: 'v1',
  platforms: ['linux'],
  labels: { arch: 'arm64' },
  seats: 1,
  state: 'online',
  admission: 'open',
  lastSeenAt: at,
  elapsedMs: [],
  ...more,
});
const runs: RunTimes = { sig: 1, samples: 50, p50: 60_000, p95: 90_000 };
const why = (queued: QueuedLine, workers: WorkerLine[], more: Partial<Parameters<typeof explain>[1]> = {}) =>
  explain(queued, { position: 0, workers, holders: [], runs, ...more }).waiting;

test.each<[string, WorkerLine[], Partial<QueuedLine>, string]>([
  ['no worker at all', [], {}, 'No worker is registered in this project.'],
  ['another platform', [worker({ platforms: ['ios'] })], {}, 'No worker offers the platform linux.'],
  [
    'a label nobody has',
    [worker()],
    { requires: { gpu: 'a100', arch: 'arm64' } },
    'No worker with platform linux has the label gpu=a100.',
  ],
  [
    'another value of a label',
    [worker()],
    { requires: { arch: 'x64' } },
    'No worker with platform linux has the label arch=x64.',
  ],
  [
    'labels that only different workers have',
    [worker(), worker({ labels: { gpu: 'a100' } })],
    { requires: { gpu: 'a100', arch: 'arm64' } },
    'No worker with platform linux has all of the labels gpu=a100, arch=arm64.',
  ],
])('no_matching_worker names what is missing: %s', (_, workers, queued, detail) => {
  expect(why(line(queued), workers)).toMatchObject({ reason: 'no_matching_worker', detail, etaMs: null });
});

test('a pause comes before everything else and says who, why and until when', () => {
  const resumesAt = new Date('2026-03-01T12:00:00.000Z');
  const waiting = why(line({ pausedAt: at, pausedBy: 'key:key_1', pauseReason: 'disk swap', resumesAt }), []);
  expect(waiting).toMatchObject({
    reason: 'queue_paused',
    detail: 'The queue default was paused by key:key_1: disk swap. It goes on at 2026-03-01T12:00:00.000Z.',
    resumesAt: '2026-03-01T12:00:00.000Z',
    etaMs: null,
  });
});

test('a time that lies ahead', () => {
  const eligibleAt = new Date('2026-03-01T11:00:00.000Z');
  const later = { eligibleAt, eligibleInMs: 3_600_000 };
  expect(why(line({ ...later, waitCause: 'not_before' }), [worker()])).toMatchObject({
    reason: 'not_before',
    resumesAt: eligibleAt.toISOString(),
    etaMs: 3_600_000,
  });
  expect(why(line({ ...later, waitCause: 'backoff' }), [worker()])).toMatchObject({ reason: 'backoff' });
});

test('key_busy names the builds that hold the key', () => {
  const holders = [{ projectId: 'prj_1', ckey: 'main', id: 'bld_0', state: 'running' }];
  const queued = line({ ckey: 'main', keyLimit: 1 });
  expect(why(queued, [worker()], { holders })).toMatchObject({
    reason: 'key_busy',
    detail: 'The concurrency key "main" is held by bld_0 (limit 1).',
  });
  expect(why(line({ ckey: 'main', keyLimit: 2 }), [worker()], { holders }).reason).toBe('in_line');
});

test('workers that match but cannot take it now', () => {
  expect(why(line(), [worker({ state: 'offline' })]).reason).toBe('workers_offline');
  expect(why(line(), [worker({ admission: 'draining' }), worker({ state: 'offline' })]).reason).toBe(
    'workers_draining',
  );
  expect(why(line(), [worker({ elapsedMs: [5_000] })]).reason).toBe('workers_busy');
  expect(why(line(), [worker({ elapsedMs: [5_000] })], { position: 3 })).toMatchObject({
    reason: 'in_line',
    detail: '3 builds of the same kind are before it; 1 matching worker online, 0 free seats.',
    position: 3,
  });
  expect(why(line(), [worker()]).reason).toBe('in_line');
});

test('estimates by taking the earliest seat again and again', () => {
  const busy = worker({ elapsedMs: [20_000] }); // free in 40 s
  expect(etaMs(0, [worker()], runs)).toBe(0);
  expect(etaMs(0, [busy], runs)).toBe(40_000);
  expect(etaMs(1, [busy], runs)).toBe(100_000);
  expect(etaMs(1, [busy, worker()], runs)).toBe(40_000);
  expect(etaMs(2, [busy, worker()], runs)).toBe(60_000);
  expect(etaMs(0, [worker({ elapsedMs: [3_600_000] })], runs)).toBe(6_000); // overdue: a tenth of a run
});

test('no estimate without enough runs or without anybody online', () => {
  expect(etaMs(0, [worker()], { ...runs, samples: 4 })).toBeNull();
  expect(etaMs(0, [worker()], undefined)).toBeNull();
  expect(etaMs(0, [worker({ state: 'offline' })], runs)).toBeNull();
});

test('far behind in line the pace of the first thousand is taken', () => {
  const eta = etaMs(9_999, [worker()], runs) ?? 0;
  expect(eta / (9_999 * 60_000)).toBeCloseTo(1, 2);
});
