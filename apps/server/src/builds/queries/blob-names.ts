import { newId } from '#kernel/base';
import type { BlobKey } from '#kernel/blobs';

export type BlobKind = 'source' | 'certs' | 'artifact';

export const blobPrefix = 'builds/';

/**
 * A key nobody has used: ours only, so no name from a user can reach the disk. Tables hold the whole key. `staging` is
 * where a credential bundle grows before it is checked and sealed.
 */
export const newBlobKey = (kind: BlobKind | 'staging'): BlobKey => `${blobPrefix}${kind}/${newId('blob')}`;
