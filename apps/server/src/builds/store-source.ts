import { invalid, reach } from '#kernel/base';
import { putBlob } from '#kernel/blobs';
import { newBlobKey } from './queries/blob-names.ts';
import type { Room } from './room.ts';
import { formatOf, MagicReader, wrongFormat } from './source-format.ts';
import type { StoredSource } from './submit-build.ts';

/**
 * Streams a source archive to disk: hashed and counted on the way, one chunk in memory. Errors: `invalid`
 * `source_missing` (no byte), `source_format`, `size_exceeded` (413); nothing stays after any of them.
 * `anyFormat` (legacy): what is no known archive is taken as the zip it claims to be; the worker finds out.
 */
export async function storeSource(
  room: Pick<Room, 'blobs' | 'config' | 'metrics'>,
  body: AsyncIterable<Uint8Array>,
  options: { anyFormat?: boolean } = {},
): Promise<StoredSource> {
  const blob = newBlobKey('source');
  const head = options.anyFormat ? new LooseHead() : new MagicReader();
  const { bytes, sha256 } = await putBlob(room.blobs, blob, head.through(body), room.config.sourceBytesMax);
  room.metrics.uploadBytes.add({ purpose: 'source' }, bytes);
  try {
    if (bytes === 0) throw sourceMissing();
    const format = head.format();
    await reach('submit.blob-renamed');
    return { blob, bytes, sha256, format };
  } catch (error) {
    await room.blobs.remove(blob);
    throw error;
  }
}

export const sourceMissing = (): Error =>
  invalid('source_missing', 'A build needs a source archive with at least one byte.', {
    errors: [{ pointer: '/source', detail: 'missing or empty' }],
  });

/** Looks at the first chunk only and refuses nothing. */
class LooseHead {
  #head: Uint8Array | undefined;

  async *through(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
    for await (const chunk of source) {
      this.#head ??= Uint8Array.from(chunk.subarray(0, 4));
      yield chunk;
    }
  }

  format(): 'zip' | 'tar.gz' | 'tar.zst' {
    if (!this.#head) throw wrongFormat();
    return formatOf(this.#head) ?? 'zip';
  }
}
