import { type Principal, writeAudit } from '#kernel/auth';
import type { Asked, Room } from './deps.ts';

/**
 * Ends every token of an end user that exists now, on every node, and what is read with one; their server may mint new ones.
 * `forbidden` `missing_scope`.
 */
export async function revokeTokens(
  room: Room,
  { who, address, requestId }: Asked<Extract<Principal, { kind: 'key' | 'person' }>>,
  endUser: string,
): Promise<void> {
  room.auth.requireScope(who, 'streams:operate');
  await room.db.transaction(async (tx) => {
    await room.auth.revokeBrowserTokens(tx, who.projectId, { subject: endUser });
    await writeAudit(tx, { who, address, requestId, action: 'stream_token.revoked', subject: `endUser:${endUser}` });
  });
  room.acted.add({ act: 'revoked' });
}
