import { chmod, mkdtemp } from 'node:fs/promises';
import path from 'node:path';

/**
 * A new folder for a bench to work in and to remove. Others may search it: run as root, Postgres is another user, and where
 * it may not pass it puts its database outside, where nobody would remove it.
 */
export async function benchFolder(parent: string, prefix: string): Promise<string> {
  const folder = await mkdtemp(path.join(parent, prefix));
  await chmod(folder, 0o711);
  return folder;
}
