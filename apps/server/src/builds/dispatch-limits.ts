/** Bounds of handing out builds. What an operator may move stands in `limits.ts`. */
export const dispatchLimits = {
  /** Workers served by one claim statement. */
  claimBatchMax: 32,
  /** After 23505 (a seat was taken meanwhile) or 40P01, each time with one worker. */
  claimRetriesMax: 3,
  /** Other nodes held the rows that were seen; looked again so often before the sweep has to do it. */
  contendedRetriesMax: 6,
  contendedWaitMs: 4,
  /** What a demand asks for is remembered for this many; it never changes. */
  demandFactsMax: 4_096,
  /** The same instruction is not pushed again sooner; every answer carries it all the same. */
  instructionRepeatMs: 5_000,
  /** A build handed out by this node this recently may still be on its way: it is not offered again at once. */
  handoutGraceMs: 1_000,
  /** The worker that lost a build is skipped for this long. */
  avoidMs: 60_000,
  backoffFirstMs: 5_000,
  backoffMaxMs: 300_000,
  /** Answers that never arrived do not count as attempts, up to so many per build. */
  uncountedMax: 20,
  /** The server gives a build so much beyond its `maxRunMs` before it stops it. */
  runMarginMs: 60_000,
  rescueBatchMax: 200,
  /** A longer pause of the sweep (and of three of its rounds) means that nobody could be heard: leases are raised first (I6). */
  blindAfterMs: 15_000,
  leaseBatchMs: 50,
  leaseBatchMax: 1_000,
  /** Results, failures and confirmed stops of one transaction. */
  endingsBatchMax: 64,
  /** The same for `start`. */
  startsBatchMax: 64,
  /** Submits of one transaction. */
  submitsBatchMax: 32,
  /** Such transactions go one after the other; one that takes longer than this no longer holds up the next, up to so many. */
  batchLateMs: 250,
  batchLanesMax: 4,
  /** Workers read in one statement for calls that came in together. */
  readBatchMax: 200,
  /** A worker's tokens, source and log of a finished attempt stay open this long, for what is still on its way. */
  tokenAfterEndMs: 60_000,
  /** Rotating a worker's token leaves the old one valid so long. */
  tokenOverlapMs: 60_000,
  socketFramesWaitingMax: 64,
  /** A draining worker that asks again is told to come back after about this long. */
  drainedPollMs: 5_000,
} as const;
