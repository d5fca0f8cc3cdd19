import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Leaves the first admin key where only the owner of the data folder reads it. Written before its row is committed: a
 * crash between the two leaves a file that opens nothing and is replaced at the next start, never a key nobody saw.
 */
export async function leaveFirstKey(dataDir: string, secret: string): Promise<string> {
  const path = join(dataDir, 'first-key');
  const staged = `${path}.${randomUUID()}`;
  try {
    const file = await open(staged, 'wx', 0o600);
    try {
      await file.writeFile(`${secret}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(staged, path);
  } finally {
    await rm(staged, { force: true });
  }
  return path;
}
