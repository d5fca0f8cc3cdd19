import { asError, must } from '#kernel/base';
import type { StreamHead } from './head.ts';
import { lsnOf, positionOf, segmentOf } from './segment.ts';

/** Where a frame stands. `batchNo` is part of its checksum. */
export type FramePlace = {
  readonly firstSeq: number;
  readonly lsn: number;
  readonly bytes: number;
  readonly batchNo: number;
};

/** Numbers of one stream's frames within a segment, in order. */
export type FrameList = { owner: SegmentIndex | undefined; ordinals: number[] };

/** What is known of each frame of a segment, in log order. */
class Columns {
  firstSeqs = new Float64Array(1024);
  positions = new Uint32Array(1024);
  lengths = new Uint32Array(1024);
  batches = new Uint32Array(1024);

  grow(): void {
    const size = this.positions.length * 2;
    const grown = <A extends Float64Array | Uint32Array>(next: A, old: A): A => {
      next.set(old);
      return next;
    };
    this.firstSeqs = grown(new Float64Array(size), this.firstSeqs);
    this.positions = grown(new Uint32Array(size), this.positions);
    this.lengths = grown(new Uint32Array(size), this.lengths);
    this.batches = grown(new Uint32Array(size), this.batches);
  }
}

/**
 * Finds frames by (stream, seq) in one segment: columns in log order, and per stream the numbers of its frames. Adding
 * costs four array stores and one push. A finished segment's index is written to its side file and leaves memory.
 */
export class SegmentIndex {
  readonly no: number;
  readonly firstBatchNo: number;
  salt: Uint8Array;
  size = 0;
  #columns: Columns;
  readonly #lists = new Map<number, FrameList>();

  constructor(no: number, firstBatchNo: number, salt: Uint8Array, columns = new Columns()) {
    this.no = no;
    this.firstBatchNo = firstBatchNo;
    this.salt = salt;
    this.#columns = columns;
  }

  /** The same frames at the same places, after the segment was written anew. */
  under(salt: Uint8Array): this {
    this.salt = salt;
    return this;
  }

  add(streamNo: number, firstSeq: number, lsn: number, bytes: number, batchNo: number, known?: FrameList): FrameList {
    const ordinal = this.size;
    const columns = this.#columns;
    if (ordinal === columns.positions.length) columns.grow();
    columns.firstSeqs[ordinal] = firstSeq;
    columns.positions[ordinal] = positionOf(lsn);
    columns.lengths[ordinal] = bytes;
    columns.batches[ordinal] = batchNo - this.firstBatchNo;
    this.size = ordinal + 1;
    let list = known;
    if (list === undefined || list.owner !== this) {
      list = this.#lists.get(streamNo) ?? { owner: this, ordinals: [] };
      this.#lists.set(streamNo, list);
    }
    list.ordinals.push(ordinal);
    return list;
  }

  /**
   * Frames of a stream from the one that holds `seq` on, at most `limit`; `undefined` when the stream's frames here all
   * begin behind `seq`, or there are none, so that an older segment must be asked.
   */
  find(streamNo: number, seq: number, limit: number): FramePlace[] | undefined {
    const ordinals = this.#lists.get(streamNo)?.ordinals;
    const { firstSeqs } = this.#columns;
    if (ordinals === undefined || (firstSeqs[ordinals[0] as number] as number) > seq) return undefined;
    let low = 0;
    let high = ordinals.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((firstSeqs[ordinals[middle] as number] as number) <= seq) low = middle;
      else high = middle - 1;
    }
    return ordinals.slice(low, low + limit).map((ordinal) => ({
      firstSeq: this.firstSeqOf(ordinal),
      lsn: lsnOf(this.no, this.positionOf(ordinal)),
      bytes: this.bytesOf(ordinal),
      batchNo: this.firstBatchNo + this.batchOf(ordinal),
    }));
  }

  firstSeqOf(ordinal: number): number {
    return this.#columns.firstSeqs[ordinal] as number;
  }

  positionOf(ordinal: number): number {
    return this.#columns.positions[ordinal] as number;
  }

  bytesOf(ordinal: number): number {
    return this.#columns.lengths[ordinal] as number;
  }

  /** Counted from the segment's first batch. */
  batchOf(ordinal: number): number {
    return this.#columns.batches[ordinal] as number;
  }

  /** Stream numbers in rising order, with their frames. */
  *streams(): Iterable<[streamNo: number, ordinals: readonly number[]]> {
    const numbers = Float64Array.from(this.#lists.keys()).sort();
    for (const streamNo of numbers) yield [streamNo, (this.#lists.get(streamNo) as FrameList).ordinals];
  }

  /**
   * Nobody asks this index any more: its columns go to the next one. A stream that rests keeps its list, so the list lets go
   * of everything.
   */
  leave(): Columns {
    const columns = this.#columns;
    this.#columns = new Columns();
    this.size = 0;
    for (const list of this.#lists.values()) {
      list.owner = undefined;
      list.ordinals = [];
    }
    this.#lists.clear();
    return columns;
  }
}

/** A finished segment, asked through its side file. */
export interface SealedIndex {
  find(streamNo: number, seq: number, limit: number): Promise<FramePlace[] | undefined>;
}

/** What the log still holds outside Postgres: the segment being written and those before it, oldest first. */
export class FrameIndex {
  readonly #onFull: (full: SegmentIndex) => void;
  readonly #onUnreadable: (error: Error) => void;
  readonly #planned = new Map<number, SegmentIndex>();
  readonly #older: { no: number; index: SegmentIndex | SealedIndex }[] = [];
  /** Of an index that left memory, for the next segment's. */
  #columns: Columns | undefined;
  #current = new SegmentIndex(-1, 0, new Uint8Array(8));

  /** `onFull` hears of a segment's index when the first frame behind that segment is added. */
  constructor(onFull: (full: SegmentIndex) => void, onUnreadable: (error: Error) => void) {
    this.#onFull = onFull;
    this.#onUnreadable = onUnreadable;
  }

  /** Announces a segment before any frame of it is committed. */
  plan(no: number, firstBatchNo: number, salt: Uint8Array): void {
    this.#planned.set(no, new SegmentIndex(no, firstBatchNo, salt, this.#columns));
    this.#columns = undefined;
  }

  /** Adds a committed frame. Frames come in log order. */
  add(head: StreamHead, firstSeq: number, lsn: number, bytes: number, batchNo: number): void {
    const no = segmentOf(lsn);
    if (no !== this.#current.no) this.#turnTo(no);
    head.frames = this.#current.add(head.streamNo, firstSeq, lsn, bytes, batchNo, head.frames);
  }

  #turnTo(no: number): void {
    const full = this.#current;
    this.#current = must(this.#planned.get(no), `index of segment ${no}`);
    for (const planned of this.#planned.keys()) if (planned <= no) this.#planned.delete(planned);
    if (full.no < 0) return;
    this.#older.push({ no: full.no, index: full });
    this.#onFull(full);
  }

  /** The segment that recovery leaves open. */
  resume(current: SegmentIndex): void {
    this.#current = current;
  }

  /** Finished segments that are still indexed in memory. */
  unfiled(): SegmentIndex[] {
    return this.#older.map(({ index }) => index).filter((index) => index instanceof SegmentIndex);
  }

  /** An older segment found at start. */
  addSealed(no: number, index: SealedIndex | SegmentIndex): void {
    this.#older.push({ no, index });
    this.#older.sort((a, b) => a.no - b.no);
  }

  /** The side file of a segment is written: memory of it is given back. */
  replace(no: number, index: SealedIndex): void {
    const entry = this.#older.find((older) => older.no === no);
    if (!entry) return;
    if (entry.index instanceof SegmentIndex) this.#columns = entry.index.leave();
    entry.index = index;
  }

  drop(no: number): void {
    const at = this.#older.findIndex((older) => older.no === no);
    if (at >= 0) this.#older.splice(at, 1);
  }

  /** The newest place of the frame that holds `seq`, with what follows it in that segment: at once when in memory. */
  find(streamNo: number, seq: number, limit: number): FramePlace[] | undefined | Promise<FramePlace[] | undefined> {
    const found = this.#current.find(streamNo, seq, limit);
    return found ?? (this.#older.length === 0 ? undefined : this.#findOlder(streamNo, seq, limit));
  }

  async #findOlder(streamNo: number, seq: number, limit: number): Promise<FramePlace[] | undefined> {
    for (const { index } of this.#older.toReversed()) {
      try {
        const found = await index.find(streamNo, seq, limit);
        if (found) return found;
      } catch (error) {
        // An older layer, or the rows, may have it; a reader that finds it nowhere is told so.
        this.#onUnreadable(asError(error));
      }
    }
    return undefined;
  }
}
