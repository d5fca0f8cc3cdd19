import { asError, type Clock } from '#kernel/base';
import type { Db, Tx } from '#kernel/db';
import type { LogEvents } from './events.ts';
import type { StreamHead } from './head.ts';
import type { Heads } from './heads.ts';
import type { LogLimits } from './limits.ts';
import * as queries from './queries.ts';
import type { FrameOutline, Reader } from './reader.ts';

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
  }) {
    this.#reader = parts.reader;
    this.#heads = parts.heads;
    this.#db = parts.db;
    this.#clock = parts.clock;
    this.#limits = parts.limits;
    this.#events = parts.events;
    this.#trim = parts.trim;
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
    head.trimming = true;
    this.#run(`trimming stream ${head.streamNo}`, () =>
      this.#trimTo(head).finally(() => {
        head.trimming = false;
      }),
    );
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
      if (first > head.tail || this.#ended || head.removed) break;
      const frames = await this.#reader.outline(head, first, outlineMax);
      let went = false;
      for (const frame of frames) {
        const next = frame.firstSeq + frame.count;
        head.oldestAt = frame.at;
        if (next > head.tail || !mustGo(frame)) break;
        first = next;
        gone += frame.bytes;
        went = true;
      }
      if (!went || frames.length < outlineMax) break;
    }
    if (first > head.firstSeq && !head.removing) await this.#trim(head, first, gone);
  }

  async #sweep(): Promise<void> {
    try {
      await this.#sweepAges();
      if (this.#db) await this.#clean(this.#db);
    } finally {
      if (!this.#ended) this.start();
    }
  }

  async #sweepAges(): Promise<void> {
    const now = this.#clock.now();
    for (const head of Array.from(this.#heads.all())) {
      if (this.#ended) return;
      const maxAgeMs = head.retention?.maxAgeMs;
      if (maxAgeMs === undefined || !head.visible || head.removed || head.tail < head.firstSeq) continue;
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

  /** Deletes rows that no reader is shown any more, a batch per transaction, and forgets tombstones in their time. */
  async #clean(db: Db): Promise<void> {
    for (const due of await queries.streamsWithRowsDue(db, outlineMax)) {
      const below = due.removed ? Number.MAX_SAFE_INTEGER : due.first_seq;
      for (;;) {
        if (this.#ended) return;
        const deleted = await db.transaction((tx) =>
          queries.deleteMessagesBelow(tx, due.stream_no, below, this.#limits.janitorRows),
        );
        if (deleted < this.#limits.janitorRows) break;
      }
      await db.transaction((tx) => this.#finish(tx, due));
    }
    await db.transaction((tx) => queries.dropTombstones(tx, this.#limits.tombstoneMs));
  }

  async #finish(tx: Tx, due: { stream_no: number; first_seq: number; removed: boolean }): Promise<void> {
    if (due.removed) await queries.deleteProducers(tx, due.stream_no);
    await queries.clearRowsDue(tx, due.stream_no, due.first_seq);
  }

  /** For tests and operators: one sweep now, to its end. */
  async sweepNow(): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    await this.#sweep();
    await Promise.all(this.#running);
  }
}
