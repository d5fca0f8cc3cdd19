import type { BirthNote } from './birth.ts';
import type { Cursor } from './claim.ts';
import type { FlushedAppend } from './cursor-check.ts';
import type { Disk } from './disk.ts';
import { type FoundLog, type FoundSegment, foreign, readSegment } from './found-segments.ts';
import { FrameView, frameTypes, type Memory, memoryOf } from './frame.ts';
import { SegmentIndex } from './frame-index.ts';
import type { Heads } from './heads.ts';
import type { LogLimits } from './limits.ts';
import type { Replay } from './replay.ts';
import { type Piece, type Scan, scanSegment } from './scan.ts';
import { batchHeaderBytes, lsnOf, segmentOf } from './segment.ts';
import type { Store } from './store.ts';

/** What is not as it should be in the files of a log. Positions are bytes in a segment. */
export type Finding =
  /** An unfinished write at the very end: never acknowledged. */
  | { kind: 'torn'; segment: number; at: number; bytes: number }
  /** Acknowledged bytes that do not verify. `flushed`: rows have them. */
  | { kind: 'damaged'; segment: number; from: number; to: number; flushed: boolean }
  | { kind: 'unsealed'; segment: number; at: number }
  | { kind: 'missing'; from: number; to: number }
  | { kind: 'headless'; segment: number };

/** Whether acknowledged bytes that no row has are gone by it. */
export const isLoss = (finding: Finding): boolean =>
  finding.kind !== 'torn' && !(finding.kind === 'damaged' && finding.flushed);

const said: { [K in Finding['kind']]: (finding: Extract<Finding, { kind: K }>) => string } = {
  torn: ({ segment, bytes }) => `segment ${segment} ends in ${bytes} bytes of a write that was never acknowledged`,
  damaged: ({ segment, from, to }) => `segment ${segment}, bytes ${from} to ${to}`,
  unsealed: ({ segment, at }) => `segment ${segment} ends at byte ${at} without a seal`,
  missing: ({ from, to }) => `segments ${from} to ${to} are missing`,
  headless: ({ segment }) => `segment ${segment} has no readable header`,
};

export const describeFinding = (finding: Finding): string => (said[finding.kind] as (of: Finding) => string)(finding);

export type HeaderOf = NonNullable<FoundSegment['header']>;

export type ScannedSegment = {
  no: number;
  header: HeaderOf;
  /** Kept when the segment must be written anew. */
  memory: Memory | undefined;
  scan: Scan;
  index: SegmentIndex;
  last: boolean;
  /** Something in it, or in front of it, is lost that no row has. */
  lossy: boolean;
};

type Parts = { disk: Disk; dir: string; limits: LogLimits; heads: Heads; store: Store };

/** How many appends in front of the cursor are kept in mind. */
const flushedMax = 256;

/**
 * Reads every segment behind the cursor, oldest first, and replays what verifies. Changes nothing: what is to be done about
 * what it finds is for its caller to say.
 */
export class Survey {
  readonly findings: Finding[] = [];
  readonly scanned: ScannedSegment[] = [];
  readonly #flushed: FlushedAppend[] = [];
  #flushedCount = 0;
  readonly #parts: Parts;
  readonly #cursor: Cursor;
  readonly #replay: Replay;
  #scratch: Memory | undefined;

  constructor(parts: Parts, cursor: Cursor, replay: Replay) {
    this.#parts = parts;
    this.#cursor = cursor;
    this.#replay = replay;
  }

  /** The newest appends in front of the cursor, in no order. */
  get newestFlushed(): readonly FlushedAppend[] {
    return this.#flushed;
  }

  async run({ segments }: FoundLog): Promise<this> {
    const cursor = this.#cursor.lsn;
    let before: FoundSegment | undefined;
    for (const [i, found] of segments.entries()) {
      const last = i === segments.length - 1;
      const next = segments[i + 1];
      if (!last && next && next.no <= segmentOf(cursor)) {
        before = found;
        continue;
      }
      const previous = found.header?.previous ?? found.no - 1;
      const missing = before !== undefined && previous !== before.no && lsnOf(found.no, 0) > cursor;
      if (before && missing) {
        this.findings.push({ kind: 'missing', from: before.no + 1, to: found.no - 1 });
        this.#replay.holed = true;
      } else if (previous !== found.no - 1 && lsnOf(found.no, 0) > cursor) {
        this.#replay.acceptedHole();
      }
      await this.#readOne(found, last, missing);
      before = found;
    }
    if (this.#replay.holed) this.#replay.inheritLosses();
    return this;
  }

  async #readOne(found: FoundSegment, last: boolean, missing: boolean): Promise<void> {
    const { disk, dir, limits } = this.#parts;
    const { no, header } = found;
    const memory = await readSegment(disk, dir, no, this.#scratch ?? memoryOf(limits.segmentBytes));
    this.#scratch = memory;
    if (!header) {
      this.findings.push({ kind: 'headless', segment: no });
      this.#replay.holed = true;
      return;
    }
    const scan = scanSegment(memory, memory.bytes.length, header.salt, header.firstBatchNo);
    if (scan.foreign) throw foreign(no, scan.foreign);
    if (scan.tornBytes > 0 && !scan.damaged)
      this.findings.push({ kind: 'torn', segment: no, at: scan.tip, bytes: scan.tornBytes });
    let lossy = missing;
    for (const { kind, at, end } of scan.damaged ? scan.pieces : []) {
      if (kind === 'batch') continue;
      const flushed = lsnOf(no, end) <= this.#cursor.lsn;
      this.findings.push({ kind: 'damaged', segment: no, from: at, to: end, flushed });
      lossy ||= !flushed;
    }
    if (!last && !scan.sealed) {
      this.findings.push({ kind: 'unsealed', segment: no, at: scan.tip });
      lossy = true;
    }
    const index = new SegmentIndex(no, header.firstBatchNo, header.salt);
    await this.#replaySegment(no, memory, scan, index);
    if (!last && !scan.sealed) this.#replay.holed = true;
    // Segments are large: one piece of memory serves them all, unless it holds one that will be written anew.
    const keeps = last || lossy;
    if (keeps) this.#scratch = undefined;
    this.scanned.push({ no, header, memory: keeps ? memory : undefined, scan, index, last, lossy });
  }

  async #replaySegment(no: number, memory: Memory, scan: Scan, index: SegmentIndex): Promise<void> {
    const { heads, store } = this.#parts;
    const cursor = this.#cursor.lsn;
    const view = new FrameView(memory);
    const absent = new Set<number>();
    for (const piece of scan.pieces) {
      for (const [at, batchNo] of framesIn(piece, view)) {
        view.look(at);
        const holds = view.type === frameTypes.append || view.type === frameTypes.create;
        if (holds && view.count > 0) index.add(view.streamNo, view.firstSeq, lsnOf(no, at), view.bytes, batchNo);
        if (lsnOf(no, at) < cursor) {
          if (holds && view.count > 0) {
            const { streamNo, firstSeq: seq, ms } = view;
            this.#flushed[this.#flushedCount++ % flushedMax] = { streamNo, seq, ms };
          }
          continue;
        }
        if (view.streamNo === 0) continue;
        const wanted = view.type === frameTypes.create ? forkedFrom(view) : view.streamNo;
        if (wanted !== undefined && !heads.byNo(wanted)) absent.add(wanted);
      }
    }
    const wanted = [...absent];
    for (let i = 0; i < wanted.length; i += 5000)
      for (const head of await store.byNo(wanted.slice(i, i + 5000))) heads.insert(head);
    for (const piece of scan.pieces) {
      if (scan.damaged && piece.kind !== 'batch' && lsnOf(no, piece.end) > cursor) this.#replay.holed = true;
      for (const [at] of framesIn(piece, view))
        if (lsnOf(no, at) >= cursor) this.#replay.apply(view.look(at), lsnOf(no, at));
    }
  }
}

/** The source of a fork, from its `create` frame. */
const forkedFrom = (view: FrameView): number | undefined => (JSON.parse(view.note() as string) as BirthNote).fork?.of;

/** Position and batch number of each frame of a piece that verifies. */
function* framesIn(piece: Piece, view: FrameView): Iterable<readonly [at: number, batchNo: number]> {
  if (piece.kind === 'lost') {
    for (const { at, batchNo } of piece.frames) yield [at, batchNo];
    return;
  }
  const { batchNo, bytes } = piece.header;
  if (piece.kind === 'partial') for (const at of piece.frames) yield [at, batchNo];
  else for (let at = piece.at + batchHeaderBytes; at < piece.at + bytes; at = view.look(at).end) yield [at, batchNo];
}
