import type { TransitionTable } from '../base/machine.ts';

export const buildStates = ['queued', 'assigned', 'running', 'cancelling', 'succeeded', 'failed', 'cancelled'] as const;
export type BuildState = (typeof buildStates)[number];

/** States that hold seats: a worker's, and the concurrency key's. */
export const activeBuildStates = ['assigned', 'running', 'cancelling'] as const satisfies readonly BuildState[];
export const terminalBuildStates = ['succeeded', 'failed', 'cancelled'] as const satisfies readonly BuildState[];
export const unfinishedBuildStates = ['queued', ...activeBuildStates] as const satisfies readonly BuildState[];

export const isTerminal = (state: BuildState): boolean =>
  (terminalBuildStates as readonly BuildState[]).includes(state);

/**
 * - `claim` a worker takes it (term + 1) · `adopt` a legacy worker brings a result for a queued build
 * - `start` the worker began · `heartbeat` the lease is extended
 * - `succeed`, `fail` the attempt's result · `breakOff` the attempt ended without one (abandoned, evicted, host fault)
 * - `leaseEnd` nobody renewed · `cancel` a person, or a newer build of the key · `timeLimit` it ran too long
 * - `confirmStop` the worker says it stopped, or the grace is over · `queueDeadline` it waited too long
 * - `change` priority, requires, notBefore · `retry` a new build of the same blobs
 */
export type BuildEvent =
  | 'claim'
  | 'adopt'
  | 'start'
  | 'heartbeat'
  | 'succeed'
  | 'fail'
  | 'breakOff'
  | 'leaseEnd'
  | 'cancel'
  | 'timeLimit'
  | 'confirmStop'
  | 'queueDeadline'
  | 'change'
  | 'retry';

/** Where a stopped build ends: `cancelled`, or `failed` when its stop reason is `timed_out`. */
const stopped = ['cancelled', 'failed'] as const;
/** Where a broken attempt leaves the build: in line again, or `failed` when its attempts are used up. */
const broken = ['queued', 'failed'] as const;

const held = (self: 'assigned' | 'running') =>
  ({
    claim: 'refuse:taken',
    adopt: 'refuse:taken',
    start: 'running',
    heartbeat: self,
    succeed: 'succeeded',
    fail: 'failed',
    breakOff: broken,
    leaseEnd: broken,
    cancel: 'cancelling',
    timeLimit: 'cancelling',
    confirmStop: 'refuse:not_cancelling',
    queueDeadline: 'impossible',
    change: 'refuse:not_queued',
    retry: 'refuse:not_finished',
  }) as const;

const finished = {
  claim: 'refuse:finished',
  adopt: 'refuse:finished',
  start: 'refuse:finished',
  heartbeat: 'refuse:finished',
  succeed: 'refuse:finished',
  fail: 'refuse:finished',
  breakOff: 'refuse:finished',
  leaseEnd: 'impossible',
  cancel: 'refuse:finished',
  timeLimit: 'impossible',
  confirmStop: 'refuse:finished',
  queueDeadline: 'impossible',
  change: 'refuse:finished',
} as const;

/**
 * The build's machine. Calls that carry another term than the row's are refused `stale_term` before this is asked;
 * a repeat of the very same result (same term, same digests) answers as the first time and moves nothing.
 */
export const buildTable: TransitionTable<BuildState, BuildEvent> = {
  queued: {
    claim: 'assigned',
    adopt: ['succeeded', 'failed'],
    start: 'refuse:stale_term',
    heartbeat: 'refuse:stale_term',
    succeed: 'refuse:stale_term',
    fail: 'refuse:stale_term',
    breakOff: 'refuse:stale_term',
    leaseEnd: 'impossible',
    cancel: 'cancelled',
    timeLimit: 'impossible',
    confirmStop: 'refuse:stale_term',
    queueDeadline: 'failed',
    change: 'queued',
    retry: 'refuse:not_finished',
  },
  assigned: held('assigned'),
  running: held('running'),
  cancelling: {
    claim: 'refuse:taken',
    adopt: 'refuse:taken',
    start: 'cancelling',
    heartbeat: 'cancelling',
    succeed: stopped,
    fail: stopped,
    breakOff: stopped,
    leaseEnd: stopped,
    cancel: 'cancelling',
    timeLimit: 'cancelling',
    confirmStop: stopped,
    queueDeadline: 'impossible',
    change: 'refuse:not_queued',
    retry: 'refuse:not_finished',
  },
  succeeded: { ...finished, retry: 'succeeded' },
  failed: { ...finished, retry: 'failed' },
  cancelled: { ...finished, cancel: 'cancelled', confirmStop: 'cancelled', retry: 'cancelled' },
};
