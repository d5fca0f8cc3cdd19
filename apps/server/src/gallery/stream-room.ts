import { idPattern, type Scope } from '@muster/protocol';
import type { Principal } from '#kernel/auth';
import type { StreamKey, View } from '#kernel/log';
import { requireBot } from './access.ts';
import { changesKey, ensureChanges } from './bot-changes.ts';
import { BotViews, ensureStream, feedKey } from './feed.ts';
import type { Room } from './room.ts';

/** Whose streams are read at `/v1/stream/gallery/…`, and by whom. The room alone writes to them. */
export type GalleryStreams = {
  readonly prefix: 'gallery';
  readonly scope: Scope;
  mayRead(who: Principal, segments: readonly string[]): Promise<{ key: StreamKey; view?: View } | undefined>;
};

const botId = idPattern('galleryBot');

/**
 * `gallery/activity`, and `gallery/bots/<gbt>`: the same positions, that bot's lines only; `gallery/events`: how bots are now.
 * Errors: those of `requireBot`.
 */
export function galleryStreams(room: Room): GalleryStreams {
  const views = new BotViews();
  return {
    prefix: 'gallery',
    scope: 'gallery:read',
    async mayRead(who, [, what, id, ...more]) {
      if (what === 'events' && id === undefined) return botEvents(room, who);
      const whole = what === 'activity' && id === undefined;
      if (!whole && (what !== 'bots' || id === undefined || more.length > 0 || !botId.test(id))) return undefined;
      room.auth.requireScope(who, 'gallery:read');
      if (!whole) await requireBot(room.db, who, id ?? '');
      const key = feedKey(who.projectId);
      await ensureStream(room.log, key);
      await room.published(who.projectId);
      return whole || id === undefined ? { key } : { key, view: views.of(id) };
    },
  };
}

async function botEvents(room: Room, who: Principal): Promise<{ key: StreamKey }> {
  room.auth.requireScope(who, 'gallery:read');
  const key = changesKey(who.projectId);
  await ensureChanges(room.log, key);
  return { key };
}
