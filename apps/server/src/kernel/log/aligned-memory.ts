import { type Memory, memoryOf } from './frame.ts';

/** The compiler's library for servers does not name it. */
declare const WebAssembly: {
  Memory: new (pages: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
};

const aligned = new WeakSet<ArrayBufferLike>();
const pageBytes = 64 * 1024;

/**
 * Memory that starts on a page boundary, so that a device can fetch from it directly (`O_DIRECT`). Node's buffers are
 * aligned to 16 bytes only; a WebAssembly memory of its own starts on a page. Where none can be had, ordinary memory.
 */
export function alignedMemory(size: number): Memory {
  const pages = Math.ceil(size / pageBytes);
  try {
    const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages });
    aligned.add(buffer);
    return { bytes: Buffer.from(buffer, 0, size), words: new Uint32Array(buffer, 0, Math.floor(size / 4)) };
  } catch {
    return memoryOf(size);
  }
}

/** Whether `bytes[from, to)` lies in such memory and both ends fall on multiples of `unit`. */
export const isAligned = (bytes: Uint8Array, from: number, to: number, unit: number): boolean =>
  (bytes.byteOffset + from) % unit === 0 && (to - from) % unit === 0 && aligned.has(bytes.buffer);
