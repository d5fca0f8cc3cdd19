import type { Scope } from '@muster/protocol';
import { nameOf, writeAudit } from '#kernel/auth';
import { conflict } from '#kernel/base';
import { type Asked, firstOf, type Room } from './deps.ts';
import { settingsTopic } from './public-paths.ts';
import { findSettings, putSettings } from './queries.ts';
import type { SettingsBody, SettingsShape } from './shapes.ts';

/** Version 0: nothing was ever set. */
export async function readSettings(room: Room, { who }: Pick<Asked, 'who'>): Promise<SettingsShape> {
  room.auth.requireScope(who, 'streams:admin');
  const row = await findSettings(room.db, who.projectId);
  return { publicRead: row?.publicRead ?? [], version: row?.version ?? 0 };
}

/**
 * Says what anybody may read. Streams of a room are shown to the world by whoever administers that room. Errors: `forbidden`
 * `missing_scope`; `conflict` `version_conflict`.
 */
export async function changeSettings(
  room: Room,
  { who, address, requestId }: Asked,
  input: SettingsBody,
  ifMatch: (version: number) => void,
): Promise<SettingsShape> {
  room.auth.requireScope(who, 'streams:admin');
  const publicRead = [...new Set(input.publicRead)];
  for (const pattern of publicRead) {
    const scope = room.managedScope(firstOf(pattern));
    if (scope !== undefined) room.auth.requireScope(who, administering(scope));
  }
  const { projectId } = who;
  return room.db.transaction(async (tx) => {
    const before = await findSettings(tx, projectId);
    const version = before?.version ?? 0;
    ifMatch(version);
    const row = await putSettings(tx, { projectId, publicRead, by: nameOf(who), version });
    if (!row)
      throw conflict('version_conflict', 'Somebody else changed these settings at the same moment; read them again.', {
        extra: { version: (await findSettings(tx, projectId))?.version ?? 0 },
      });
    await writeAudit(tx, {
      who,
      address,
      requestId,
      action: 'streams.settings_changed',
      subject: projectId,
      before: { publicRead: before?.publicRead ?? [] },
      after: { publicRead },
    });
    tx.afterCommit(() => {
      room.publicPaths.put(row);
      room.bus.publish(settingsTopic, projectId);
    });
    return { publicRead: row.publicRead, version: row.version };
  });
}

const administering = (scope: Scope): Scope => scope.replace(/:.*/, ':admin') as Scope;
