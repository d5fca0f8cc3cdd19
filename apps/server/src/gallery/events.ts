import type { Tx } from '#kernel/db';
import type { BotChanges } from './bot-changes.ts';
import type { GalleryDeps } from './deps.ts';
import type { Feed } from './feed.ts';
import type { GalleryMetrics } from './metrics.ts';
import { insertActivities, type NewActivity } from './queries/activity.ts';
import type { GalleryEmission, Room } from './room.ts';

/**
 * All telling of this room: rows of the feed, events for webhooks, counters, log records. Rows and webhooks go with the
 * transaction; counters and log records come after its commit, so nothing is told of what did not happen.
 */
export function galleryTelling(
  deps: Pick<GalleryDeps, 'telemetry' | 'notify'>,
  metrics: GalleryMetrics,
  feed: Feed,
  bots: Pick<BotChanges, 'changed'>,
): Pick<Room, 'tell' | 'told' | 'emit' | 'published'> {
  const { logger } = deps.telemetry;
  return {
    tell: (tx: Tx, rows: readonly NewActivity[]) => {
      if (rows.length === 0) return;
      insertActivities(tx, rows);
      tx.afterCommit(() => {
        for (const projectId of new Set(rows.map((row) => row.projectId))) feed.kick(projectId);
        for (const { projectId, botId } of rows) if (botId !== null) bots.changed(projectId, [botId]);
      });
    },
    told: (projectId) => feed.kick(projectId),
    published: (projectId) => feed.published(projectId),
    emit: (tx: Tx, events: readonly GalleryEmission[]) => {
      if (events.length === 0) return;
      deps.notify?.(tx, events);
      tx.afterCommit(() => {
        for (const event of events) {
          metrics.events.add({ type: event.type }, event.count ?? 1);
          if (event.type.startsWith('gallery.bot.') || event.type.startsWith('gallery.fleet.'))
            bots.changed(event.projectId, event.botId === undefined ? undefined : [event.botId]);
          // Acts come by the hundred a second; each is in the feed and the ledger.
          logger[event.type.startsWith('gallery.action.') ? 'debug' : 'info']({ ...event }, event.type);
        }
      });
    },
  };
}
