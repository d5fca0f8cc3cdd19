import { done, type Outcome } from '#kernel/queue';
import { bulkHandler, bulkJob } from './bulk-builds.ts';
import { logCloser } from './close-logs.ts';
import { meterStorage } from './meter-storage.ts';
import { resumeQueueJob, resumeQueueKind } from './pause-queue.ts';
import { applyRetention } from './retention.ts';
import type { Room } from './room.ts';
import { expireUploads, sweepBlobs } from './sweep-blobs.ts';

const minute = 60_000;
/** The queue's longest run for work that goes through everything there is. */
const timeoutMs = 6 * 60 * minute;

/** Everything this room does in the background through the queue. Before `queue.start`. */
export function registerBuildJobs(room: Room): void {
  const { queue } = room;
  queue.handle(bulkJob, bulkHandler(room), { concurrency: 2, timeoutMs });
  queue.handle(resumeQueueKind, resumeQueueJob(room));

  recurring('builds.retention', 15 * minute, (signal) => applyRetention(room, signal));
  recurring('builds.close-logs', minute / 2, logCloser(room));
  recurring('builds.sweep-blobs', 60 * minute, (signal) => sweepBlobs(room, signal));
  recurring('builds.expire-uploads', 5 * minute, (signal) => expireUploads(room, signal));
  recurring('builds.meter-storage', 10 * minute, () => meterStorage(room));

  function recurring(kind: string, everyMs: number, work: (signal: AbortSignal) => Promise<unknown>): void {
    queue.handle(
      kind,
      async ({ signal }): Promise<Outcome> => {
        const result = await work(signal);
        room.telemetry.logger.debug({ room: 'builds', job: kind, result }, 'job done');
        return done;
      },
      { concurrency: 1, timeoutMs },
    );
    queue.schedule(kind, { everyMs });
  }
}
