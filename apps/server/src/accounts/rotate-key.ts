import type { ApiKey } from '@muster/protocol';
import { writeAudit } from '#kernel/auth';
import type { Once } from '#kernel/http';
import type { AccountsDeps, Asker } from './deps.ts';
import { mayHold } from './may-hold.ts';
import { showKey } from './shapes.ts';

/** Same key, new secret; the old one goes on for `overlapMs`. */
export async function rotateKey(
  { db, auth, clock }: AccountsDeps,
  { who, address, requestId }: Asker,
  input: { keyId: string; overlapMs: number },
  once: Once,
): Promise<ApiKey & { secret: string }> {
  auth.requireScope(who, 'accounts:admin');
  return db.transaction((tx) =>
    once(tx, async () => {
      const { row, secret } = await auth.rotateKey(tx, who.projectId, input.keyId, input.overlapMs, who);
      mayHold({ clock }, who, row.scopes);
      const shown = showKey(row);
      await writeAudit(tx, {
        who,
        address,
        requestId,
        action: 'key.rotated',
        subject: row.id,
        after: { previousUntil: shown.previousUntil },
      });
      return { ...shown, secret };
    }),
  );
}
