import { PostgresQueue, type QueueOptions } from './postgres-queue.ts';
import type { Queue } from './queue.ts';

export type { JobEnd, JobEvent, JobState } from './job-state.ts';
export type { QueueTimes } from './limits.ts';
export { findJob, type JobFilter, type JobView, listJobs, moveJob, readJobPayload } from './look.ts';
export type { QueueOptions } from './postgres-queue.ts';
export {
  type AbortReason,
  type BadEnd,
  cancel,
  done,
  type HandleOptions,
  type Handler,
  type Job,
  JobAborted,
  type JobCounts,
  type JobInput,
  type Outcome,
  type Queue,
  retry,
  snooze,
} from './queue.ts';

/**
 * The queue of this process on the tables of its database. Register handlers and schedules, then `start`.
 *
 * @example
 * const queue = createQueue({ db, bus, holder: node.name, logger, metrics });
 * queue.handle('builds.retention', async (job) => (await removeOldBuilds(deps, job.signal), done));
 * queue.schedule('builds.retention', { everyMs: 60_000 });
 * await queue.start();
 * await db.transaction(async (tx) => queue.enqueue(tx, { kind: 'builds.retention', payload: undefined }));
 */
export const createQueue = (options: QueueOptions): Queue => new PostgresQueue(options);
