import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import type { Publication } from '#gallery/model';
import { type Sandbox, sceneBlobKey } from '#gallery/sandbox';
import { type BlobStore, putBlob } from '#kernel/blobs';

type Picture = Publication['image'];
export type PictureStore = {
  store(picture: { bytes: Uint8Array; mimeType: Picture['mimeType'] }): Promise<Picture>;
  again(stored: Omit<Picture, 'bytes'>): Picture;
};

/** Where the gallery built in here looks for pixels, by what they are. */
const pixelsKey = (sha256: string): string => `gallery/pictures/${sha256}`;

/**
 * Pictures of bots as blobs, before anything is said of them to a target. Both kinds lie where the gallery built in here
 * serves them, so that its address is one the world can read; the same bytes are the same blob.
 */
export function pictureStore(
  blobs: BlobStore,
  sandbox: Pick<Sandbox, 'storeScene'>,
  publicBase: () => string,
): PictureStore {
  const again = (stored: Omit<Picture, 'bytes'>): Picture => ({
    ...stored,
    bytes: async () =>
      buffer(
        await blobs.read(stored.mimeType === 'image/png' ? pixelsKey(stored.blobId) : sceneBlobKey(stored.blobId)),
      ),
  });
  return {
    again,
    store: async ({ bytes, mimeType }) => {
      if (mimeType === 'image/svg+xml') {
        const { blobId, path } = await sandbox.storeScene(Buffer.from(bytes).toString('utf8'));
        return again({ blobId, mimeType, publicUrl: publicBase() + path });
      }
      const blobId = createHash('sha256').update(bytes).digest('hex');
      const key = pixelsKey(blobId);
      if (!(await blobs.stat(key))) await putBlob(blobs, key, once(bytes), bytes.length);
      return again({ blobId, mimeType, publicUrl: `${publicBase()}/sandbox/images/${blobId}.png` });
    },
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  // The store takes over the memory of what it is given.
  yield Uint8Array.from(bytes);
}
