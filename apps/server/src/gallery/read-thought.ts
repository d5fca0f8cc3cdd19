import type { GalleryThought } from '@muster/protocol';
import { furtherId } from '#gallery/loop';
import type { Principal } from '#kernel/auth';
import { notFound } from '#kernel/base';
import { showActivity } from './feed.ts';
import { activitiesOf } from './queries/activity.ts';
import { readLedger, readThought } from './queries/records.ts';
import type { Room } from './room.ts';

/** One think from its reason to its effect, as long as anything of it is kept. `notFound` `no_such_thought`. */
export async function showThought(room: Room, who: Principal, thoughtId: string): Promise<GalleryThought> {
  room.auth.requireScope(who, 'gallery:read');
  // The rows of one think have ids that follow from its own.
  const ids = [thoughtId, furtherId(thoughtId, 'activity 1'), furtherId(thoughtId, 'slept')];
  const [decision, action, activity] = await Promise.all([
    readThought(room.db, who.projectId, thoughtId),
    readLedger(room.db, who.projectId, thoughtId),
    activitiesOf(room.db, who.projectId, ids),
  ]);
  const botId = decision?.botId ?? action?.botId ?? activity.find((row) => row.botId !== null)?.botId;
  if (botId === undefined || botId === null)
    throw notFound('no_such_thought', 'There is no such think, or all that was kept of it is gone.');
  return {
    thoughtId,
    botId,
    decision: decision ? { ...decision, at: decision.at.toISOString() } : null,
    action: action
      ? { ...action, openedAt: action.openedAt.toISOString(), closedAt: action.closedAt?.toISOString() ?? null }
      : null,
    activity: activity.map(showActivity),
  };
}
