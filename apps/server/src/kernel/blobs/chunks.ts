import { Readable } from 'node:stream';

/**
 * Reads a source without destroying it when we stop early: a refused upload must still get its answer over the same
 * socket, so whoever owns the stream drains or destroys it.
 */
export const chunksOf = (source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> =>
  source instanceof Readable ? source.iterator({ destroyOnReturn: false }) : source;

/** As `chunksOf`, but a source that breaks off just ends, after `onCut` was told why. */
export async function* chunksUntilCut(
  source: AsyncIterable<Uint8Array>,
  onCut: (cause: unknown) => void,
): AsyncGenerator<Uint8Array, void> {
  try {
    yield* chunksOf(source);
  } catch (cause) {
    onCut(cause);
  }
}
