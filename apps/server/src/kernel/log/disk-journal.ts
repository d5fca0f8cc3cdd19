import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { asError, assert, type Clock, must, reach } from '#kernel/base';
import type { Batch } from './commit.ts';
import type { Disk, DiskFile } from './disk.ts';
import type { LogEvents } from './events.ts';
import { batchSeed, encodeFrame, type FrameInput, frameBytes, frameTypes, type Memory, memoryOf } from './frame.ts';
import type { FrameIndex, SegmentIndex } from './frame-index.ts';
import type { Journal, Place } from './journal.ts';
import type { LogLimits } from './limits.ts';
import {
  batchHeaderBytes,
  encodeSegmentHeader,
  lsnOf,
  positionOf,
  sealBytes,
  segmentHeaderBytes,
  segmentName,
  segmentOf,
  sideFileName,
  toSector,
  writeBatchHeader,
} from './segment.ts';
import { type SideFile, writeSideFile } from './side-file.ts';
import type { Spares } from './spares.ts';

/** A segment that is or will be written: decided when its first batch is placed, made when that batch is committed. */
type Plan = {
  readonly no: number;
  readonly previous: number;
  readonly previousEnd: number;
  readonly firstBatchNo: number;
  readonly salt: Uint8Array;
  /** How the segment before it ends. */
  readonly seal: { position: number; batchNo: number } | undefined;
};

/** A segment on disk. `end` is the lsn behind its last batch. */
export type HeldSegment = {
  readonly no: number;
  readonly salt: Uint8Array;
  readonly firstBatchNo: number;
  end: number;
  sealedAt: number | undefined;
  pins: number;
  size: number;
  file: Promise<DiskFile> | undefined;
  side: SideFile | undefined;
};

/** Where recovery leaves the log: the segment to go on in, already rewritten and synced by this process. */
export type ResumeAt = {
  walId: string;
  term: number;
  /** `undefined` file: no segment exists yet, the first commit makes it. */
  file: DiskFile | undefined;
  plan: { no: number; previous: number; previousEnd: number; firstBatchNo: number; salt: Uint8Array };
  position: number;
  nextBatchNo: number;
  segments: HeldSegment[];
};

/**
 * Segments on a disk of this machine. One synced write per batch; a new segment exists only after the one before it was
 * sealed, and every new name is synced before the file is used. Any error leaves through `commit` and is final.
 */
export class DiskJournal implements Journal {
  readonly #disk: Disk;
  readonly #dir: string;
  readonly #clock: Clock;
  readonly #limits: LogLimits;
  readonly #events: LogEvents;
  readonly #spares: Spares;
  readonly #index: () => FrameIndex;
  readonly #segments: HeldSegment[] = [];
  readonly #plans = new Map<number, Plan>();
  readonly #background = new Set<Promise<void>>();
  #walId = '';
  #term = 0;
  #plan: Plan | undefined;
  #position = 0;
  #nextBatchNo = 1;
  #writing: { no: number; file: DiskFile } | undefined;
  /** The file being written was not prepared. */
  #growing = false;
  /** The next batch begins a segment although there is room in this one. */
  #rotating = false;

  constructor(parts: {
    disk: Disk;
    dir: string;
    clock: Clock;
    limits: LogLimits;
    events: LogEvents;
    spares: Spares;
    index: () => FrameIndex;
  }) {
    this.#disk = parts.disk;
    this.#dir = parts.dir;
    this.#clock = parts.clock;
    this.#limits = parts.limits;
    this.#events = parts.events;
    this.#spares = parts.spares;
    this.#index = parts.index;
  }

  /** Oldest first. */
  get segments(): readonly HeldSegment[] {
    return this.#segments;
  }

  async resume(at: ResumeAt): Promise<void> {
    this.#walId = at.walId;
    this.#term = at.term;
    this.#plan = { ...at.plan, seal: undefined };
    this.#plans.set(at.plan.no, this.#plan);
    this.#position = at.position;
    this.#nextBatchNo = at.nextBatchNo;
    this.#segments.push(...at.segments);
    if (at.file) {
      this.#writing = { no: at.plan.no, file: at.file };
      this.#growing = (await at.file.size()) < this.#limits.segmentBytes;
    }
    this.#index().plan(at.plan.no, at.plan.firstBatchNo, at.plan.salt);
  }

  place(bytes: number): Place {
    let plan = must(this.#plan, 'a segment to write to');
    const full = this.#position + bytes + sealBytes > this.#limits.segmentBytes;
    if (full || this.#rotating || this.#isOutgrown(plan.no)) {
      this.#rotating = false;
      const seal = { position: this.#position, batchNo: this.#nextBatchNo++ };
      plan = {
        no: plan.no + 1,
        previous: plan.no,
        previousEnd: seal.position + sealBytes,
        firstBatchNo: this.#nextBatchNo,
        salt: randomBytes(8),
        seal,
      };
      assert(segmentHeaderBytes + bytes + sealBytes <= this.#limits.segmentBytes, 'a batch fits into a segment');
      this.#plan = plan;
      this.#plans.set(plan.no, plan);
      this.#position = segmentHeaderBytes;
      this.#index().plan(plan.no, plan.firstBatchNo, plan.salt);
    }
    return { lsn: lsnOf(plan.no, this.#position), batchNo: this.#nextBatchNo++, salt: plan.salt, term: this.#term };
  }

  placed(batch: Batch): void {
    this.#position = positionOf(batch.lsn) + toSector(batch.cursor - batch.start);
  }

  /** Each write to a file that grows changes its size, which costs a second device write: it is left for a prepared one. */
  #isOutgrown(no: number): boolean {
    return this.#growing && this.#writing?.no === no && this.#position > segmentHeaderBytes && this.#spares.ready > 1;
  }

  /** The next batch goes into a new segment. Answers the number of the present one. */
  rotate(): number {
    this.#rotating = true;
    return must(this.#plan, 'a segment to write to').no;
  }

  async commit(batch: Batch): Promise<void> {
    const no = segmentOf(batch.lsn);
    if (this.#writing?.no !== no) await this.#advance(must(this.#plans.get(no), `plan of segment ${no}`));
    const writing = must(this.#writing, 'an open segment');
    const end = batch.start + toSector(batch.cursor - batch.start);
    await writing.file.write(batch.chunk.memory.bytes, batch.start, end, positionOf(batch.lsn));
    if (this.#growing) this.#events.segment('unprepared', { no });
    const segment = must(this.#segments.at(-1), 'the segment being written');
    segment.end = batch.endLsn;
    segment.size = Math.max(segment.size, positionOf(batch.endLsn));
  }

  async read(lsn: number, length: number): Promise<Memory | undefined> {
    const segment = this.#segments.find(({ no }) => no === segmentOf(lsn));
    if (!segment) return undefined;
    segment.pins += 1;
    try {
      segment.file ??= this.#disk.open(join(this.#dir, segmentName(segment.no)), 'read');
      const file = await segment.file;
      const memory = memoryOf(length);
      const got = await file.read(memory.bytes.subarray(0, length), positionOf(lsn));
      memory.bytes.fill(0, got);
      return memory;
    } finally {
      segment.pins -= 1;
    }
  }

  /** Bytes of log between two positions that it holds. */
  between(from: number, to: number): number {
    if (segmentOf(from) === segmentOf(to)) return to - from;
    let bytes = positionOf(to) - positionOf(from);
    for (let i = this.#segments.length - 1; i >= 0; i--) {
      const { no, size } = this.#segments[i] as HeldSegment;
      if (no < segmentOf(from)) break;
      if (no < segmentOf(to)) bytes += size;
    }
    return bytes;
  }

  saltOf(segmentNo: number): Uint8Array | undefined {
    return this.#segments.find(({ no }) => no === segmentNo)?.salt;
  }

  behind(lsn: number): number {
    const at = this.#segments.findIndex(({ no }) => no === segmentOf(lsn));
    const segment = this.#segments[at];
    const next = this.#segments[at + 1];
    if (!segment || segment.sealedAt === undefined || lsn + sealBytes < segment.end || !next) return lsn;
    return lsnOf(next.no, segmentHeaderBytes);
  }

  /** Finishes the segment being written, if any, and makes the planned one. */
  async #advance(plan: Plan): Promise<void> {
    const old = this.#writing;
    if (old && plan.seal) {
      const before = must(this.#plans.get(old.no), 'plan of the open segment');
      const seal = encodeSeal(before.salt, plan.seal, before.firstBatchNo, this.#term, this.#clock.now());
      void reach('log.beforeSeal');
      await old.file.write(seal.bytes, 0, sealBytes, plan.seal.position);
      void reach('log.afterSeal');
      await old.file.close();
      const segment = must(this.#segments.at(-1), 'the segment being written');
      segment.end = lsnOf(old.no, plan.seal.position + sealBytes);
      segment.size = Math.max(segment.size, positionOf(segment.end));
      segment.sealedAt = this.#clock.now();
      this.#plans.delete(old.no);
      this.#events.segment('sealed', { no: old.no });
    }
    this.#writing = { no: plan.no, file: await this.#make(plan) };
    this.#segments.push(heldSegment(plan, lsnOf(plan.no, segmentHeaderBytes)));
    this.#events.segment('opened', { no: plan.no });
    this.#spares.prepare();
  }

  async #make(plan: Plan): Promise<DiskFile> {
    const path = join(this.#dir, segmentName(plan.no));
    const spare = this.#spares.take();
    const from = spare ?? `${path}.new`;
    this.#growing = spare === undefined;
    if (!spare) await this.#disk.remove(from).catch(() => undefined);
    const file = await this.#disk.open(from, spare ? 'write' : 'create', { synced: true });
    const header = encodeSegmentHeader({ walId: this.#walId, ...plan });
    await file.write(header, 0, header.length, 0);
    void reach('log.beforeRename');
    await this.#disk.rename(from, path);
    void reach('log.beforeDirSync');
    await this.#disk.syncDir(this.#dir);
    return file;
  }

  /** A finished segment's index goes to its side file. A failure costs memory, not data. */
  indexFull(full: SegmentIndex): void {
    const work = writeSideFile(this.#disk, this.#dir, full).then(
      (side) => {
        const segment = this.#segments.find(({ no }) => no === full.no);
        if (segment) segment.side = side;
        this.#index().replace(full.no, side);
      },
      (error: unknown) => this.#events.backgroundFailed('writing a side file', asError(error)),
    );
    this.#background.add(work);
    void work.then(() => this.#background.delete(work));
  }

  /**
   * Gives back the oldest segments: those wholly at or below `upTo` that nobody reads and that are past both keep rules'
   * reach (`keepBytes` in all, or `keepMs` old). Segments up to `throughNo` go ahead of the keep rules.
   */
  async release(upTo: number, throughNo = 0): Promise<void> {
    const now = this.#clock.now();
    for (;;) {
      const oldest = this.#segments[0];
      if (!oldest || oldest.sealedAt === undefined || oldest.end > upTo || oldest.pins > 0) return;
      const held = this.#segments.reduce((sum, { size }) => sum + size, 0);
      const kept = held <= this.#limits.keepBytes && now - oldest.sealedAt < this.#limits.keepMs;
      if (kept && oldest.no > throughNo) return;
      this.#segments.shift();
      this.#index().drop(oldest.no);
      void reach('log.beforeDrop');
      await (await oldest.file)?.close();
      await oldest.side?.close();
      await this.#spares.recycle(join(this.#dir, segmentName(oldest.no)));
      await this.#disk.remove(join(this.#dir, sideFileName(oldest.no))).catch(() => undefined);
      await this.#disk.syncDir(this.#dir);
      this.#events.segment('dropped', { no: oldest.no });
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#background);
    await this.#writing?.file.close();
    for (const segment of this.#segments) {
      await (await segment.file)?.close();
      await segment.side?.close();
    }
  }
}

export const heldSegment = (of: { no: number; salt: Uint8Array; firstBatchNo: number }, end: number): HeldSegment => ({
  no: of.no,
  salt: of.salt,
  firstBatchNo: of.firstBatchNo,
  end,
  sealedAt: undefined,
  pins: 0,
  size: positionOf(end),
  file: undefined,
  side: undefined,
});

/** The last batch of a finished segment, one sector. */
export function encodeSeal(
  salt: Uint8Array,
  seal: { position: number; batchNo: number },
  firstBatchNo: number,
  term: number,
  nowMs: number,
): Memory {
  const memory = memoryOf(sealBytes);
  memory.bytes.fill(0);
  const frame: FrameInput = {
    type: frameTypes.seal,
    streamNo: 0,
    firstSeq: 0,
    ms: nowMs,
    era: 0,
    messages: [],
    closes: false,
    producer: undefined,
    writerSeq: undefined,
    note: JSON.stringify({ batches: seal.batchNo - firstBatchNo, position: seal.position }),
  };
  const end = encodeFrame(memory, batchHeaderBytes, frameBytes(frame), frame, batchSeed(salt, seal.batchNo));
  writeBatchHeader(memory, 0, salt, { bytes: end, batchNo: seal.batchNo, frames: 1, term, wallMs: nowMs });
  return memory;
}
