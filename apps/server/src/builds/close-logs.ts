import { MusterError } from '#kernel/base';
import { type EndedBuild, endedBuilds, lateLinesMs } from './queries/log.ts';
import type { Room } from './room.ts';
import { logKey } from './stream-keys.ts';

/** Builds of one look. */
const batch = 500;
/** How many logs are closed at once. */
const atOnce = 50;
/** How far back the first pass of a process looks: what ended while nobody closed logs is closed then. */
const firstLookMs = 7 * 86_400_000;
/** Behind the last moment at which a late line is taken. */
const afterEndMs = lateLinesMs + 5_000;

/**
 * Closes the logs of builds that are over, so that readers know that nothing more comes: as soon as late lines are no longer
 * taken. What the server says of such a build afterwards (that it was retried) is in its events alone, which stay open.
 * The function returned makes one pass, going on where the one before ended.
 */
export function logCloser(room: Room): (signal?: AbortSignal) => Promise<number> {
  let after: Pick<EndedBuild, 'finishedAt' | 'id'> | undefined;
  return async (signal) => {
    let closed = 0;
    for (;;) {
      const builds = await endedBuilds(room.db, after, { firstLookMs, afterEndMs, limit: batch });
      for (let i = 0; i < builds.length; i += atOnce) {
        if (signal?.aborted) return closed;
        const some = builds.slice(i, i + atOnce);
        closed += (await Promise.all(some.map((build) => close(room, build)))).filter((did) => did).length;
        after = some.at(-1);
      }
      if (builds.length < batch) return closed;
    }
  };
}

/** False when there was nothing to close: closed before, removed, or never written. */
async function close(room: Room, { id, projectId }: EndedBuild): Promise<boolean> {
  try {
    const { outcome } = await room.log.append({ key: logKey(projectId, id), messages: [], close: true });
    return outcome === 'stored';
  } catch (error) {
    if (error instanceof MusterError && error.code === 'notFound') return false;
    throw error;
  }
}
