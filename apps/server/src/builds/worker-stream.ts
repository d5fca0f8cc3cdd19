import type { Job } from '@muster/protocol';
import { asError } from '#kernel/base';
import { readWorkers } from './queries/workers.ts';
import type { Room } from './room.ts';

/** One park after the other; each is well inside what a request may wait. */
const parkMs = 50_000;
const retryMs = 1_000;

export type StreamOf = {
  workerId: string;
  /** How many builds to hand out before it ends; infinite while the rows alone decide. */
  free: number;
  /** What the worker said it holds; `null` when it cannot say. */
  held: readonly { buildId: string; term: number }[] | null;
  /** Aborted when the other side is gone or asked anew. */
  signal: AbortSignal;
  /** Writes the job; `false` when it could not be written. */
  give: (job: Job) => boolean;
};

/**
 * Keeps a worker parked behind an open connection and hands it builds. What is assigned and unknown to the worker is given
 * again at the start; after that, what was given counts as known. Ends with the signal, or when `free` builds were given.
 */
export async function streamJobs(room: Room, { workerId, free, held, signal, give }: StreamOf): Promise<void> {
  let left = free;
  let known = held;
  while (left > 0 && !signal.aborted && !room.live.dispatch.stopping) {
    try {
      const [worker] = await readWorkers(room.db, [workerId]);
      if (!worker) return;
      const { job } = await room.live.dispatch.park(worker, {
        held: known,
        free: left,
        waitMs: parkMs,
        signal,
        mute: true,
      });
      if (job && !give(job)) await room.live.dispatch.lost(job);
      else if (job) left -= 1;
      // From here on the connection is the proof: what the rows say it holds, it holds or ends by its lease.
      if (job || known === null) known = (await readWorkers(room.db, [workerId]))[0]?.held ?? [];
    } catch (error) {
      room.telemetry.logger.warn(
        { error: asError(error), workerId },
        'a connected worker could not be served; trying again',
      );
      await room.clock.sleep(retryMs, signal).catch(() => undefined);
    }
  }
}
