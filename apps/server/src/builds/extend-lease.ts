import { buildTable, type Heartbeat, refusalOf } from '@muster/protocol';
import type { Clock } from '#kernel/base';
import { dispatchLimits as limits } from './dispatch-limits.ts';
import type { Holder } from './holder.ts';
import { type Extended, extend, type LeaseAsk, whereStand } from './queries/lease.ts';
import { recordTelemetry } from './record-telemetry.ts';
import type { Emission, Room } from './room.ts';

export type LeaseInput = Heartbeat['leases'][number] & {
  /** Length of the lease from here on, for the legacy rules. */
  ttlMs?: number;
};
export type LeaseAnswer =
  | { buildId: string; term: number; until: Date; stopping: boolean }
  | { buildId: string; term: number /** `stale_term`, `finished`, `not_holder`, `no_such_build`. */; lost: string };

/**
 * Extends leases of one worker, together with what other workers ask within 50 ms, in one statement. A lease it does not
 * hold any more comes back as `lost` with the reason; the others are not harmed by it. Errors: `unavailable` `store_down`.
 */
export async function extendLeases(room: Room, holder: Holder, leases: readonly LeaseInput[]): Promise<LeaseAnswer[]> {
  return await Promise.all(leases.map((lease) => room.live.leases.ask(holder, lease)));
}

type Waiting = { ask: LeaseAsk; resolve: (answer: LeaseAnswer) => void; reject: (error: unknown) => void };

/**
 * Collects heartbeats of this node.
 *  idle       – nothing waits, no timer.
 *  collecting – something waits; a timer of 50 ms runs.
 * A batch that runs does not stop the next one from being collected; asks for the same attempt in one batch become one.
 */
export class LeaseBatch implements Disposable {
  readonly #clock: Clock;
  readonly #run: (asks: readonly LeaseAsk[]) => Promise<Map<string, LeaseAnswer>>;
  #waiting: Waiting[] = [];
  #timer: Disposable | undefined;

  constructor(clock: Clock, run: (asks: readonly LeaseAsk[]) => Promise<Map<string, LeaseAnswer>>) {
    this.#clock = clock;
    this.#run = run;
  }

  ask({ workerId, projectId }: Holder, lease: LeaseInput): Promise<LeaseAnswer> {
    return new Promise((resolve, reject) => {
      const { buildId, term, phase = null, progress = null, ttlMs = null, metrics = null } = lease;
      const ask: LeaseAsk = { workerId, projectId, buildId, term, phase, progress, ttlMs, metrics };
      this.#waiting.push({ ask, resolve, reject });
      if (this.#waiting.length >= limits.leaseBatchMax) this.#flush();
      else this.#timer ??= this.#clock.after(limits.leaseBatchMs, () => this.#flush());
    });
  }

  [Symbol.dispose](): void {
    this.#flush();
  }

  #flush(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    const batch = this.#waiting;
    this.#waiting = [];
    if (batch.length > 0) void this.#answer(batch);
  }

  async #answer(batch: readonly Waiting[]): Promise<void> {
    try {
      const asks = new Map<string, LeaseAsk>();
      for (const { ask } of batch) {
        const before = asks.get(keyOf(ask));
        asks.set(keyOf(ask), before ? laid(ask, before) : ask);
      }
      const answers = await this.#run([...asks.values()]);
      for (const { ask, resolve } of batch) {
        resolve(answers.get(keyOf(ask)) ?? { buildId: ask.buildId, term: ask.term, lost: 'no_such_build' });
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}

const keyOf = ({ workerId, buildId, term }: { workerId: string; buildId: string; term: number }): string =>
  `${workerId} ${buildId} ${term}`;

/** A later ask over an earlier one of the same attempt. */
const laid = (ask: LeaseAsk, before: LeaseAsk): LeaseAsk => ({
  ...ask,
  phase: ask.phase ?? before.phase,
  progress: ask.progress ?? before.progress,
  metrics: ask.metrics ?? before.metrics,
});

/** One batch: extends, tells progress, and looks up why the rest is lost. */
export async function extendBatch(room: Room, asks: readonly LeaseAsk[]): Promise<Map<string, LeaseAnswer>> {
  const extended = await room.db.transaction(
    async (tx) => {
      const rows = await extend(tx, asks);
      await room.emit(tx, rows.filter(moved).map(progressed));
      const held = new Set(rows.map(keyOf));
      await recordTelemetry(
        room,
        tx,
        asks.flatMap(({ metrics, ...ask }) =>
          metrics && held.has(keyOf(ask)) ? [{ buildId: ask.buildId, metrics }] : [],
        ),
      );
      return rows;
    },
    { retries: 3 },
  );
  const answers = new Map<string, LeaseAnswer>();
  for (const row of extended) {
    answers.set(keyOf(row), {
      buildId: row.buildId,
      term: row.term,
      until: row.leaseUntil,
      stopping: row.state === 'cancelling',
    });
  }
  const lost = asks.filter((ask) => !answers.has(keyOf(ask)));
  if (lost.length === 0) return answers;
  const stand = new Map(
    (
      await whereStand(
        room.db,
        lost.map((ask) => ask.buildId),
      )
    ).map((row) => [row.id, row]),
  );
  for (const ask of lost) {
    const row = stand.get(ask.buildId);
    const reason = whyLost(ask, row);
    if (reason === 'stale_term') room.metrics.staleWrites.add({ call: 'heartbeat' });
    answers.set(keyOf(ask), { buildId: ask.buildId, term: ask.term, lost: reason });
  }
  return answers;
}

function whyLost(ask: LeaseAsk, row: Awaited<ReturnType<typeof whereStand>>[number] | undefined): string {
  if (!row || row.projectId !== ask.projectId) return 'no_such_build';
  if (row.term !== ask.term) return 'stale_term';
  if (row.workerId !== null && row.workerId !== ask.workerId) return 'not_holder';
  return refusalOf(buildTable, row.state, 'heartbeat') ?? 'stale_term';
}

const moved = (row: Extended): boolean =>
  row.phase !== row.phaseBefore ||
  (row.progress !== null && Math.floor(row.progress) !== Math.floor(row.progressBefore ?? -1));

function progressed({
  projectId,
  buildId,
  workerId,
  term,
  queue,
  phase,
  progress,
  progressBefore,
}: Extended): Emission {
  const percent = progress === null ? null : Math.floor(progress);
  const line =
    percent !== null && percent !== Math.floor(progressBefore ?? -1)
      ? { line: { level: 'info' as const, text: `Build progress: ${percent}%` } }
      : {};
  return { projectId, type: 'progress', buildId, workerId, term, queue, data: { progress, phase }, ...line };
}
