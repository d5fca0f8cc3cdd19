import { exhausted } from '#kernel/base';
import type { Tx } from '#kernel/db';
import { type Load, lockQuota, peekLoad, readLoad } from './queries/submit.ts';
import type { Room } from './room.ts';

/**
 * Below a quota by more than this, submits do not wait for each other: fewer of them can be under way at once than the
 * margin holds, so they cannot pass the quota together. Within it they go one at a time.
 */
const marginBuilds = 1_000;
const marginBytes = 16 * 2 ** 30;

const queueRetryMs = 5_000;
const storageRetryMs = 60_000;

type Need = { builds: number; bytes: number };

/** Refuses what would pass the project's quotas, exactly. `exhausted` `queue_full`, `storage_full`. */
export async function checkQuota(room: Pick<Room, 'config'>, tx: Tx, projectId: string, need: Need): Promise<void> {
  const { queuedMax, storedBytesMax } = room.config;
  let load = await readLoad(tx, projectId, queuedMax);
  if (load.queued + marginBuilds >= queuedMax || load.storedBytes + need.bytes + marginBytes >= storedBytesMax) {
    await lockQuota(tx, projectId);
    load = await readLoad(tx, projectId, queuedMax);
  }
  refuse(room, load, need);
}

/** The same before a body is read, without certainty: what is full now is refused now. */
export async function peekQuota(room: Pick<Room, 'config' | 'db'>, projectId: string, need: Need): Promise<void> {
  refuse(room, await peekLoad(room.db, projectId, room.config.queuedMax), need);
}

function refuse(room: Pick<Room, 'config'>, load: Load, need: Need): void {
  const { queuedMax, storedBytesMax } = room.config;
  if (need.builds > 0 && load.queued + need.builds > queuedMax) {
    throw exhausted('queue_full', `${queuedMax} builds of this project are already queued.`, {
      retryAfterMs: queueRetryMs,
    });
  }
  if (load.storedBytes + need.bytes > storedBytesMax) {
    throw exhausted('storage_full', `The stored files of this project have reached ${storedBytesMax} bytes.`, {
      retryAfterMs: storageRetryMs,
    });
  }
}
