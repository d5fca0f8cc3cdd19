import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openDiskBlobs } from '#kernel/blobs';
import { blobStoreContract } from './blob-store.ts';

blobStoreContract('disk', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'muster-blobs-'));
  return {
    open: () => openDiskBlobs({ folder }),
    corrupt: async (key) => {
      const file = path.join(folder, 'data', key);
      const bytes = await readFile(file);
      bytes[1000]! ^= 1;
      await writeFile(file, bytes);
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
});
