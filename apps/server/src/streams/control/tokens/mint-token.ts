import { type Principal, writeAudit } from '#kernel/auth';
import type { Once } from '#kernel/http';
import type { Asked, Room } from './deps.ts';
import type { NewTokenBody, TokenShape } from './shapes.ts';

type Key = Extract<Principal, { kind: 'key' }>;

/**
 * A token for a page of the project's own site, no wider than the key that asks: what that key may not do, the token may
 * not either, now and later. Errors: `forbidden` `missing_scope`; `invalid` `token_too_long`.
 */
export async function mintToken(
  room: Room,
  { who, address, requestId }: Asked<Key>,
  input: NewTokenBody,
  once: Once,
): Promise<TokenShape> {
  room.auth.requireScope(who, 'streams:operate');
  const { ttlMs, renewable } = input;
  const rights = {
    paths: [...new Set(input.paths)],
    operations: [...new Set(input.operations)],
    producerPrefix: input.producerPrefix ?? null,
    subject: input.subject ?? null,
  };
  const minted = await room.db.transaction((tx) =>
    once(tx, async () => {
      const made = await room.auth.issueBrowserToken({
        ...rights,
        keyId: who.keyId,
        projectId: who.projectId,
        renewable,
        ttlMs,
      });
      const after = { ...rights, renewable, expiresAt: new Date(made.expiresAt).toISOString() };
      await writeAudit(tx, { who, address, requestId, action: 'stream_token.minted', subject: made.tokenId, after });
      return showToken(made, room.clock.now());
    }),
  );
  room.acted.add({ act: 'minted' });
  return minted;
}

/** With a fifth of its life left: time enough to try twice. */
export const showToken = ({ token, expiresAt }: { token: string; expiresAt: number }, now: number): TokenShape => ({
  token,
  expiresAt: new Date(expiresAt).toISOString(),
  refreshAt: new Date(now + Math.max(0, expiresAt - now) * 0.8).toISOString(),
});
