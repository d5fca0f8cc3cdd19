import type { Committer } from './commit.ts';
import { batchSeed, FrameView, type Memory } from './frame.ts';
import type { Journal } from './journal.ts';
import { BatchHeaders, batchHeaderBytes, lsnOf, lsnStep, segmentHeaderBytes, segmentOf, toSector } from './segment.ts';
import type { Tape } from './tape.ts';

/** One durable batch, in place: valid until the thread is given up. `next` is the lsn to ask for afterwards. */
export type ReadBatch = {
  readonly memory: Memory;
  readonly at: number;
  readonly end: number;
  readonly lsn: number;
  readonly next: number;
  readonly wallMs: number;
};

const windowBytes = 1024 * 1024;

/**
 * Walks the durable log in order, whole batches at a time: from memory where it still is, else from its segments, and
 * then every checksum is looked at. Each walker has its own.
 */
export class WalReader {
  readonly #committer: Committer;
  readonly #tape: Tape;
  readonly #journal: Journal;
  #window: { memory: Memory; lsn: number } | undefined;

  constructor(parts: { committer: Committer; tape: Tape; journal: Journal }) {
    this.#committer = parts.committer;
    this.#tape = parts.tape;
    this.#journal = parts.journal;
  }

  /** The batch at `lsn` (a batch boundary), `undefined` when nothing durable is there yet. */
  read(lsn: number): ReadBatch | undefined | Promise<ReadBatch | undefined> {
    const start = this.#journal.behind(lsn);
    if (start >= this.#committer.durableTo) return undefined;
    const chunk = this.#tape.find(start);
    if (!chunk) return this.#fromSegment(start);
    this.#window = undefined;
    return batchAt(chunk.memory, start - chunk.lsn, start);
  }

  async #fromSegment(lsn: number): Promise<ReadBatch> {
    const cached = this.#window && this.#verified(this.#window, lsn);
    if (cached) return cached;
    let window = await this.#load(lsn, windowBytes);
    const size = window.memory.words[1] as number;
    if (size > window.memory.bytes.length && size < lsnStep) window = await this.#load(lsn, toSector(size));
    const batch = this.#verified(window, lsn);
    if (!batch) throw new Error(`the log is damaged at lsn ${lsn}`);
    return batch;
  }

  /** The batch at `lsn` when it lies wholly in this piece of its segment and every checksum is right. */
  #verified({ memory, lsn: start }: { memory: Memory; lsn: number }, lsn: number): ReadBatch | undefined {
    const at = lsn - start;
    const salt = this.#journal.saltOf(segmentOf(lsn));
    if (!salt || at < 0 || at >= memory.bytes.length) return undefined;
    const header = new BatchHeaders(salt).at(memory, at, memory.bytes.length);
    if (!header) return undefined;
    const view = new FrameView(memory);
    const seed = batchSeed(salt, header.batchNo);
    const end = at + header.bytes;
    for (let frame = at + batchHeaderBytes; frame < end; frame = view.end) {
      if (!view.verify(frame, end, seed)) return undefined;
    }
    return batchAt(memory, at, lsn);
  }

  /** What lies behind the durable end may be half written: it is not looked at, so that it cannot be kept. */
  async #load(lsn: number, bytes: number): Promise<{ memory: Memory; lsn: number }> {
    const { durableTo } = this.#committer;
    const length = segmentOf(durableTo) === segmentOf(lsn) ? Math.min(bytes, durableTo - lsn) : bytes;
    const memory = await this.#journal.read(lsn, length);
    if (!memory) throw new Error(`segment of lsn ${lsn} is not held any more`);
    this.#window = { memory, lsn };
    return this.#window;
  }

  /** The start of the batch that holds `lsn`, for a walker that stopped inside one. */
  async seek(lsn: number): Promise<number> {
    let start = lsnOf(segmentOf(lsn), segmentHeaderBytes);
    for (;;) {
      const found = await this.read(start);
      if (!found || found.next > lsn || segmentOf(found.next) !== segmentOf(lsn)) return start;
      start = found.next;
    }
  }
}

function batchAt(memory: Memory, at: number, lsn: number): ReadBatch {
  const bytes = memory.words[(at >>> 2) + 1] as number;
  const wallMs = (memory.words[(at >>> 2) + 8] as number) + (memory.words[(at >>> 2) + 9] as number) * 2 ** 32;
  return { memory, at, end: at + bytes, lsn, next: lsn + toSector(bytes), wallMs };
}

/** The frames of a batch, through one moving view. */
export function* framesOf(batch: ReadBatch, view: FrameView = new FrameView(batch.memory)): Iterable<FrameView> {
  view.memory = batch.memory;
  for (let at = batch.at + batchHeaderBytes; at < batch.end; at = view.end) yield view.look(at);
}
