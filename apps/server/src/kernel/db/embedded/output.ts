import { copyFile, rename, rm, stat, truncate } from 'node:fs/promises';

const bytesMax = 10 * 1024 * 1024;
const kept = 3;

/**
 * Keeps the server's output at 3 files of 10 MB. The server holds the file open and appends, so the file is copied
 * and emptied in place; a line written in between is lost, which a log of troubles can bear.
 */
export async function rotateOutput(path: string, limitBytes: number = bytesMax): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (!found || found.size < limitBytes) return false;
  await rm(`${path}.${kept - 1}`, { force: true });
  for (let n = kept - 2; n >= 1; n--) await rename(`${path}.${n}`, `${path}.${n + 1}`).catch(() => undefined);
  await copyFile(path, `${path}.1`);
  await truncate(path, 0);
  return true;
}
