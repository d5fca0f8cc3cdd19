import { invalid } from '#kernel/base';
import type { BlobFacts, BlobKey, BlobStore } from './blobs.ts';
import { chunksOf } from './chunks.ts';

/**
 * Streams `source` into a new blob, holding one chunk at a time. More than `bytesMax` bytes → `invalid`
 * `size_exceeded` (413), and nothing is left behind, as after any other failure.
 * A Node stream that was not read to its end is left for the caller to drain or destroy.
 */
export async function putBlob(
  store: BlobStore,
  key: BlobKey,
  source: AsyncIterable<Uint8Array>,
  bytesMax: number,
): Promise<BlobFacts> {
  await using writer = await store.create(key);
  for await (const chunk of chunksOf(source)) {
    if (writer.bytes + chunk.length > bytesMax) {
      throw invalid('size_exceeded', `More than ${bytesMax} bytes were sent.`, { status: 413, extra: { bytesMax } });
    }
    await writer.write(chunk);
  }
  return await writer.commit();
}
