import { defaultProjectId } from '#kernel/auth';
import { done, type Outcome } from '#kernel/queue';
import { bulkHandler, bulkKind } from './bulk-bots.ts';
import { removeOldActivity } from './queries/activity.ts';
import { galleryProjects, removeOldActions, removeOldDecisions } from './queries/records.ts';
import { removeOldTasks } from './queries/tasks.ts';
import type { Room } from './room.ts';
import { seedHandler, seedKind } from './seed-bots.ts';
import { simHandler, simKind } from './simulate.ts';

/** Once after each start, when the address of this server is known: settings may name a target of the default project. */
export const readyKind = 'gallery.ready';

const minute = 60_000;
const day = 86_400_000;
/** The queue's longest run for work that goes through everything there is. */
const timeoutMs = 6 * 60 * minute;
const tasksKeptMs = 7 * day;
const batchRows = 5_000;

/** Everything this room does in the background through the queue. Before `queue.start`. */
export function registerGalleryJobs(room: Room): void {
  const { queue } = room;
  queue.handle(bulkKind, bulkHandler(room), { concurrency: 2, timeoutMs });
  queue.handle(seedKind, seedHandler(room), { concurrency: 1, timeoutMs });
  queue.handle(readyKind, async (): Promise<Outcome> => {
    await room.ready(defaultProjectId);
    return done;
  });
  queue.handle(simKind, simHandler(room), { concurrency: 1, timeoutMs });
  queue.handle(
    'gallery.retention',
    async ({ signal }): Promise<Outcome> => {
      const removed = await applyRetention(room, signal);
      room.telemetry.logger.debug({ room: 'gallery', removed }, 'old rows of the gallery removed');
      return done;
    },
    { concurrency: 1, timeoutMs },
  );
  queue.schedule('gallery.retention', { everyMs: 15 * minute });
}

/** Rows older than the settings say, in pieces, so that no lock is held for long. */
async function applyRetention(room: Room, signal: AbortSignal): Promise<number> {
  const { config, db, clock } = room;
  const before = (days: number): Date => new Date(clock.now() - days * day);
  let removed = 0;
  const inPieces = async (piece: () => Promise<number>): Promise<void> => {
    for (let rows = batchRows; rows === batchRows && !signal.aborted; removed += rows) rows = await piece();
  };
  await inPieces(() => db.transaction((tx) => removeOldActivity(tx, before(config.retentionActivityDays), batchRows)));
  await inPieces(() => db.transaction((tx) => removeOldActions(tx, before(config.retentionActionsDays), batchRows)));
  for (const projectId of await galleryProjects(db)) {
    const until = before(config.retentionDecisionsDays);
    await inPieces(() => db.transaction((tx) => removeOldDecisions(tx, projectId, until, batchRows)));
  }
  await db.transaction((tx) => removeOldTasks(tx, new Date(clock.now() - tasksKeptMs)));
  return removed;
}
