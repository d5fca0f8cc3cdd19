import { randomBytes } from 'node:crypto';
import { must } from '#kernel/base';
import type { Batch } from './commit.ts';
import { type Memory, memoryFrom } from './frame.ts';
import type { FrameIndex } from './frame-index.ts';
import type { Journal, Place } from './journal.ts';
import { lsnOf, lsnStep, positionOf, segmentHeaderBytes, segmentOf, toSector } from './segment.ts';

/**
 * For tests: batches stay in memory, whole and for ever, in the same form and at the same kind of positions as on a disk.
 * Everything is lost with the process, and nothing is ever given back.
 */
export class MemoryJournal implements Journal {
  readonly #index: () => FrameIndex;
  readonly #salt = randomBytes(8);
  readonly #batches: { lsn: number; end: number; memory: Memory }[] = [];
  #segment = 1;
  #position = segmentHeaderBytes;
  #nextBatchNo = 1;

  constructor(index: () => FrameIndex) {
    this.#index = index;
  }

  get firstLsn(): number {
    return lsnOf(1, segmentHeaderBytes);
  }

  start(): void {
    this.#index().plan(1, 1, this.#salt);
  }

  place(bytes: number): Place {
    if (this.#position + bytes > lsnStep) {
      this.#segment += 1;
      this.#position = segmentHeaderBytes;
      this.#index().plan(this.#segment, this.#nextBatchNo, this.#salt);
    }
    return { lsn: lsnOf(this.#segment, this.#position), batchNo: this.#nextBatchNo++, salt: this.#salt, term: 1 };
  }

  placed(batch: Batch): void {
    this.#position = positionOf(batch.lsn) + toSector(batch.cursor - batch.start);
  }

  commit(batch: Batch): Promise<void> {
    const length = toSector(batch.cursor - batch.start);
    const memory = memoryFrom(batch.chunk.memory.bytes.subarray(batch.start, batch.start + length));
    this.#batches.push({ lsn: batch.lsn, end: batch.endLsn, memory });
    return Promise.resolve();
  }

  read(lsn: number, length: number): Promise<Memory | undefined> {
    const memory = memoryFrom(new Uint8Array(length));
    let filled = 0;
    for (let i = this.#find(lsn); filled < length; i++) {
      const batch = this.#batches[i];
      if (!batch || segmentOf(batch.lsn) !== segmentOf(lsn)) break;
      const from = Math.max(0, lsn - batch.lsn);
      const part = batch.memory.bytes.subarray(from, Math.min(batch.end - batch.lsn, from + length - filled));
      memory.bytes.set(part, filled);
      filled += part.length;
    }
    return Promise.resolve(memory);
  }

  saltOf(): Uint8Array {
    return this.#salt;
  }

  behind(lsn: number): number {
    const next = this.#batches[this.#find(lsn)];
    return next && next.lsn > lsn ? next.lsn : lsn;
  }

  /** The first batch that ends behind `lsn`. */
  #find(lsn: number): number {
    let low = 0;
    let high = this.#batches.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (must(this.#batches[middle], 'a batch').end > lsn) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
