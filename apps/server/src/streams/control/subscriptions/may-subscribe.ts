import type { Principal } from '#kernel/auth';
import { forbidden, unauthenticated } from '#kernel/base';
import type { Room } from './deps.ts';

/** `unauthenticated` `no_credential`; `forbidden` `missing_scope`, which leaves these calls as `scope_missing`. */
export function maySubscribe(room: Pick<Room, 'auth'>, who: Principal): void {
  if (who.kind === 'anonymous')
    throw unauthenticated('no_credential', 'Subscriptions need a credential: Authorization: Bearer <API key>.');
  room.auth.requireScope(who, 'streams:operate');
}

/**
 * Streams and patterns of a room's prefix need what reading there needs; a pattern sees such a prefix only when it names it.
 * `forbidden` `missing_scope`.
 */
export function mayWatch(room: Pick<Room, 'auth' | 'managedScope'>, who: Principal, paths: readonly string[]): void {
  for (const path of paths) {
    const scope = room.managedScope(path.split('/', 1)[0] ?? '');
    if (scope !== undefined) room.auth.requireScope(who, scope);
  }
}

/** The wake stream is written by us for whoever subscribes: not into a room's own prefix. `forbidden` `managed_stream`. */
export function mayWake(room: Pick<Room, 'managedScope'>, wakeStream: string): void {
  if (room.managedScope(wakeStream.split('/', 1)[0] ?? '') === undefined) return;
  throw forbidden('managed_stream', `${wakeStream} belongs to a room of this server, which alone writes to it.`, {
    extra: { path: wakeStream },
  });
}
