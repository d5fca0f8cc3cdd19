import type { ApiKey } from '@muster/protocol';
import { writeAudit } from '#kernel/auth';
import type { AccountsDeps, Asker } from './deps.ts';
import { showKey } from './shapes.ts';

/** Ends a key on every node within a second. Revoking twice is the same as once. */
export async function revokeKey(
  { db, auth }: AccountsDeps,
  { who, address, requestId }: Asker,
  keyId: string,
): Promise<ApiKey> {
  auth.requireScope(who, 'accounts:admin');
  return db.transaction(async (tx) => {
    const shown = showKey(await auth.revokeKey(tx, who.projectId, keyId, who));
    await writeAudit(tx, {
      who,
      address,
      requestId,
      action: 'key.revoked',
      subject: keyId,
      after: { revokedAt: shown.revokedAt },
    });
    return shown;
  });
}
