import { assert } from '#kernel/base';

const kiB = 1024;
const miB = 1024 * kiB;
const giB = 1024 * miB;

/** Every bound of the log. All are settings; `createLog({ limits })` overrides single ones. */
export type LogLimits = typeof defaultLimits;

export const defaultLimits = {
  /** A batch is cut here; one larger append goes alone. MUSTER_LOG_COMMIT_MAX_BYTES */
  commitBytesMax: 512 * kiB,
  /** A batch of this size does not wait for the end of the turn. */
  commitEarlyBytes: 128 * kiB,
  /** The longest an append may be held back by choice. MUSTER_LOG_COMMIT_MAX_MS */
  commitWaitMsMax: 25,
  /** Write budget for metered disks; 0 = none. MUSTER_LOG_COMMITS_PER_SECOND */
  commitsPerSecond: 0,
  /** Appends not yet durable, all together. */
  pendingBytesMax: 64 * miB,
  pendingAppendsMax: 100_000,
  /** One append. MUSTER_STREAMS_APPEND_MAX_BYTES */
  appendBytesMax: 8 * miB,
  appendMessagesMax: 10_000,
  segmentBytes: 128 * miB,
  /** Files prepared ahead; the last of them is kept for recovery. */
  sparesMax: 2,
  spareFillBytesPerSecond: 64 * miB,
  /** A server that has just started has better things to do than to fill files. */
  spareDelayMs: 5000,
  /** Log that stays after it reached Postgres. MUSTER_LOG_KEEP_BYTES */
  keepBytes: giB,
  keepMs: 10 * 60_000,
  /** Log that waits for Postgres. MUSTER_LOG_BACKLOG_MAX_BYTES */
  backlogBytesMax: 8 * giB,
  /** MUSTER_DISK_MIN_FREE_BYTES */
  diskFreeBytesMin: 2 * giB,
  diskLookEveryMs: 5000,
  /** The newest part of the log kept in memory. */
  tapeBytes: 64 * miB,
  tapeChunkBytes: 4 * miB,
  headsMax: 200_000,
  producersInMemoryMax: 64,
  producersMax: 10_000,
  producerResultsMax: 32,
  flushEveryMs: 300,
  flushBytes: 4 * miB,
  flushRows: 5000,
  flushBackoffMsMax: 5000,
  pageBytesMax: miB,
  pageMessagesMax: 1000,
  viewScanMessagesMax: 10_000,
  viewScanBytesMax: 4 * miB,
  coldReadsMax: 32,
  /** Cold reads that wait for their turn. */
  coldReadsWaitingMax: 10_000,
  followersPerStreamMax: 10_000,
  followersMax: 100_000,
  /** A socket with more than this waiting gets no more pushes until it has drained. */
  followerBufferBytes: miB,
  followerStuckMs: 30_000,
  followerLookEveryMs: 250,
  consumerBatchMax: 256,
  /** A consumer further behind than this reads rows instead of holding segments. */
  consumerLagBytesMax: 4 * giB,
  watchersMax: 10_000,
  listPageMax: 1000,
  tombstoneMs: 24 * 3600_000,
  tombstonesInMemoryMax: 100_000,
  /** A stream's sliding lifetime: ten years. */
  ttlSecondsMax: 10 * 365 * 24 * 3600,
  forksPerStreamMax: 10_000,
  /** Forks of forks of forks. */
  forkDepthMax: 32,
  /** A source waits this long for a fork that was announced; longer only a dead process needs. */
  forkExpectedMs: 60_000,
  /** How often ends are looked for that no timer knows of, and uses of sliding lifetimes are written down. */
  lifeSweepEveryMs: 30_000,
  pathBytesMax: 512,
  pathSegmentsMax: 16,
  nameBytesMax: 256,
  shards: 64,
  leaseMs: 15_000,
  leaseRenewEveryMs: 5000,
  retentionEveryMs: 60_000,
  /** Ranges of one stream that later messages tell again. MUSTER_LOG_SUPERSEDED_RANGES_MAX */
  supersededRangesMax: 10_000,
  /** So long such a range can still be read whole. MUSTER_LOG_SUPERSEDED_KEEP_MS */
  supersededKeepMs: 24 * 3600_000,
  /** Erased messages, and what stands in their place, while files may still hold the old bytes. MUSTER_LOG_ERASING_MAX */
  erasingMax: 10_000,
  erasingBytesMax: 64 * miB,
  /** Erasures gathered before the files that hold the old bytes are given up together. */
  erasingGatherMs: 60_000,
  janitorRows: 5000,
  stopFlushMs: 5000,
};

/** Defaults with overrides; refuses combinations that could not work. */
export function shapeLimits(overrides: Partial<LogLimits> = {}): LogLimits {
  const limits = { ...defaultLimits, ...overrides };
  assert(
    limits.segmentBytes % 512 === 0 && limits.segmentBytes <= 2 ** 28,
    'a segment is whole sectors and at most 256 MiB',
  );
  const overhead = 64 * kiB;
  limits.commitBytesMax = Math.min(limits.commitBytesMax, Math.floor(limits.segmentBytes / 4));
  limits.appendBytesMax = Math.min(
    limits.appendBytesMax,
    limits.segmentBytes - Math.min(overhead, limits.segmentBytes / 2),
  );
  assert(limits.tapeChunkBytes >= limits.commitBytesMax, 'a chunk of the tape holds at least one batch');
  return limits;
}
