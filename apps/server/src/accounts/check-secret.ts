import type { Db } from '#kernel/db';
import { changeFact, keepFact } from './queries.ts';

type Box = { seal(plain: Uint8Array): Uint8Array; open(sealed: Uint8Array): Uint8Array };

/**
 * Whether this server's secret is the one the database was used with. The first start leaves a sealed word; a later one
 * that cannot open it would not read stored signing material either, and must say so instead of failing one by one. A word that
 * opens is sealed anew: after a change of the secret it is the new one that counts, also once the former one is taken away.
 */
export async function checkSecret(db: Db, box: Box): Promise<'same' | 'other'> {
  const mark = Buffer.from(box.seal(Buffer.from('muster'))).toString('base64');
  return db.transaction(async (tx) => {
    const kept = await keepFact(tx, 'secret_check', mark);
    if (!opens(box, kept)) return 'other';
    if (kept !== mark) await changeFact(tx, 'secret_check', mark);
    return 'same';
  });
}

function opens(box: Box, kept: unknown): boolean {
  if (typeof kept !== 'string') return false;
  try {
    box.open(Buffer.from(kept, 'base64'));
    return true;
  } catch {
    return false;
  }
}
