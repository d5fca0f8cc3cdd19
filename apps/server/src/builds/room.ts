import type { BuildEventType, WorkerEventType } from '@muster/protocol';
import type { Tx } from '#kernel/db';
import type { BuildChanges } from './build-changes.ts';
import type { BuildLogs } from './build-logs.ts';
import type { BuildsDeps } from './deps.ts';
import type { Intake } from './intake.ts';
import type { Live } from './live.ts';
import type { BuildMetrics } from './metrics.ts';
import type { QueueCounts } from './queue-counts.ts';

/** One thing that happened: one counter, one log record, one stream record, and perhaps one line in the build's log. */
export type Emission = {
  projectId: string;
  /** `line_only` writes its line and no event. */
  type: BuildEventType | WorkerEventType | 'paused' | 'queue_resumed' | 'line_only';
  buildId?: string;
  workerId?: string;
  queue?: string;
  term?: number;
  reason?: string;
  data?: Readonly<Record<string, unknown>>;
  /** A system line in the build's log, word for word as clients expect it. */
  line?: { level: 'info' | 'warn' | 'error'; text: string };
};

/**
 * What operations of this room work with: what came from outside, and the room's own live parts.
 * `index.ts` puts it together; operations take it as their first argument.
 */
export type Room = BuildsDeps & {
  /** After commit: builds of this demand may be eligible. Wakes parked workers here at once and on other nodes by a hint. */
  wake(demand: { projectId: string; sig: number }): void;
  /** After commit: this worker has something to be told (cancel, drain, resume, evicted). Reaches it on whichever node it is. */
  nudge(workerId: string): void;
  /** In the transaction of the change: outbox rows. They reach the streams right after commit, in order. */
  emit(tx: Tx, emissions: readonly Emission[]): Promise<void>;
  /**
   * Brings the outbox of one build to its streams; reading or appending its log does this first. `waits`: the caller has
   * seen that something is there.
   */
  flushOutbox(buildId: string, waits?: boolean): Promise<void>;
  readonly metrics: BuildMetrics;
  /** What decides whether a submit or an upload may be read at all. */
  readonly intake: Intake;
  /** Wakes whoever waits for a build to move. */
  readonly changes: BuildChanges;
  /** Builds in line and held, from memory. */
  readonly counts: QueueCounts;
  /** The writers of the builds' logs. */
  readonly logs: BuildLogs;
  /** Parked workers, who is there, heartbeats on their way. Decides nothing: rows do. */
  readonly live: Live;
};
