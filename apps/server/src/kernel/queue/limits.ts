/** Every bound of the queue, by name. Units stand last. */
export const queueLimits = {
  payloadBytesMax: 256 * 1024,
  kindCharsMax: 100,
  uniqueKeyCharsMax: 200,
  /** Longest reason or error kept with a job. */
  reasonCharsMax: 2_000,
  attemptsMax: 1_000,
  /** Unfinished jobs of one kind; more are refused with `exhausted` `jobs_backlog`. Sampled, so a burst may pass it. */
  backlogMax: 500_000,
  /** Rows of one enqueue statement; a longer list becomes several. */
  enqueueBatchMax: 1_000,
  /** Jobs taken by one claim, over all kinds. */
  claimBatchMax: 500,
  /** Handlers of one kind running at once in this process. */
  concurrencyMax: 1_000,
  /** Outcomes that wait to be written; claiming pauses at it. */
  outcomesMax: 2_000,
  outcomesBatchMax: 500,
  rescueBatchMax: 200,
  promoteBatchMax: 500,
  retentionBatchMax: 1_000,
  /** Unfinished runs of one schedule; past it a due time is skipped, and said. */
  scheduledUnfinishedMax: 100,
  /** One page of `finished`. */
  finishedPageMax: 200,
} as const;

/** Times of the queue's own loops. Tests and `compose` may pass others. */
export type QueueTimes = {
  /** How often ready jobs are looked for when no hint comes (± 20 %). */
  pollMs: number;
  rescueMs: number;
  /** A rescue sweep that was away longer than this was blind: it raises leases instead of ending them (I6). */
  blindMs: number;
  sampleMs: number;
  retentionMs: number;
  /** Finished jobs are kept this long. */
  keepFinishedMs: number;
  /** At stop: handlers go on this long … */
  drainMs: number;
  /** … then their signal aborts, and they have this long to end. */
  abortGraceMs: number;
  /** At stop: how long outcomes may take to be written. */
  flushMs: number;
  /** First pause after an error of the database; doubles up to `errorMsMax`. */
  errorMs: number;
  errorMsMax: number;
};

export const queueTimes: QueueTimes = {
  pollMs: 4_000,
  rescueMs: 5_000,
  blindMs: 15_000,
  sampleMs: 10_000,
  retentionMs: 60_000,
  keepFinishedMs: 7 * 24 * 3_600_000,
  drainMs: 8_000,
  abortGraceMs: 2_000,
  flushMs: 3_000,
  errorMs: 250,
  errorMsMax: 5_000,
};

export const jobDefaults = { attemptsMax: 20, concurrency: 5, leaseMs: 30_000, timeoutMs: 15 * 60_000 } as const;

/** Shorter leases end by the mere slowness of a busy machine. */
export const leaseMsMin = 1_000;
