import { attributions, failureCodes, platforms, stopReasons } from '@muster/protocol';
import type { Clock } from '#kernel/base';
import type { CounterMetric, HistogramMetric, Metrics } from '#kernel/telemetry';
import { EtaCheck } from './eta-check.ts';

/* Every counter and histogram of this room (gauges: gauges.ts). Labels are closed sets, or names with a bound. */

const queues = { max: 100 } as const;
const seconds = [0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 1_800, 3_600, 7_200, 21_600, 86_400];
const fine = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10, 30, 60];
const codes = [...Object.keys(failureCodes), ...stopReasons, 'none'];
const finalStates = ['succeeded', 'failed', 'cancelled'];
const purposes = ['source', 'certs', 'artifact'];

export type BuildMetrics = {
  submitted: CounterMetric<{ queue: typeof queues; platform: readonly string[] }>;
  finished: CounterMetric<{ state: readonly string[]; code: readonly string[]; attribution: readonly string[] }>;
  /** `taken`, `empty`, `again` (held build given once more), `lost_answer`. */
  claims: CounterMetric<{ result: readonly string[] }>;
  claimRetries: CounterMetric<{ cause: readonly string[] }>;
  requeued: CounterMetric<{ reason: { max: number } }>;
  staleWrites: CounterMetric<{ call: { max: number } }>;
  /** An event the transition table calls impossible; must stay 0. */
  impossible: CounterMetric<Readonly<Record<string, never>>>;
  logLines: CounterMetric<Readonly<Record<string, never>>>;
  logBytes: CounterMetric<Readonly<Record<string, never>>>;
  logRepaired: CounterMetric<{ what: readonly string[] }>;
  uploadBytes: CounterMetric<{ purpose: readonly string[] }>;
  uploadRefused: CounterMetric<{ reason: { max: number } }>;
  certsReads: CounterMetric<Readonly<Record<string, never>>>;
  legacyRequests: CounterMetric<{ route: { max: number }; generation: readonly string[] }>;
  blobCorrupt: CounterMetric<Readonly<Record<string, never>>>;
  artifactGone: CounterMetric<Readonly<Record<string, never>>>;
  wakes: CounterMetric<{ via: readonly string[] }>;
  telemetryDropped: CounterMetric<{ cause: readonly string[] }>;
  outboxDropped: CounterMetric<{ reason: { max: number } }>;
  /** Submitted (or eligible again) → assigned. */
  wait: HistogramMetric<{ queue: typeof queues }>;
  run: HistogramMetric<{ queue: typeof queues }>;
  /** Submitted → job written to the worker. */
  assign: HistogramMetric<Readonly<Record<string, never>>>;
  cancelDelivery: HistogramMetric<Readonly<Record<string, never>>>;
  claimSql: HistogramMetric<Readonly<Record<string, never>>>;
  logVisible: HistogramMetric<Readonly<Record<string, never>>>;
  etaErrorRatio: EtaCheck;
};

export function createBuildMetrics(metrics: Metrics, clock: Clock): BuildMetrics {
  return {
    submitted: metrics.counter({
      name: 'muster_builds_submitted_total',
      help: 'Builds accepted.',
      labels: { queue: queues, platform: platforms },
    }),
    finished: metrics.counter({
      name: 'muster_builds_finished_total',
      help: 'Builds that reached a terminal state, by failure code or cancel reason.',
      labels: { state: finalStates, code: codes, attribution: [...attributions, 'none'] },
    }),
    claims: metrics.counter({
      name: 'muster_builds_claims_total',
      help: 'Answers to workers that asked for a build.',
      labels: { result: ['taken', 'empty', 'again', 'lost_answer'] },
    }),
    claimRetries: metrics.counter({
      name: 'muster_builds_claim_retries_total',
      help: 'Claims done again after a seat was taken meanwhile or a deadlock.',
      labels: { cause: ['seat_taken', 'deadlock'] },
    }),
    requeued: metrics.counter({
      name: 'muster_builds_requeued_total',
      help: 'Attempts that ended without a result and put their build in line again.',
      labels: { reason: { max: 30 } },
    }),
    staleWrites: metrics.counter({
      name: 'muster_builds_stale_writes_total',
      help: 'Writes of an old term, refused.',
      labels: { call: { max: 20 } },
    }),
    impossible: metrics.counter({
      name: 'muster_builds_impossible_total',
      help: 'Events that no caller can cause in that state. Must stay 0.',
    }),
    logLines: metrics.counter({ name: 'muster_builds_log_lines_total', help: 'Log lines stored.' }),
    logBytes: metrics.counter({ name: 'muster_builds_log_bytes_total', help: 'Bytes of log text stored.' }),
    logRepaired: metrics.counter({
      name: 'muster_builds_log_repaired_total',
      help: 'Log lines cut at 64 KiB, with invalid UTF-8 replaced, or with NUL removed.',
      labels: { what: ['cut', 'utf8', 'nul'] },
    }),
    uploadBytes: metrics.counter({
      name: 'muster_builds_upload_bytes_total',
      help: 'Bytes taken from uploads.',
      labels: { purpose: purposes },
    }),
    uploadRefused: metrics.counter({
      name: 'muster_builds_upload_refused_total',
      help: 'Uploads refused.',
      labels: { reason: { max: 30 } },
    }),
    certsReads: metrics.counter({
      name: 'muster_builds_certs_reads_total',
      help: 'Credential bundles given to the holder of a build.',
    }),
    legacyRequests: metrics.counter({
      name: 'muster_builds_legacy_requests_total',
      help: 'Requests on the paths of the replaced controller.',
      labels: { route: { max: 60 }, generation: ['old', 'new', 'none'] },
    }),
    blobCorrupt: metrics.counter({
      name: 'muster_builds_blob_corrupt_total',
      help: 'Stored bytes that did not match their digest; never served as good.',
    }),
    artifactGone: metrics.counter({
      name: 'muster_builds_artifact_gone_total',
      help: 'Downloads of an artifact whose file is missing although its row says otherwise.',
    }),
    wakes: metrics.counter({
      name: 'muster_builds_wakes_total',
      help: 'Wake-ups of parked workers.',
      labels: { via: ['local', 'bus', 'sweep'] },
    }),
    telemetryDropped: metrics.counter({
      name: 'muster_builds_telemetry_dropped_total',
      help: 'Telemetry points not stored.',
      labels: { cause: ['out_of_range', 'merged', 'ended'] },
    }),
    outboxDropped: metrics.counter({
      name: 'muster_builds_outbox_dropped_total',
      help: 'Events a stream refused for good. Must stay 0.',
      labels: { reason: { max: 20 } },
    }),
    wait: metrics.histogram({
      name: 'muster_builds_wait_seconds',
      help: 'From submitted (or in line again) to assigned.',
      labels: { queue: queues },
      buckets: seconds,
    }),
    run: metrics.histogram({
      name: 'muster_builds_run_seconds',
      help: 'From assigned to the end of the build.',
      labels: { queue: queues },
      buckets: seconds,
    }),
    assign: metrics.histogram({
      name: 'muster_builds_assign_seconds',
      help: 'From submitted to the job written to a waiting worker.',
      buckets: fine,
    }),
    cancelDelivery: metrics.histogram({
      name: 'muster_builds_cancel_delivery_seconds',
      help: 'From a cancel to the worker being told.',
      buckets: fine,
    }),
    claimSql: metrics.histogram({
      name: 'muster_builds_claim_sql_seconds',
      help: 'The claim statement.',
      buckets: fine,
    }),
    logVisible: metrics.histogram({
      name: 'muster_builds_log_visible_seconds',
      help: 'From an append reaching the server to its lines being readable.',
      buckets: fine,
    }),
    etaErrorRatio: new EtaCheck(
      clock,
      metrics.histogram({
        name: 'muster_builds_eta_error_ratio',
        help: 'Real wait divided by the wait that was first told.',
        buckets: [0.1, 0.25, 0.5, 0.75, 0.9, 1.1, 1.25, 1.5, 2, 4, 10],
      }),
    ),
  };
}
