import { buildLimits, failureCodes } from '@muster/protocol';
import type { Service } from '#kernel/base';
import type { Tx } from '#kernel/db';
import { BuildLogs } from './build-logs.ts';
import type { BuildsDeps } from './deps.ts';
import { type BuildMetrics, createBuildMetrics } from './metrics.ts';
import { Outbox } from './outbox.ts';
import { insertOutbox } from './queries/outbox.ts';
import { QueueCounts } from './queue-counts.ts';
import type { Emission, Room } from './room.ts';

/** All telling of this room: counters, log records, stream records, system lines. */
export type Recorder = Service &
  Pick<Room, 'emit' | 'flushOutbox' | 'metrics' | 'logs' | 'counts'> & {
    /** Waits until everything committed so far lies in its streams. */
    flushAll(): Promise<void>;
  };

/**
 * Puts the room's recorder together. `emit` writes outbox rows in the transaction of the change; counters move, the log
 * record is written and the flush begins only after its commit, so nothing is told of what did not happen.
 */
export function createRecorder(deps: BuildsDeps): Recorder {
  const logger = deps.telemetry.logger.child({ room: 'builds' });
  const metrics = createBuildMetrics(deps.telemetry.metrics, deps.clock);
  const { db, log, clock, nodeId } = deps;
  declareLimits(deps);
  const logs = new BuildLogs({ db, log, clock, logger, metrics, logBytesMax: deps.config.logBytesMax });
  const outbox = new Outbox({ db, log, clock, logger, metrics, logs, nodeId });
  const counts = new QueueCounts({ db, clock, logger });
  return {
    metrics,
    logs,
    counts,
    emit: async (tx: Tx, emissions: readonly Emission[]) => {
      if (emissions.length === 0) return;
      insertOutbox(tx, emissions.map(rowOf));
      tx.afterCommit(() => {
        for (const emission of emissions) {
          if (emission.type === 'line_only') continue;
          count(metrics, emission);
          const { projectId, type, buildId, workerId, queue, term, reason } = emission;
          logger.info({ projectId, type, buildId, workerId, queue, term, reason }, sentenceOf(emission));
        }
        outbox.kick();
        return counts.written();
      });
    },
    flushOutbox: (buildId, waits) => (waits ? outbox.flushNow(buildId) : outbox.flush(buildId)),
    flushAll: () => outbox.flushAll(),
    start: async () => {
      await logs.start();
      await outbox.start();
      await counts.start();
    },
    [Symbol.asyncDispose]: async () => {
      await counts[Symbol.asyncDispose]();
      await outbox[Symbol.asyncDispose]();
      await logs[Symbol.asyncDispose]();
    },
  };
}

function rowOf(emission: Emission): Parameters<typeof insertOutbox>[1][number] {
  const { projectId, type, buildId, workerId, queue, term, reason, data, line } = emission;
  return {
    projectId,
    buildId: buildId ?? null,
    term: term ?? 0,
    event:
      type === 'line_only'
        ? null
        : {
            type: type === 'queue_resumed' ? 'resumed' : type,
            ...(workerId === undefined ? {} : { workerId }),
            ...(queue === undefined ? {} : { queue }),
            ...(reason === undefined ? {} : { reason }),
            ...(data === undefined ? {} : { data }),
          },
    line: line ?? null,
  };
}

const sentenceOf = ({ type, buildId, workerId }: Emission): string =>
  buildId ? `build ${type}` : workerId ? `worker ${type}` : `queue ${type}`;

const finals: Partial<Record<Emission['type'], 'succeeded' | 'failed' | 'cancelled'>> = {
  succeeded: 'succeeded',
  failed: 'failed',
  cancelled: 'cancelled',
  superseded: 'cancelled',
  expired: 'failed',
};

/** What the type itself says of the cause. */
const causes: Partial<Record<Emission['type'], string>> = { superseded: 'superseded', expired: 'queue_expired' };

function count(metrics: BuildMetrics, { type, buildId, queue = 'default', data, ...emission }: Emission): void {
  const reason = emission.reason ?? causes[type];
  const platform = data?.['platform'];
  if (type === 'submitted') metrics.submitted.add({ queue, platform: typeof platform === 'string' ? platform : 'any' });
  if (type === 'requeued') metrics.requeued.add({ reason: reason ?? 'none' });
  const waitMs = data?.['waitMs'];
  if (type === 'assigned' && typeof waitMs === 'number') metrics.wait.observe({ queue }, waitMs / 1_000);
  const state = finals[type];
  if (buildId !== undefined && type === 'assigned') metrics.etaErrorRatio.started(buildId);
  if (buildId !== undefined && state) metrics.etaErrorRatio.gone(buildId);
  if (!state) return;
  const failure = Object.entries(failureCodes).find(([code]) => code === reason);
  metrics.finished.add({ state, code: reason ?? 'none', attribution: failure?.[1].attribution ?? 'none' });
  const runMs = data?.['runMs'];
  if (typeof runMs === 'number') metrics.run.observe({ queue }, runMs / 1_000);
}

function declareLimits({ limits, config }: BuildsDeps): void {
  limits.add({
    name: 'builds.logBytes',
    unit: 'bytes',
    value: config.logBytesMax,
    setting: 'MUSTER_BUILDS_LOG_BYTES_MAX',
    whenFull: 'Further lines of that build get 429 log_full; one warning stands in its log.',
  });
  limits.add({
    name: 'builds.logAppendBytes',
    unit: 'bytes',
    value: buildLimits.logAppendBytesMax,
    whenFull: 'An append with more text gets 413 append_too_large.',
  });
  limits.add({
    name: 'builds.logAppendLines',
    unit: 'count',
    value: buildLimits.logAppendLinesMax,
    whenFull: 'An append with more lines gets 400 invalid_body.',
  });
}
