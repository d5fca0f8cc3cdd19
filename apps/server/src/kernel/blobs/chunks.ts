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

/** Whether a chunk is all of its memory: neither a part of a larger piece nor of the pool of small buffers. */
export const isWhole = (chunk: Uint8Array): boolean =>
  chunk.byteLength > 0 && chunk.byteLength === chunk.buffer.byteLength && chunk.buffer instanceof ArrayBuffer;

/**
 * Gives the memory of a chunk back at once. Left to the garbage collector, the chunks of a gigabyte pile up to what it
 * takes for a reason to run (64 MB outside the heap). Only a whole chunk is freed, any other is left alone. Nobody may
 * look at it afterwards: it is empty.
 */
export function release(chunk: Uint8Array | undefined): void {
  if (chunk && isWhole(chunk) && chunk.buffer instanceof ArrayBuffer) chunk.buffer.transfer(0);
}
