import { galleryLimits } from '@muster/protocol';

/** Bounds of the client of one target; what an operator may move lies in the row (`rps`, `concurrency`) or in settings. */
export const targetLimits = {
  connectMs: 5_000,
  readMs: 10_000,
  writeMs: 15_000,
  uploadMs: 60_000,
  executeMs: 120_000,
  /** A read is made once and, after each of these pauses, three times more; each pause is drawn between 0 and this (full jitter). */
  retryMs: [250, 1_000, 4_000],
  /** A target that asks for at most this much quiet is waited for in place. */
  retryWaitMsMax: 5_000,
  /** A target that asks for more quiet than this is not heard further. */
  retryAfterMsMax: 60_000,
  /** Of what a target says about a request it refuses. */
  refusalBytesMax: 2_048,
  /** Calls of one target that wait for a place; the next one is put off. */
  lineMax: 1_000,
  /** A call that would wait longer for its turn is put off at once. */
  lineMs: 20_000,
  /** Clocks that differ by less agree: the `Date` header counts in whole seconds. */
  skewMsMin: 2_000,
  /** From this on a check warns. */
  skewMsWarn: 5_000,
  /** Items and comments of one page when something of ours is looked for, and pages at most. */
  lookPage: 100,
  lookPagesMax: 10,
  /** Between the two looks for a write that was not answered. */
  lookAgainMs: 5_000,
  imageBytesMax: 10 * 1024 * 1024,
  /** Targets of one project. */
  targetsMax: 50,
  /** Waiting accounts that an acknowledgement asks for; as many as there can be bots. */
  accountsMax: 100_000,
  /** Accounts made or removed at once. */
  accountJobs: 5,
  /** Before a job asks a target again that did not answer. */
  accountRetryMs: 30_000,
  /** Before a job asks again where a person has to do something first. */
  accountHeldMs: 300_000,
} as const;

export const breakerLimits = {
  windowMs: 30_000,
  callsMin: 20,
  /** It opens when at least this share of the window's calls failed. */
  share: 0.5,
  openMs: 30_000,
  openMsMax: 300_000,
  /** What a call hears that comes while another one tries whether the target is back. */
  trialMs: 1_000,
} as const;

/** What an operator may move: how long a target may send somebody to sleep, and how much of an answer is read. */
export type AnswerBounds = {
  wakeMinMs: number;
  wakeMaxMs: number;
  wakeDefaultMs: number;
  targetBodyBytesMax: number;
};

export const answerBounds = (given: Partial<AnswerBounds> = {}): AnswerBounds => ({
  wakeMinMs: given.wakeMinMs ?? galleryLimits.wakeMinMs,
  wakeMaxMs: given.wakeMaxMs ?? galleryLimits.wakeMaxMs,
  wakeDefaultMs: given.wakeDefaultMs ?? galleryLimits.wakeDefaultMs,
  targetBodyBytesMax: given.targetBodyBytesMax ?? galleryLimits.targetBodyBytesMax,
});
