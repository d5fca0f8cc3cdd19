import type { Batch } from './commit.ts';
import type { Memory } from './frame.ts';

/** Where a batch will stand, decided before its first frame is encoded, because checksums cover salt and number. */
export type Place = {
  readonly lsn: number;
  readonly batchNo: number;
  readonly salt: Uint8Array;
  readonly term: number;
};

/**
 * The port of a driver: it places batches, makes them durable one at a time, and reads back what it holds.
 * `commit` resolves when the batch is as safe as the driver can make it; a rejection is final, the log stops.
 */
export interface Journal {
  /** Room for a batch of up to `bytes`, right behind the one placed before. */
  place(bytes: number): Place;
  /** Tells how long the batch placed last became, in bytes; the next one starts behind it. */
  placed(batch: Batch): void;
  commit(batch: Batch): Promise<void>;
  /** Reads stored bytes `[lsn, lsn + length)` of one segment; `undefined` when they are not held any more. */
  read(lsn: number, length: number): Promise<Memory | undefined>;
  /** The salt under which a segment was written, while it is held. */
  saltOf(segmentNo: number): Uint8Array | undefined;
  /** Where the batch behind one that ends at `lsn` starts: the same, or the first of the next segment. */
  behind(lsn: number): number;
}
