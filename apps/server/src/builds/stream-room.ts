import type { Scope } from '@muster/protocol';
import type { Principal } from '#kernel/auth';
import type { StreamKey } from '#kernel/log';
import { requireBuild } from './access.ts';
import { bringUpToDate } from './read-log.ts';
import type { Room } from './room.ts';
import { buildEventsKey, eventsKeptMs, jsonType, logKey, projectEventsKey } from './stream-keys.ts';

/** Whose streams are read at `/v1/stream/builds/…`, and by whom. The room alone writes to them. */
export type BuildStreams = {
  readonly prefix: 'builds';
  readonly scope: Scope;
  mayRead(who: Principal, segments: readonly string[]): Promise<{ key: StreamKey } | undefined>;
};

/**
 * `builds/<bld>/log`, `builds/<bld>/events` for whoever may read the build; `builds/events` (all builds, workers and queues of
 * the project) for keys with `builds:read`. Errors: those of `requireBuild`.
 */
export const buildStreams = (room: Room): BuildStreams => ({
  prefix: 'builds',
  scope: 'builds:read',
  async mayRead(who, [, id = '', kind, ...more]) {
    if (id === 'events' && kind === undefined) return { key: await projectEvents(room, who) };
    if ((kind !== 'log' && kind !== 'events') || more.length > 0) return undefined;
    const row = await requireBuild(room, room.db, who, id, 'read');
    await bringUpToDate(room, row.id);
    return { key: (kind === 'log' ? logKey : buildEventsKey)(row.projectId, row.id) };
  },
});

async function projectEvents(room: Room, who: Principal): Promise<StreamKey> {
  room.auth.requireScope(who, 'builds:read');
  const key = projectEventsKey(who.projectId);
  // A project's stream is there from the first reader or the first event on, whichever comes first.
  if (!(await room.log.head(key)))
    await room.log.create({ key, contentType: jsonType, retention: { maxAgeMs: eventsKeptMs } });
  return key;
}
