import type { BuildEvent, Failure } from '@muster/protocol';
import { jitter, never, type Random } from '#kernel/base';
import { dispatchLimits as limits } from './dispatch-limits.ts';
import { failureOf } from './failures.ts';
import type { Ending, HeldRow } from './queries/finish.ts';

/** Why an attempt ended without a result. */
export type Cause =
  /** Nobody renewed the lease. */
  | { kind: 'leaseLost' }
  /** The worker is there and does not have the build any more. */
  | { kind: 'workerLost' }
  /** The worker gave it back. */
  | { kind: 'abandoned'; reason: string }
  | { kind: 'unregistered' }
  | { kind: 'evicted'; by: string }
  /** The job never reached the worker. */
  | { kind: 'lostAnswer' }
  /** The host or the server failed, or a failure that this build wants retried. */
  | { kind: 'fault'; failure: Failure };

type Rule = {
  outcome: Ending['outcome'];
  backoff: boolean;
  avoid: boolean;
  /** What happened, for the build's log: `Worker <name> …; queued again`. */
  told: string;
};
const rules: Record<Cause['kind'], Rule> = {
  leaseLost: { outcome: 'lost', backoff: true, avoid: true, told: 'lost the build' },
  workerLost: { outcome: 'lost', backoff: true, avoid: true, told: 'lost the build' },
  abandoned: { outcome: 'abandoned', backoff: false, avoid: true, told: 'gave the build back' },
  unregistered: { outcome: 'abandoned', backoff: false, avoid: false, told: 'left' },
  evicted: { outcome: 'abandoned', backoff: false, avoid: true, told: 'had to give the build back' },
  lostAnswer: { outcome: 'abandoned', backoff: false, avoid: false, told: 'never received the build' },
  fault: { outcome: 'failed', backoff: true, avoid: true, told: 'failed' },
};

/** An ending with what it was decided on, and what the worker did, for people. */
export type Decided = Ending & { readonly event: BuildEvent; readonly row: HeldRow; readonly told: string };

/**
 * Where a broken attempt leaves its build. Pure. A build that is being stopped stops; otherwise it is in line again at its
 * old place while attempts are left and the cause is one it wants retried, or it failed with the cause.
 */
export function endBroken(row: HeldRow, cause: Cause, random: Random): Decided {
  const rule = rules[cause.kind];
  const failure = failureFor(row, cause);
  const counts = countsAgainst(row, cause);
  const base = {
    id: row.id,
    term: row.term,
    workerId: row.workerId ?? '',
    digest: null,
    exitCode: failure.exitCode ?? null,
    row,
    event: cause.kind === 'leaseLost' ? 'leaseEnd' : 'breakOff',
    told: rule.told,
  } as const;
  if (row.state === 'cancelling') return { ...base, ...stopped(row), counts: true, afterMs: 0, avoid: false };
  const used = row.attemptsUsed - (counts ? 0 : 1);
  const again = !counts || (used < row.attemptsMax && row.retryOn.includes(failure.attribution));
  const ending = { outcome: rule.outcome, attemptFailure: failure, counts };
  if (!again) return { ...base, ...ending, state: 'failed', failure, afterMs: 0, avoid: false };
  const afterMs = rule.backoff ? backoffMs(Math.max(1, used), random) : 0;
  return { ...base, ...ending, state: 'queued', failure: null, afterMs, avoid: rule.avoid };
}

/** The end of an attempt that told its own: nothing of the rules for broken ones applies. */
export function endTold(
  row: HeldRow,
  event: BuildEvent,
  end: Pick<Ending, 'state' | 'failure' | 'outcome' | 'attemptFailure'> & Partial<Pick<Ending, 'digest' | 'exitCode'>>,
): Decided {
  const { id, term, workerId } = row;
  return {
    id,
    term,
    workerId: workerId ?? '',
    counts: true,
    afterMs: 0,
    avoid: false,
    digest: null,
    exitCode: null,
    ...end,
    event,
    row,
    told: '',
  };
}

/** Where a stopped build ends: the reason of the stop decides. */
export function stopped(
  row: Pick<HeldRow, 'stopReason' | 'stopDetail'>,
): Pick<Ending, 'state' | 'failure' | 'outcome' | 'attemptFailure'> {
  if (row.stopReason !== 'timed_out')
    return { state: 'cancelled', failure: null, outcome: 'cancelled', attemptFailure: null };
  const failure = failureOf('timed_out', row.stopDetail ?? 'The build ran longer than its maxRunMs.');
  return { state: 'failed', failure, outcome: 'failed', attemptFailure: failure };
}

/** Five seconds, doubled with each attempt, at most five minutes, spread by 20 %. */
function backoffMs(attempts: number, random: Random): number {
  return jitter(Math.min(limits.backoffMaxMs / 1.2, limits.backoffFirstMs * 2 ** (attempts - 1)), 0.2, random);
}

function countsAgainst(row: HeldRow, cause: Cause): boolean {
  const unheard = cause.kind === 'lostAnswer' || (cause.kind === 'leaseLost' && !row.heard);
  // A worker that takes builds and never says a word must not keep one going round for ever.
  return !unheard || row.term - row.attemptsUsed >= limits.uncountedMax;
}

function failureFor(row: HeldRow, cause: Cause): Failure {
  const worker = `Worker ${row.workerName ?? row.workerId}`;
  switch (cause.kind) {
    case 'leaseLost':
      return failureOf('lease_lost', `${worker} went silent while it held the build.`);
    case 'workerLost':
      return failureOf('lease_lost', `${worker} came back without the build.`);
    case 'lostAnswer':
      return failureOf('lease_lost', `${worker} was gone before the job reached it.`);
    case 'abandoned':
      return failureOf(
        'worker_abandoned',
        cause.reason === '' ? `${worker} gave the build back.` : `${worker} gave the build back: ${cause.reason}`,
      );
    case 'unregistered':
      return failureOf('worker_abandoned', `${worker} unregistered while it held the build.`);
    case 'evicted':
      return failureOf('worker_abandoned', `${cause.by} took the build from ${worker}.`);
    case 'fault':
      return cause.failure;
    default:
      return never(cause);
  }
}
