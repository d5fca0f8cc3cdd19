import { asError, type Clock } from '#kernel/base';
import type { Db, Tx } from '#kernel/db';
import * as contentQueries from './content-queries.ts';
import { deleteDropped } from './content-rows.ts';
import type { LogEvents } from './events.ts';
import type { StreamHead } from './head.ts';
import type { Heads } from './heads.ts';
import { markRowsDue, sourcesOf } from './life-queries.ts';
import type { LogLimits } from './limits.ts';
import { messagesBehind } from './pages.ts';
import * as queries from './queries.ts';
import type { FrameOutline, Reader } from './reader.ts';
import { deleteUnread } from './unread-rows.ts';
import { passOver, shows } from './views.ts';

/** Frames looked at in one go. */
const outlineMax = 500;
/** A stream is trimmed when it is this much over a size rule, so that not every append trims. */
const slack = 1.1;

/**
 * Trims streams to their rules: by size right after growing, by age in a sweep. A trim is a frame of the log like any
 * other; rows below it go afterwards in small batches, as do the rows of removed streams.
 */
export class RetentionSweep {
  readonly #reader: Reader;
  readonly #heads: Heads;
  readonly #db: Db | undefined;
  readonly #clock: Clock;
  readonly #limits: LogLimits;
  readonly #events: LogEvents;
  readonly #trim: (head: StreamHead, first: number, bytes: number) => Promise<void>;
  readonly #dropSuperseded: (head: StreamHead, saidBefore: number) => Promise<void>;
  /** Streams whose content is being counted, and when that is done. */
  readonly #busy = new Map<StreamHead, Promise<void>>();
  readonly #running = new Set<Promise<void>>();
  #timer: Disposable | undefined;
  #ended = false;

  constructor(parts: {
    reader: Reader;
    heads: Heads;
    db: Db | undefined;
    clock: Clock;
    limits: LogLimits;
    events: LogEvents;
    trim: (head: StreamHead, first: number, bytes: number) => Promise<void>;
    /** The bytes of ranges said before that may go. */
    dropSuperseded: (head: StreamHead, saidBefore: number) => Promise<void>;
  }) {
    this.#reader = parts.reader;
    this.#heads = parts.heads;
    this.#db = parts.db;
    this.#clock = parts.clock;
    this.#limits = parts.limits;
    this.#events = parts.events;
    this.#trim = parts.trim;
    this.#dropSuperseded = parts.dropSuperseded;
  }

  start(): void {
    this.#timer = this.#clock.after(this.#limits.retentionEveryMs, () => {
      this.#run('the retention sweep', () => this.#sweep());
    });
  }

  /** A stream grew or got another rule. */
  grown(head: StreamHead): void {
    if (head.trimming || this.#ended || !this.#isOver(head, slack)) return;
    this.trimSoon(head);
  }

  trimSoon(head: StreamHead): void {
    if (head.trimming || this.#ended) return;
    const held = this.#hold(head);
    this.#run(`trimming stream ${head.streamNo}`, () => this.#trimTo(head).finally(() => held[Symbol.dispose]()));
  }

  /** Waits until nobody counts what the stream holds, and keeps others from it, and it in memory, until disposed of. */
  async alone(head: StreamHead): Promise<Disposable> {
    for (let busy = this.#busy.get(head); busy; busy = this.#busy.get(head)) await busy;
    return this.#hold(head);
  }

  #hold(head: StreamHead): Disposable {
    const { promise, resolve } = Promise.withResolvers<void>();
    head.trimming = true;
    this.#busy.set(head, promise);
    return {
      [Symbol.dispose]: () => {
        head.trimming = false;
        this.#busy.delete(head);
        resolve();
      },
    };
  }

  async end(): Promise<void> {
    this.#ended = true;
    this.#timer?.[Symbol.dispose]();
    await Promise.all(this.#running);
  }

  #run(what: string, act: () => Promise<void>): void {
    const running: Promise<void> = act()
      .catch((error: unknown) => this.#events.backgroundFailed(what, asError(error)))
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  #isOver({ retention, bytes, tail, firstSeq }: StreamHead, by: number): boolean {
    if (!retention) return false;
    const { maxBytes, maxMessages } = retention;
    return (
      (maxBytes !== undefined && bytes > maxBytes * by) ||
      (maxMessages !== undefined && tail - firstSeq + 1 > maxMessages * by)
    );
  }

  /** Whole appends go, oldest first, until every part of the rule holds; the newest one always stays. */
  async #trimTo(head: StreamHead): Promise<void> {
    const rule = head.retention;
    if (!rule) return;
    const oldest = rule.maxAgeMs === undefined ? Number.NEGATIVE_INFINITY : this.#clock.now() - rule.maxAgeMs;
    let first = head.firstSeq;
    let gone = 0;
    const mustGo = (frame: FrameOutline): boolean =>
      frame.at < oldest ||
      (rule.maxBytes !== undefined && head.bytes - gone > rule.maxBytes) ||
      (rule.maxMessages !== undefined && head.tail - first + 1 > rule.maxMessages);
    for (;;) {
      // Dropped ranges were counted when they were dropped.
      first = passOver(head, first - 1, 'raw') + 1;
      if (first > head.tail || this.#ended || head.gone) break;
      const frames = await this.#reader.outline(head, first, outlineMax);
      let went = false;
      for (const frame of frames) {
        const next = frame.firstSeq + frame.count;
        head.oldestAt = frame.at;
        if (next > head.tail || !mustGo(frame)) break;
        first = next;
        gone += await this.#shownBytes(head, frame);
        went = true;
      }
      // One look ends where a layer does: rows, a segment, what a fork inherited.
      if (!went) break;
    }
    if (first > head.firstSeq && !head.removing) await this.#trim(head, first, gone);
  }

  /** What an append still counts, of which some messages may be dropped, or trimmed behind a dropped range. */
  async #shownBytes(head: StreamHead, frame: FrameOutline): Promise<number> {
    const first = Math.max(frame.firstSeq, head.firstSeq);
    const last = frame.firstSeq + frame.count - 1;
    const dropped = head.superseded?.droppedIn(first, last) ?? 0;
    if (dropped === 0 && first === frame.firstSeq) return frame.bytes;
    if (dropped === last - first + 1) return 0;
    const frames = await this.#reader.frames(head, last, { bytes: 1, messages: 1 });
    let bytes = 0;
    for (const message of messagesBehind(frames, first - 1))
      if (message.seq <= last && shows(head, 'raw', message)) bytes += message.bytes.length;
    return bytes;
  }

  async #sweep(): Promise<void> {
    try {
      await this.#sweepAges();
      if (this.#db) await this.#clean(this.#db);
      await this.#sweepSuperseded();
    } finally {
      if (!this.#ended) this.start();
    }
  }

  async #sweepAges(): Promise<void> {
    const now = this.#clock.now();
    for (const head of Array.from(this.#heads.all())) {
      if (this.#ended) return;
      const maxAgeMs = head.retention?.maxAgeMs;
      if (maxAgeMs === undefined || !head.visible || head.gone || head.tail < head.firstSeq) continue;
      if (head.oldestAt < now - maxAgeMs) this.trimSoon(head);
    }
    if (!this.#db) return;
    for (let after = 0; !this.#ended; ) {
      const rows = await queries.agedStreams(this.#db, after, outlineMax);
      for (const row of rows) {
        after = row.stream_no;
        const key = { projectId: row.project_id, path: row.path };
        if (this.#heads.at(key)) continue;
        await this.#heads.load(key);
        const head = this.#heads.at(key);
        if (head) this.trimSoon(head);
      }
      if (rows.length < outlineMax) return;
    }
  }

  async #sweepSuperseded(): Promise<void> {
    const before = this.#clock.now() - this.#limits.supersededKeepMs;
    for (const head of Array.from(this.#heads.all())) {
      if (this.#ended) return;
      if (head.superseded && !head.removing) await this.#dropSuperseded(head, before);
    }
    if (!this.#db) return;
    for (let after = 0; !this.#ended; ) {
      const rows = await contentQueries.streamsWithRangesDue(this.#db, new Date(before), after, outlineMax);
      for (const { stream_no } of rows) {
        after = stream_no;
        if (this.#heads.byNo(stream_no)) continue;
        const head = await this.#heads.loadNo(stream_no);
        if (head && !head.removing) await this.#dropSuperseded(head, before);
      }
      if (rows.length < outlineMax) return;
    }
  }

  /** Deletes rows that no reader is shown any more, a batch per transaction, and forgets tombstones in their time. */
  async #clean(db: Db): Promise<void> {
    for (const due of await queries.streamsWithRowsDue(db, outlineMax)) {
      await deleteUnread(db, due, this.#limits.janitorRows, () => this.#ended);
      if (!due.removed) await deleteDropped(db, due.stream_no, this.#limits.janitorRows, () => this.#ended);
      if (this.#ended) return;
      // What it no longer reads, its sources may let go. One row at a time: a flush may hold several, in another order.
      for (const { stream_no } of await sourcesOf(db, due.stream_no))
        await db.transaction((tx) => markRowsDue(tx, stream_no));
      await db.transaction((tx) => this.#finish(tx, due));
    }
    const before = new Date(this.#clock.now() - this.#limits.tombstoneMs);
    await db.transaction((tx) => queries.dropTombstones(tx, before));
  }

  async #finish(tx: Tx, due: queries.RowsDue): Promise<void> {
    if (due.removed) await queries.deleteProducers(tx, due.stream_no);
    await contentQueries.deleteRangesBelow(tx, due.stream_no, due.removed ? Number.MAX_SAFE_INTEGER : due.first_seq);
    await queries.clearRowsDue(tx, due);
  }

  /** For tests and operators: one sweep now, to its end. */
  async sweepNow(): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    await this.#sweep();
    await Promise.all(this.#running);
  }
}
