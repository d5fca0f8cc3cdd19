import type { Db } from '#kernel/db';
import { keepFact } from './queries.ts';

type Box = { seal(plain: Uint8Array): Uint8Array; open(sealed: Uint8Array): Uint8Array };

/**
 * Whether this server's secret is the one the database was used with. The first start leaves a sealed word; a later one
 * that cannot open it would not read stored signing material either, and must say so instead of failing one by one.
 */
export async function checkSecret(db: Db, box: Box): Promise<'same' | 'other'> {
  const mark = Buffer.from(box.seal(Buffer.from('muster'))).toString('base64');
  const kept = await db.transaction((tx) => keepFact(tx, 'secret_check', mark));
  if (typeof kept !== 'string') return 'other';
  try {
    box.open(Buffer.from(kept, 'base64'));
    return 'same';
  } catch {
    return 'other';
  }
}
