import type { Logger, Metrics } from '#kernel/telemetry';
import type { HeldJob } from './lease.ts';
import type { JobCounts } from './queue.ts';

export type Left = { id: string; kind: string; runningMs: number };

/** What the queue tells about itself: one function per event = metrics and at most one log record. */
export type QueueEvents = {
  claimed(job: { kind: string; readySinceMs: number }): void;
  ended(held: HeldJob, outcome: 'done' | 'cancelled' | 'failed' | 'retry' | 'snooze', ranMs: number): void;
  /** The write named a term that is over, or was a repeat: nothing changed. */
  stale(held: HeldJob): void;
  leaseLost(held: HeldJob, why: 'taken' | 'trust_over'): void;
  rescued(jobs: readonly { id: string; kind: string; holder: string; attempt: number }[]): void;
  blind(gapMs: number, raised: number): void;
  scheduleSkipped(kind: string, due: Date): void;
  sampled(counts: readonly JobCounts[]): void;
  left(jobs: readonly Left[]): void;
  unwritten(count: number): void;
  failed(part: string, error: Error): void;
};

export function queueEvents(logger: Logger, metrics: Metrics): QueueEvents {
  const queue = { max: 100 };
  const attempts = metrics.counter({
    name: 'muster_queue_attempts_total',
    help: 'Attempts at jobs by how they ended.',
    labels: { queue, outcome: ['done', 'cancelled', 'failed', 'retry', 'snooze', 'stale', 'lost'] },
  });
  const run = metrics.histogram({
    name: 'muster_queue_run_seconds',
    help: 'How long handlers ran.',
    labels: { queue },
  });
  const wait = metrics.histogram({
    name: 'muster_queue_wait_seconds',
    help: 'From ready to claimed.',
    labels: { queue },
  });
  const depth = metrics.gauge({
    name: 'muster_queue_depth',
    help: 'Unfinished jobs.',
    labels: { queue, state: ['waiting', 'ready', 'running'] },
  });
  const oldest = metrics.gauge({
    name: 'muster_queue_oldest_seconds',
    help: 'How long the oldest ready job is ready.',
    labels: { queue },
  });
  const rescued = metrics.counter({
    name: 'muster_queue_rescued_total',
    help: 'Jobs whose holder let the lease end.',
    labels: { queue },
  });
  const skipped = metrics.counter({
    name: 'muster_queue_schedule_skipped_total',
    help: 'Due times that were skipped because too many earlier runs are unfinished.',
    labels: { queue },
  });
  const errors = metrics.counter({
    name: 'muster_queue_errors_total',
    help: 'Failures of the queue itself, most often the database.',
    labels: { part: { max: 20 } },
  });
  let known = new Set<string>();

  return {
    claimed: (job) => wait.observe({ queue: job.kind }, Math.max(0, job.readySinceMs) / 1000),
    ended: (held, outcome, ranMs) => {
      const { id, kind, attempt } = held.claimed;
      attempts.add({ queue: kind, outcome });
      run.observe({ queue: kind }, ranMs / 1000);
      const verdict = held.verdict;
      const reason = verdict?.write === 'finish' ? verdict.reason : verdict?.error;
      if (outcome === 'failed') logger.error({ jobId: id, kind, attempt, reason }, 'a job failed for good');
      else if (outcome === 'retry') logger.warn({ jobId: id, kind, attempt, reason }, 'a job will be tried again');
    },
    stale: (held) => {
      attempts.add({ queue: held.claimed.kind, outcome: 'stale' });
      logger.warn({ jobId: held.id, kind: held.claimed.kind, term: held.term }, 'an outcome came too late; ignored');
    },
    leaseLost: (held, why) => {
      attempts.add({ queue: held.claimed.kind, outcome: 'lost' });
      logger.warn({ jobId: held.id, kind: held.claimed.kind, term: held.term, why }, 'the lease of a job was lost');
    },
    rescued: (jobs) => {
      for (const { id, kind, holder, attempt } of jobs) {
        rescued.add({ queue: kind });
        logger.warn({ jobId: id, kind, holder, attempt }, 'a job was taken from a holder whose lease ended');
      }
    },
    blind: (gapMs, raised) =>
      logger.warn({ gapMs: Math.round(gapMs), raised }, 'nobody looked for a while; leases were raised, none ended'),
    scheduleSkipped: (kind, due) => {
      skipped.add({ queue: kind });
      logger.error({ kind, due }, 'a due time was skipped: too many earlier runs are unfinished');
    },
    sampled: (counts) => {
      const seen = new Set(counts.map((count) => count.kind));
      const empty = [...known].filter((kind) => !seen.has(kind));
      for (const kind of empty) counts = [...counts, { kind, waiting: 0, ready: 0, running: 0, oldestReadyMs: null }];
      for (const { kind, waiting, ready, running, oldestReadyMs } of counts) {
        depth.set({ queue: kind, state: 'waiting' }, waiting);
        depth.set({ queue: kind, state: 'ready' }, ready);
        depth.set({ queue: kind, state: 'running' }, running);
        oldest.set({ queue: kind }, (oldestReadyMs ?? 0) / 1000);
      }
      known = seen;
    },
    left: (jobs) =>
      logger.warn({ jobs }, 'the queue stopped while these jobs were running; their leases will end by themselves'),
    unwritten: (count) =>
      logger.warn({ count }, 'the queue stopped with outcomes it could not write; these jobs will run again'),
    failed: (part, error) => {
      errors.add({ part });
      logger.warn({ part, err: error }, 'the queue could not do its work; it tries again');
    },
  };
}
