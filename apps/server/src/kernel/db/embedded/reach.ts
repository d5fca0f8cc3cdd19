import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { ServerUser } from './user.ts';

/**
 * The first folder on the way to `path` that `user` may not pass, or nothing when the way is free. A 0700 home or
 * temporary folder is the usual case. `path` itself need not exist. Rights are only read, never changed.
 */
export async function blockedAt(path: string, user: ServerUser): Promise<string | undefined> {
  if (user.uid === undefined || process.platform === 'win32') return undefined;
  const way: string[] = [];
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    way.unshift(folder);
    if (folder === dirname(folder)) break;
  }
  for (const folder of way) {
    const found = await stat(folder).catch(() => undefined);
    if (found && !allows(found, user, 0o1)) return folder;
  }
  return undefined;
}

/** Whether the mode bits of `found` give `user` every right of `rights` (4 read, 2 write, 1 search or execute). */
export function allows(found: { uid: number; gid: number; mode: number }, user: ServerUser, rights: number): boolean {
  if (user.uid === undefined) return true;
  const shift = found.uid === user.uid ? 6 : found.gid === user.gid ? 3 : 0;
  return ((found.mode >> shift) & rights) === rights;
}
