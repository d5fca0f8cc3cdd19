import type { ApiKey } from '@muster/protocol';
import { writeAudit } from '#kernel/auth';
import type { Once } from '#kernel/http';
import type { AccountsDeps, Asker } from './deps.ts';
import { mayHold } from './may-hold.ts';
import { type NewKeyBody, showKey } from './shapes.ts';

/** A new key in the asker's project. Nobody hands out scopes they do not hold. The secret is in this answer only. */
export async function createKey(
  { db, auth, clock }: AccountsDeps,
  { who, address, requestId }: Asker,
  input: NewKeyBody,
  once: Once,
): Promise<ApiKey & { secret: string }> {
  auth.requireScope(who, 'accounts:admin');
  mayHold({ clock }, who, input.scopes);
  return db.transaction((tx) =>
    once(tx, async () => {
      const { expiresAt, addresses, ...rest } = input;
      const { row, secret } = await auth.createKey(
        tx,
        { ...rest, projectId: who.projectId, ...(expiresAt ? { expiresAt } : {}), ...(addresses ? { addresses } : {}) },
        who,
      );
      const shown = showKey(row);
      await writeAudit(tx, { who, address, requestId, action: 'key.created', subject: row.id, after: shown });
      return { ...shown, secret };
    }),
  );
}
