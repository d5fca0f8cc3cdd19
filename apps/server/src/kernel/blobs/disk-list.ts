import { opendir } from 'node:fs/promises';
import path from 'node:path';
import { type BlobEntry, type BlobKey, blobListMax } from './blobs.ts';
import type { DiskFiles } from './disk-files.ts';
import { codeOf } from './faults.ts';
import { keyPartsMax } from './keys.ts';

/**
 * One page of keys in order. The folder is read as a stream and only the smallest keys are kept, so memory does not
 * grow with the number of blobs.
 */
export async function listDisk(files: DiskFiles, prefix: string, after: BlobKey | undefined): Promise<BlobEntry[]> {
  const smallest: BlobKey[] = [];
  const cut = (): void => void smallest.sort().splice(blobListMax);

  async function walk(folder: string, depth: number): Promise<void> {
    for await (const entry of await entriesOf(path.join(files.root, folder))) {
      const key = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory() && depth < keyPartsMax && mayHold(key, prefix)) await walk(key, depth + 1);
      if (!entry.isFile() || !key.startsWith(prefix) || (after !== undefined && key <= after)) continue;
      smallest.push(key);
      if (smallest.length >= 4 * blobListMax) cut();
    }
  }
  await walk(prefix.slice(0, Math.max(0, prefix.lastIndexOf('/'))), 1);
  cut();

  const entries: BlobEntry[] = [];
  for (const key of smallest) {
    const found = await files.stat(files.pathOf(key));
    if (found) entries.push({ key, ...found }); // removed meanwhile otherwise
  }
  return entries;
}

/** Whether keys below `folder/` can start with `prefix`. */
const mayHold = (folder: string, prefix: string): boolean => {
  const inside = `${folder}/`;
  return inside.startsWith(prefix) || prefix.startsWith(inside);
};

async function entriesOf(folder: string): Promise<Awaited<ReturnType<typeof opendir>> | []> {
  try {
    return await opendir(folder, { bufferSize: 256 });
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}
