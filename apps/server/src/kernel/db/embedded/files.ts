import { randomBytes } from 'node:crypto';
import { chmod, chown, lstat, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ServerUser } from './user.ts';

/** Writes a small file so that after a crash either the old or the whole new content is there. */
export async function writeWhole(path: string, content: string, mode: number, owner?: ServerUser): Promise<void> {
  const half = `${path}.${randomBytes(6).toString('hex')}.new`;
  const file = await open(half, 'wx', mode);
  try {
    await file.writeFile(content);
    await file.chmod(mode);
    if (owner?.uid !== undefined && owner.gid !== undefined) await file.chown(owner.uid, owner.gid);
    await file.sync();
  } catch (error) {
    await rm(half, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  await rename(half, path);
  await syncFolder(dirname(path));
}

/** Makes renames and removals inside `folder` survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A 0700 folder that belongs to `user`; only this folder changes, never its parents. */
export async function privateFolder(folder: string, user: ServerUser): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (process.platform === 'win32') return;
  // As root the rights are set before the owner, and never through a link somebody else could have put there.
  if (!(await lstat(folder)).isDirectory()) throw new Error(`${folder} is not a folder`);
  await chmod(folder, 0o700);
  if (user.uid !== undefined && user.gid !== undefined) await chown(folder, user.uid, user.gid);
}

/**
 * The folder around the cluster. It stays ours, so that nothing we write there as root can be led elsewhere by the user of
 * Postgres, who may only pass through.
 */
export async function homeFolder(folder: string, user: ServerUser): Promise<void> {
  await privateFolder(folder, { name: user.name });
  if (user.uid !== undefined) await chmod(folder, 0o711);
}

export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}
