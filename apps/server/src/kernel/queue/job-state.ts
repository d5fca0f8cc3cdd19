/** The three states a row of `jobs` may be in, and the three ways a job ends in `jobs_done`. */
export type JobState = 'waiting' | 'ready' | 'running' | JobEnd;
export type JobEnd = 'done' | 'cancelled' | 'failed';

export type JobEvent =
  /** Its time has come. */
  | 'due'
  /** A runner takes it: term + 1. */
  | 'claim'
  /** The holder says it is done. */
  | 'succeed'
  /** The holder wants it again, later: a retry or a snooze. */
  | 'again'
  /** The holder gives up, or a retry found no attempt left. */
  | 'giveUp'
  /** The lease ended and attempts are left. */
  | 'lose'
  /** Somebody cancels it. A running job is told, and ends when its handler does. */
  | 'cancel';

/** `refuse`: nothing changes; a write of the holder that finds this names an old term. */
export type JobNext = JobState | 'refuse';

/** Every event in every state. The guards in `queries.ts` say the same in SQL; the model test holds them together. */
export const jobTable: Record<JobState, Record<JobEvent, JobNext>> = {
  waiting: {
    due: 'ready',
    claim: 'refuse',
    succeed: 'refuse',
    again: 'refuse',
    giveUp: 'refuse',
    lose: 'refuse',
    cancel: 'cancelled',
  },
  ready: {
    due: 'refuse',
    claim: 'running',
    succeed: 'refuse',
    again: 'refuse',
    giveUp: 'refuse',
    lose: 'refuse',
    cancel: 'cancelled',
  },
  running: {
    due: 'refuse',
    claim: 'refuse',
    succeed: 'done',
    again: 'waiting',
    giveUp: 'failed',
    lose: 'waiting',
    cancel: 'running',
  },
  done: {
    due: 'refuse',
    claim: 'refuse',
    succeed: 'refuse',
    again: 'refuse',
    giveUp: 'refuse',
    lose: 'refuse',
    cancel: 'refuse',
  },
  cancelled: {
    due: 'refuse',
    claim: 'refuse',
    succeed: 'refuse',
    again: 'refuse',
    giveUp: 'refuse',
    lose: 'refuse',
    cancel: 'refuse',
  },
  failed: {
    due: 'refuse',
    claim: 'refuse',
    succeed: 'refuse',
    again: 'refuse',
    giveUp: 'refuse',
    lose: 'refuse',
    cancel: 'refuse',
  },
};
