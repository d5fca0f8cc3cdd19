import { assert } from '#kernel/base';
import { alignedMemory } from './aligned-memory.ts';
import { type Memory, memoryOf } from './frame.ts';

/** Memory that mirrors the log from `lsn` on, `used` bytes of it. */
export type Chunk = { readonly memory: Memory; readonly lsn: number; used: number };

/**
 * The newest part of the log in memory, exactly as stored: frames are encoded straight into it, written from it, and read
 * back from it by followers, readers, the flusher and consumers, so a committed append is never copied to be cached.
 * The oldest chunks leave when all together exceed `keepBytes`; chunks with uncommitted bytes stay.
 *
 * Memory is used again: whoever reads must copy out before giving up the thread.
 */
export class Tape {
  readonly #chunkBytes: number;
  readonly #keepBytes: number;
  readonly #chunks: Chunk[] = [];
  readonly #free: Memory[] = [];
  #held = 0;
  #committedTo = 0;

  constructor(chunkBytes: number, keepBytes: number) {
    this.#chunkBytes = chunkBytes;
    this.#keepBytes = keepBytes;
  }

  get heldBytes(): number {
    return this.#held;
  }

  /** A chunk whose next free byte mirrors `lsn` and that has at least `bytes` left. */
  chunkAt(lsn: number, bytes: number): Chunk {
    const last = this.#chunks.at(-1);
    if (last && last.lsn + last.used === lsn && last.memory.bytes.length - last.used >= bytes) return last;
    this.#drop();
    const memory = bytes > this.#chunkBytes ? memoryOf(bytes) : (this.#free.pop() ?? alignedMemory(this.#chunkBytes));
    this.#held += memory.bytes.length;
    const chunk: Chunk = { memory, lsn, used: 0 };
    this.#chunks.push(chunk);
    return chunk;
  }

  /** Everything below `lsn` is durable and may leave. */
  committed(lsn: number): void {
    assert(lsn >= this.#committedTo, 'commits go forward');
    this.#committedTo = lsn;
  }

  /** Nobody may see what lies below `lsn` any more: it is blanked and given back. */
  forget(lsn: number): void {
    for (let oldest = this.#chunks[0]; oldest && oldest.lsn + oldest.used <= lsn; oldest = this.#chunks[0]) {
      if (oldest.lsn + oldest.used > this.#committedTo) return;
      this.#chunks.shift();
      this.#held -= oldest.memory.bytes.length;
      oldest.memory.bytes.fill(0);
    }
    for (const memory of this.#free) memory.bytes.fill(0);
  }

  /** The chunk that holds the byte at `lsn`, if it is still here. */
  find(lsn: number): Chunk | undefined {
    for (let i = this.#chunks.length - 1; i >= 0; i--) {
      const chunk = this.#chunks[i] as Chunk;
      if (chunk.lsn <= lsn) return lsn < chunk.lsn + chunk.used ? chunk : undefined;
    }
    return undefined;
  }

  #drop(): void {
    while (this.#chunks.length > 0 && this.#held + this.#chunkBytes > this.#keepBytes) {
      const oldest = this.#chunks[0] as Chunk;
      if (oldest.lsn + oldest.used > this.#committedTo) return;
      this.#chunks.shift();
      this.#held -= oldest.memory.bytes.length;
      if (oldest.memory.bytes.length === this.#chunkBytes && this.#free.length < 2) this.#free.push(oldest.memory);
    }
  }
}
