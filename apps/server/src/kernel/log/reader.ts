import { asError, type Clock, internal } from '#kernel/base';
import type { ColdReads } from './cold-reads.ts';
import type { Erasures } from './erasures.ts';
import type { LogEvents } from './events.ts';
import { batchSeed, cutPayload, FrameView, padded } from './frame.ts';
import type { FrameIndex, FramePlace } from './frame-index.ts';
import type { StreamHead } from './head.ts';
import type { Journal } from './journal.ts';
import type { LogLimits } from './limits.ts';
import { inheritedAt } from './lineage.ts';
import type { Gap } from './log.ts';
import { unbrokenTo } from './positions.ts';
import { messagesFrom, outlineFrom } from './queries.ts';
import { segmentOf } from './segment.ts';
import type { Store } from './store.ts';
import type { Tape } from './tape.ts';
import { passOver } from './views.ts';

/** One append as readers get it: its messages are copies that nobody else changes. */
export type StoredFrame = {
  readonly firstSeq: number;
  readonly at: number;
  readonly messages: readonly Uint8Array[];
  readonly bytes: number;
};

/** One append without its bytes. */
export type FrameOutline = {
  readonly firstSeq: number;
  readonly count: number;
  readonly at: number;
  readonly bytes: number;
};

/** Frames this close together in a segment are fetched with one read. */
const spanGapBytes = 16 * 1024;
const spanBytesMax = 1024 * 1024;

/**
 * Reads whole frames of one stream, newest layer first: the tape in memory, the segments through their index, Postgres. It
 * never touches the writer, holds a segment only during one read, and checks what comes from a disk. What it returns
 * starts with the frame that holds the wanted position, or it is an error: a reader is never silently skipped ahead.
 */
export class Reader {
  readonly #tape: Tape;
  readonly #index: FrameIndex;
  readonly #journal: Journal;
  readonly #store: Store | undefined;
  readonly #cold: ColdReads;
  readonly #erasures: Erasures;
  readonly #clock: Clock;
  readonly #limits: LogLimits;
  readonly #events: LogEvents;

  constructor(parts: {
    tape: Tape;
    index: FrameIndex;
    journal: Journal;
    store: Store | undefined;
    cold: ColdReads;
    erasures: Erasures;
    clock: Clock;
    limits: LogLimits;
    events: LogEvents;
  }) {
    this.#tape = parts.tape;
    this.#index = parts.index;
    this.#journal = parts.journal;
    this.#store = parts.store;
    this.#cold = parts.cold;
    this.#erasures = parts.erasures;
    this.#clock = parts.clock;
    this.#limits = parts.limits;
    this.#events = parts.events;
  }

  /**
   * Frames from the one that holds `seq` on, without a hole, up to the visible tail: at least one, then until `bytes` or
   * `messages` are reached. Needs `head.firstSeq ≤ seq ≤ head.tail`. At once when memory has them.
   */
  frames(
    head: StreamHead,
    seq: number,
    want: { bytes: number; messages: number },
  ): StoredFrame[] | Promise<StoredFrame[]> {
    const began = this.#clock.monotonic();
    const { streamNo, end } = placeOf(head, seq);
    const places = this.#index.find(streamNo, seq, this.#framesAtMost(seq, end, want.messages));
    if (places !== undefined && !(places instanceof Promise)) {
      const found = this.#fromTape(places, end, want);
      if (holds(found, seq)) {
        this.#events.read('memory', found.length, this.#clock.monotonic() - began);
        return found;
      }
    }
    return this.#cold.run(head.key.projectId, async () => this.#coldFrames(head, seq, want, await places));
  }

  /** Each frame has a message at least, and a fork may end soon what its source went on with. */
  #framesAtMost(seq: number, end: number, messages: number): number {
    return Math.max(1, Math.min(messages, this.#limits.pageMessagesMax, end - seq + 1));
  }

  #fromTape(places: readonly FramePlace[], end: number, want: { bytes: number; messages: number }): StoredFrame[] {
    const found: StoredFrame[] = [];
    let bytes = 0;
    let messages = 0;
    let next = places[0]?.firstSeq;
    for (const place of places) {
      if (place.firstSeq !== next || place.firstSeq > end || bytes >= want.bytes || messages >= want.messages) break;
      const chunk = this.#tape.find(place.lsn);
      if (!chunk) break;
      const frame = cutAt(this.copy(new FrameView(chunk.memory).look(place.lsn - chunk.lsn)), end);
      found.push(frame);
      bytes += frame.bytes;
      messages += frame.messages.length;
      next = place.firstSeq + frame.messages.length;
    }
    return found;
  }

  async #coldFrames(
    head: StreamHead,
    seq: number,
    want: { bytes: number; messages: number },
    places: FramePlace[] | undefined,
  ): Promise<StoredFrame[]> {
    const began = this.#clock.monotonic();
    const { streamNo, end } = placeOf(head, seq);
    // A segment without its index (its rows are there) makes an older one answer with the frame before.
    let found = places ? await this.#fromSegments(streamNo, places, end, want) : [];
    const layer = holds(found, seq) ? 'segment' : 'rows';
    if (layer === 'rows') found = await this.#fromRows(streamNo, seq, end, want);
    if (!holds(found, seq)) {
      // Trimmed or removed meanwhile is the caller's to see; anything else is a hole that must not be stepped over.
      if (head.gone || head.firstSeq > seq || passOver(head, seq - 1, 'raw') >= seq) return [];
      this.#events.damage({
        reason: 'log_read_hole',
        detail: `position ${seq} of stream ${streamNo} is not found`,
        quarantined: 0,
      });
      throw internal('log_read_hole', 'A stored position could not be found.', {
        extra: { streamNo, seq },
      });
    }
    this.#events.read(layer, found.length, this.#clock.monotonic() - began);
    return found;
  }

  async #fromSegments(
    streamNo: number,
    places: readonly FramePlace[],
    end: number,
    want: { bytes: number; messages: number },
  ): Promise<StoredFrame[]> {
    const found: StoredFrame[] = [];
    let bytes = 0;
    let messages = 0;
    let next = places[0]?.firstSeq;
    for (const span of spansOf(places.filter(({ firstSeq }) => firstSeq <= end))) {
      if (bytes >= want.bytes || messages >= want.messages) break;
      const first = span[0] as FramePlace;
      const last = span.at(-1) as FramePlace;
      const memory = await this.#journal
        .read(first.lsn, last.lsn + padded(last.bytes) - first.lsn)
        .catch((error: unknown) => {
          this.#events.backgroundFailed('reading a segment', asError(error));
          return undefined;
        });
      const salt = this.#journal.saltOf(segmentOf(first.lsn));
      // Given back to the disk meanwhile, or not readable: perhaps its rows have it.
      if (!memory || !salt) break;
      for (const place of span) {
        // A damaged frame in between is in rows only: what follows it must not be put in its place.
        if (place.firstSeq !== next) return found;
        if (bytes >= want.bytes || messages >= want.messages) return found;
        const view = new FrameView(memory);
        const at = place.lsn - first.lsn;
        if (!view.verify(at, memory.bytes.length, batchSeed(salt, place.batchNo)) || view.streamNo !== streamNo) {
          this.#events.damage({
            reason: 'log_read_damaged',
            detail: `frame at lsn ${place.lsn} does not verify`,
            quarantined: 0,
          });
          if (this.#store) return found;
          throw internal('log_read_damaged', 'A stored frame is damaged.');
        }
        const frame = cutAt(this.copy(view), end);
        found.push(frame);
        bytes += frame.bytes;
        messages += frame.messages.length;
        next = place.firstSeq + frame.messages.length;
      }
    }
    return found;
  }

  async #fromRows(
    streamNo: number,
    seq: number,
    end: number,
    want: { bytes: number; messages: number },
  ): Promise<StoredFrame[]> {
    if (!this.#store) return [];
    const rows = await messagesFrom(
      this.#store.db,
      streamNo,
      seq,
      this.#framesAtMost(seq, end, want.messages),
      want.bytes,
    );
    const found: StoredFrame[] = [];
    let next = rows[0]?.seq;
    for (const row of rows) {
      // Rows that are not there yet are in segments: the next call finds them.
      if (row.seq !== next || row.seq > end) break;
      const messages = cutPayload(row.payload, row.count, row.lengths);
      const shown = this.#shown(streamNo, row.seq, messages, row.payload.length);
      found.push(cutAt({ firstSeq: row.seq, at: row.at.getTime(), ...shown }, end));
      next = row.seq + row.count;
    }
    return found;
  }

  /** A reader was told that positions are missing in front of it. */
  gapMet(reason: Gap['reason']): void {
    this.#events.gap(reason);
  }

  /** Copies a frame out of memory that will be used again, as it may be shown. */
  copy(view: FrameView): StoredFrame {
    const payload = Buffer.from(view.payload());
    const { firstSeq, ms: at } = view;
    const messages = cutPayload(payload, view.count, view.lengths());
    return { firstSeq, at, ...this.#shown(view.streamNo, firstSeq, messages, payload.length) };
  }

  #shown(
    streamNo: number,
    firstSeq: number,
    stored: readonly Uint8Array[],
    storedBytes: number,
  ): Pick<StoredFrame, 'messages' | 'bytes'> {
    const messages = this.#erasures.masked(streamNo, firstSeq, stored);
    if (messages === stored) return { messages, bytes: storedBytes };
    return { messages, bytes: messages.reduce((sum, { length }) => sum + length, 0) };
  }

  /** Frames from the one that holds `seq` on, without their bytes, for retention. */
  async outline(head: StreamHead, seq: number, limit: number): Promise<FrameOutline[]> {
    const { streamNo, end } = placeOf(head, seq);
    const found = await this.#index.find(streamNo, seq, limit);
    // Rows may still hold what was erased, in another size.
    if (!found && this.#store && !this.#erasures.has(streamNo)) {
      const rows = await outlineFrom(this.#store.db, streamNo, seq, limit);
      const whole = rows.filter((row) => row.seq + row.count - 1 <= end);
      // Of an append that only begins in what a fork inherited, the size is known when it is read.
      if (whole.length > 0 || rows.length === 0)
        return whole.map((row) => ({ firstSeq: row.seq, count: row.count, at: row.at.getTime(), bytes: row.bytes }));
    }
    const frames = await this.frames(head, seq, { bytes: this.#limits.viewScanBytesMax, messages: limit });
    return frames.map(({ firstSeq, at, messages, bytes }) => ({ firstSeq, count: messages.length, at, bytes }));
  }
}

/** Which stream's frames hold a position, and how far they may be followed. */
function placeOf(head: StreamHead, seq: number): { streamNo: number; end: number } {
  const end = unbrokenTo(head, seq - 1);
  const inherited = head.fork === undefined ? undefined : inheritedAt(head, seq);
  if (inherited === undefined) return { streamNo: head.streamNo, end };
  return { streamNo: inherited.streamNo, end: Math.min(end, inherited.last) };
}

/** A fork may begin in the middle of an append. */
function cutAt(frame: StoredFrame, end: number): StoredFrame {
  if (frame.firstSeq + frame.messages.length - 1 <= end) return frame;
  const messages = frame.messages.slice(0, end - frame.firstSeq + 1);
  return { ...frame, messages, bytes: messages.reduce((sum, { length }) => sum + length, 0) };
}

/** Whether the first of these frames is the one that holds `seq`. */
function holds(frames: readonly StoredFrame[], seq: number): boolean {
  const first = frames[0];
  return first !== undefined && first.firstSeq <= seq && seq < first.firstSeq + first.messages.length;
}

/** Places near each other, to be fetched together. */
function spansOf(places: readonly FramePlace[]): FramePlace[][] {
  const spans: FramePlace[][] = [];
  for (const place of places) {
    const span = spans.at(-1);
    const first = span?.[0];
    const last = span?.at(-1);
    const near =
      span &&
      first &&
      last &&
      place.lsn - (last.lsn + padded(last.bytes)) <= spanGapBytes &&
      place.lsn + place.bytes - first.lsn <= spanBytesMax;
    if (near) span.push(place);
    else spans.push([place]);
  }
  return spans;
}
