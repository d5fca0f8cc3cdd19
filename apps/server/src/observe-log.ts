import type { Config } from '#config';
import type { Limits } from '#kernel/base';
import type { Log, LogEvents } from '#kernel/log';
import type { Logger, Metrics } from '#kernel/telemetry';

/** The bounds an operator meets when the disk or the database is slow. */
export function declareLogBounds(bounds: Limits, config: Config['log'], log: Log): void {
  const list = (name: string, value: number, setting: string, whenFull: string, used?: () => number): void => {
    bounds.add({ name: `log.${name}`, unit: 'bytes', value, setting, whenFull, ...(used ? { used } : {}) });
  };
  list(
    'pendingBytes',
    config.pendingBytesMax,
    'MUSTER_LOG_PENDING_BYTES_MAX',
    'Appends get 429 log_busy until the disk has caught up.',
  );
  list(
    'backlogBytes',
    config.backlogBytesMax,
    'MUSTER_LOG_BACKLOG_MAX_BYTES',
    'Appends get 429 log_backlog until Postgres has caught up; reads go on.',
    () => log.promises().unflushedBytes,
  );
  list(
    'keepBytes',
    config.keepBytes,
    'MUSTER_LOG_KEEP_BYTES',
    'Files whose content is in Postgres are dropped, the oldest first.',
    () => log.promises().walBytes,
  );
  list(
    'diskFreeBytes',
    config.diskFreeBytesMin,
    'MUSTER_DISK_MIN_FREE_BYTES',
    'With less free disk appends get 429 log_backlog; reads go on.',
  );
  bounds.add({
    name: 'log.supersededRanges',
    unit: 'count',
    value: config.supersededRangesMax,
    setting: 'MUSTER_LOG_SUPERSEDED_RANGES_MAX',
    whenFull: 'Further ranges of that stream are not compacted: 429 superseded_max.',
  });
  bounds.add({
    name: 'log.supersededKeepMs',
    unit: 'ms',
    value: config.supersededKeepMs,
    setting: 'MUSTER_LOG_SUPERSEDED_KEEP_MS',
    whenFull: 'Messages that a later one tells again are dropped; every reader gets that one in their place.',
  });
  bounds.add({
    name: 'log.erasing',
    unit: 'count',
    value: config.erasingMax,
    setting: 'MUSTER_LOG_ERASING_MAX',
    whenFull: 'Erasing gets 429 erasing_max until files have let go of what was erased before.',
    used: () => log.gauges().erasing,
  });
}

/** What runs in the log when somebody reads the metrics. */
export function measureLog(metrics: Metrics, log: Log): void {
  metrics.gauge({
    name: 'muster_log_flush_lag_seconds',
    help: 'Age of the oldest frame that is not in Postgres.',
    collect: (gauge) => gauge.set({}, log.promises().flushLagMs / 1000),
  });
  metrics.gauge({
    name: 'muster_log_unflushed_bytes',
    help: 'Log that Postgres does not hold yet.',
    collect: (gauge) => gauge.set({}, log.promises().unflushedBytes),
  });
  metrics.gauge({
    name: 'muster_log_wal_bytes',
    help: 'Log in files, what Postgres holds already included.',
    collect: (gauge) => gauge.set({}, log.promises().walBytes),
  });
  metrics.gauge({
    name: 'muster_log_quarantined_files',
    help: 'Damaged or torn files that recovery put aside.',
    collect: (gauge) => gauge.set({}, log.promises().quarantinedFiles),
  });
  metrics.gauge({
    name: 'muster_log_shards_owned',
    help: 'Parts of the log this node may write.',
    collect: (gauge) => gauge.set({}, log.promises().shardsOwned),
  });
  metrics.gauge({
    name: 'muster_log_pending_bytes',
    help: 'Appends that wait for their sync.',
    collect: (gauge) => gauge.set({}, log.gauges().pendingBytes),
  });
  metrics.gauge({
    name: 'muster_log_segments',
    help: 'Files of the log by state.',
    labels: { state: ['open', 'sealed', 'spare'] },
    collect(gauge) {
      const { open, sealed, spare } = log.gauges().segments;
      gauge.set({ state: 'open' }, open);
      gauge.set({ state: 'sealed' }, sealed);
      gauge.set({ state: 'spare' }, spare);
    },
  });
  metrics.gauge({
    name: 'muster_log_heads',
    help: 'Streams in memory; dirty ones have frames that Postgres does not hold yet.',
    labels: { state: ['clean', 'dirty'] },
    collect(gauge) {
      const { heads, dirtyHeads } = log.gauges();
      gauge.set({ state: 'clean' }, heads - dirtyHeads);
      gauge.set({ state: 'dirty' }, dirtyHeads);
    },
  });
  const forms = ['sse', 'socket', 'raw'] as const;
  const modes = ['replay', 'live'] as const;
  metrics.gauge({
    name: 'muster_log_followers',
    help: 'Live readers by what they are written and whether they still read history.',
    labels: { form: forms, mode: modes },
    collect(gauge) {
      const found = log.gauges().followersBy;
      for (const form of forms)
        for (const mode of modes)
          gauge.set({ form, mode }, found.find((kind) => kind.form === form && kind.mode === mode)?.count ?? 0);
    },
  });
  metrics.gauge({
    name: 'muster_log_consumer_lag_seconds',
    help: 'Age of the oldest frame that a consumer has not taken.',
    labels: { name: { max: 100 } },
    collect(gauge) {
      for (const { name, lagMs } of log.gauges().consumers) gauge.set({ name }, lagMs / 1000);
    },
  });
}

/** What the write-ahead log tells, as metrics (`muster_log_…`, no ids) and, where an operator looks, as log lines. */
export function observeLog(metrics: Metrics, logger: Logger): LogEvents {
  const appends = metrics.counter({
    name: 'muster_log_append_total',
    help: 'Appends by outcome.',
    labels: { outcome: ['stored', 'duplicate', 'refused'] },
  });
  const bytes = metrics.counter({ name: 'muster_log_bytes_total', help: 'Bytes that became durable.' });
  const appendSeconds = metrics.histogram({
    name: 'muster_log_append_seconds',
    help: 'From the first frame of a batch to its acknowledgement.',
  });
  const commitSeconds = metrics.histogram({ name: 'muster_log_commit_seconds', help: 'Write and sync of one batch.' });
  const commitAppends = metrics.histogram({
    name: 'muster_log_commit_appends',
    help: 'Appends covered by one sync.',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024],
  });
  const failStops = metrics.counter({
    name: 'muster_log_fsync_failstop_total',
    help: 'Writes or syncs that failed; the process ends.',
  });
  const commitBytes = metrics.histogram({
    name: 'muster_log_commit_bytes',
    help: 'Bytes of one batch.',
    buckets: [512, 2048, 8192, 32_768, 131_072, 524_288, 2_097_152, 8_388_608],
  });
  const duplicates = metrics.counter({
    name: 'muster_log_duplicates_total',
    help: 'Repeated appends of producers that were recognised and not stored again.',
  });
  const syncErrors = metrics.counter({
    name: 'muster_log_sync_errors_total',
    help: 'Calls to the disk that failed: those that end the process, and preparing a file ahead.',
  });
  const unprepared = metrics.counter({
    name: 'muster_log_segment_unprepared_total',
    help: 'Batches written to a file that had to grow because none was prepared.',
  });
  const flushRows = metrics.counter({ name: 'muster_log_flush_rows_total', help: 'Rows brought to Postgres.' });
  const flushFailures = metrics.counter({
    name: 'muster_log_flush_failures_total',
    help: 'Flushes that failed and are tried again.',
  });
  const mismatches = metrics.counter({
    name: 'muster_log_flush_mismatch_total',
    help: 'Rows that hold something else than the log; flushing stops.',
  });
  const segments = metrics.counter({
    name: 'muster_log_segments_total',
    help: 'Segment files by what happened to them.',
    labels: { what: ['opened', 'sealed', 'unprepared', 'spare', 'dropped', 'spareFailed'] },
  });
  const recoverySeconds = metrics.gauge({ name: 'muster_log_recovery_seconds', help: 'Time the last recovery took.' });
  const recoveredFrames = metrics.counter({
    name: 'muster_log_recovery_frames_total',
    help: 'Frames replayed at start.',
  });
  const tornBytes = metrics.counter({
    name: 'muster_log_torn_bytes_total',
    help: 'Bytes of unacknowledged tails dropped at start.',
  });
  const reads = metrics.counter({
    name: 'muster_log_reads_total',
    help: 'Pages read by layer.',
    labels: { layer: ['memory', 'segment', 'rows'] },
  });
  const readSeconds = metrics.histogram({
    name: 'muster_log_read_seconds',
    help: 'Time of one page by layer.',
    labels: { layer: ['memory', 'segment', 'rows'] },
  });
  const gaps = metrics.counter({
    name: 'muster_log_gaps_total',
    help: 'Gaps told to readers.',
    labels: { reason: ['trimmed', 'recreated', 'restored', 'lost'] },
  });
  const deliveries = metrics.counter({
    name: 'muster_log_deliveries_total',
    help: 'Appends written to followers, each counted for each of them.',
  });
  const slow = metrics.counter({
    name: 'muster_log_slow_ended_total',
    help: 'Followers ended because they did not read.',
  });

  return {
    committed(batch) {
      bytes.add({}, batch.bytes);
      appendSeconds.observe({}, batch.oldestMs / 1000);
      commitSeconds.observe({}, batch.syncMs / 1000);
      commitAppends.observe({}, batch.frames);
      commitBytes.observe({}, batch.bytes);
    },
    failStop(error) {
      failStops.add({});
      syncErrors.add({});
      logger.fatal({ error }, 'the log could not be written; the server ends so that nothing is acknowledged falsely');
    },
    appended(outcome, count) {
      appends.add({ outcome }, count);
      if (outcome === 'duplicate') duplicates.add({}, count);
    },
    flushed: (flush) => flushRows.add({}, flush.rows),
    flushFailed(error, retryInMs) {
      flushFailures.add({});
      logger.warn({ error, retryInMs }, 'the log could not be brought to the database; appends go on');
    },
    flushMismatch(found) {
      mismatches.add({});
      logger.error(found, 'a row holds something else than the log; flushing has stopped');
    },
    segment(what, { no, error }) {
      segments.add({ what });
      if (what === 'unprepared') unprepared.add({});
      if (what === 'spareFailed') syncErrors.add({});
      if (what === 'spareFailed') logger.warn({ no, error }, 'a log file could not be prepared ahead');
    },
    recovered({ frames, segments: files, tornBytes: torn, tookMs }) {
      recoverySeconds.set({}, tookMs / 1000);
      recoveredFrames.add({}, frames);
      tornBytes.add({}, torn);
      logger.info({ frames, files, tornBytes: torn, tookMs: Math.round(tookMs) }, 'log recovered');
    },
    damage({ reason, detail, quarantined: files }) {
      logger.error({ reason, quarantined: files }, detail);
    },
    read(layer, _messages, tookMs) {
      reads.add({ layer });
      readSeconds.observe({ layer }, tookMs / 1000);
    },
    gap: (reason) => gaps.add({ reason }),
    delivered: (followers, frames) => deliveries.add({}, followers * frames),
    slowEnded: () => slow.add({}),
    erased: (tookMs) => logger.info({ tookMs: Math.round(tookMs) }, 'what was erased has left the files of the log'),
    consumerFailed: (name, error) =>
      logger.warn({ consumer: name, error }, 'a consumer of the log failed; it tries again'),
    ownership(what, detail) {
      if (what === 'taken') logger.info({ what }, detail);
      else logger.warn({ what }, detail);
    },
    backgroundFailed: (what, error) => logger.warn({ what, error }, 'background work of the log failed'),
  };
}
