import { asError } from '#kernel/base';
import type { FanOut, StreamFan } from './fan-out.ts';
import type { Delivery } from './forms.ts';
import type { StreamHead } from './head.ts';
import type { Offset, Sink, Tail, View } from './log.ts';
import { messagesBehind } from './pages.ts';
import { standingAt } from './positions.ts';
import { passOver, shows } from './views.ts';

type End = Parameters<Sink['end']>[0];

/*
 * One reader of one stream, with one cursor: the last position written to its sink.
 *
 *   replay  pages from the log up to the tail; commits are ignored, they will be read. Left by cutover: in one turn, cursor
 *           equals tail and the follower takes part in fan-out.
 *   live    each turn's commits are written as they come; the first must be at cursor + 1, else back to replay.
 *   slow    more waits in the socket than it may hold. Nothing is written; when it has drained, back to replay at its own
 *           cursor. Too long in here ends it.
 *   ended   the sink was told why, or the tail was disposed of. Never left.
 */
export class Follower implements Tail {
  readonly sink: Sink;
  readonly view: View;
  readonly #fanOut: FanOut;
  readonly #fan: StreamFan;
  #cursor: number;
  #state: 'replay' | 'live' | 'slow' | 'ended' = 'replay';
  /** Since when a slow one's sink has made no progress, and the most it had made. */
  #slowSince = 0;
  #progress = 0;
  #replaying = false;
  /** The sink has been told that it is up to date. */
  #greeted = false;

  constructor(fanOut: FanOut, fan: StreamFan, sink: Sink, view: View, cursor: number) {
    this.#fanOut = fanOut;
    this.#fan = fan;
    this.sink = sink;
    this.view = view;
    this.#cursor = cursor;
  }

  get mode(): 'replay' | 'live' | 'ended' {
    return this.#state === 'slow' ? 'replay' : this.#state;
  }

  get next(): Offset {
    return this.#fan.head.offset(this.#cursor);
  }

  get cursor(): number {
    return this.#cursor;
  }

  get live(): boolean {
    return this.#state === 'live';
  }

  /** Reads on from the cursor until the follower is live, slow or ended. */
  replay(): void {
    if (this.#state === 'ended') return;
    this.#state = 'replay';
    // A loop that has not noticed an excursion yet simply goes on.
    if (this.#replaying) return;
    this.#replaying = true;
    this.#replay().then(
      () => {
        this.#replaying = false;
        // It was asked to go on after the loop had ended, before this was known.
        if (this.#isReplaying()) this.replay();
      },
      (error: unknown) => {
        this.#replaying = false;
        this.#fanOut.replayFailed(this, asError(error));
      },
    );
  }

  async #replay(): Promise<void> {
    const { head } = this.#fan;
    for (let pages = 1; ; pages++) {
      if (!this.#isReplaying()) return;
      if (head.gone) return this.end(head.gone);
      const standing = standingAt(head, this.#cursor);
      if (standing.gap) {
        this.#fanOut.gapMet(standing.gap.reason);
        if (this.sink.gap(standing.gap) === 'stop') return this.stop();
        this.#cursor = standing.seq;
        continue;
      }
      if (this.#cursor === head.tail) return this.#cutOver();
      // What is passed over belongs to the next delivery; a gap behind it is met first.
      const start = passOver(head, this.#cursor, this.view);
      if (start !== this.#cursor && standingAt(head, start).gap) {
        this.#cursor = start;
        continue;
      }
      // Several followers may share one socket: each looks whether there is room before it adds a page.
      if (this.#isFull()) return;
      const found = this.#fanOut.reader.frames(head, start + 1, this.#fanOut.pageSize);
      const frames = found instanceof Promise ? await found : found;
      if (!this.#isReplaying() || (found instanceof Promise && this.#isFull())) return;
      if (frames.length === 0) {
        // The ground moved under us; only a removal, a trim or a dropped range may do that, and all are seen above.
        if (!isMoved(head, start)) throw new Error('nothing to read below the tail');
        continue;
      }
      const from = this.#cursor;
      const messages = [...messagesBehind(frames, start)];
      this.#cursor = messages.at(-1)?.seq ?? start;
      const kept = messages.filter((message) => shows(head, this.view, message));
      const upToDate = this.#cursor === head.tail;
      if (kept.length > 0 || upToDate)
        this.#deliver(
          from,
          kept.map(({ bytes }) => bytes),
          upToDate,
        );
      // Memory answers at once; a long history must not hold the thread.
      if (pages % 4 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Then it is slow, or gone. */
  #isFull(): boolean {
    this.push([]);
    return !this.#isReplaying();
  }

  #isReplaying(): boolean {
    return this.#state === 'replay';
  }

  #deliver(from: number, messages: readonly Uint8Array[], upToDate: boolean): void {
    const { head } = this.#fan;
    const closed = upToDate && head.closed;
    if (upToDate) this.#greeted = true;
    const delivery: Delivery = {
      head,
      phase: 'replay',
      from: head.offset(from),
      next: head.offset(this.#cursor),
      upToDate,
      closed,
      messages,
      nowMs: this.#fanOut.nowMs(),
    };
    this.push(this.#fanOut.encode(this.sink.form, delivery));
  }

  /** The one step from history to live: nothing can be committed between the comparison and this. */
  #cutOver(): void {
    const { head } = this.#fan;
    if (!this.#greeted) this.#deliver(this.#cursor, [], true);
    if (head.closed) return this.end('closed');
    if (this.#state === 'replay') this.#state = 'live';
  }

  /** Encoded commits `first..last`, shared with everyone in the same place. */
  take(first: number, last: number, shared: readonly Uint8Array[]): void {
    if (this.#state !== 'live') return;
    if (last <= this.#cursor) return;
    if (first !== this.#cursor + 1) return this.replay();
    this.#cursor = last;
    if (shared.length > 0) this.push(shared);
  }

  /** After a delivery: whoever is not at the tail reads on, and at the end of a closed stream there is nothing more. */
  settle(): void {
    if (this.#state !== 'live') return;
    if (this.#cursor !== this.#fan.head.tail) this.replay();
    else if (this.#fan.head.closed) this.end('closed');
  }

  push(bytes: readonly Uint8Array[]): void {
    let waiting: number;
    try {
      waiting = this.sink.write(bytes);
    } catch {
      // A sink that throws is gone; its owner will notice by itself.
      return this.stop();
    }
    if (waiting > this.#fanOut.bufferBytes && this.#state !== 'ended') {
      this.#greeted = false;
      this.#state = 'slow';
      this.#slowSince = this.#fanOut.monotonicMs();
      this.#progress = this.sink.left ?? -waiting;
      this.#fanOut.slowed(this);
    }
  }

  drained(): void {
    if (this.#state === 'slow') this.#fanOut.lookAt(this);
  }

  /** Asks the sink how much still waits. True when the follower is no longer slow. */
  look(stuckAfterMs: number): boolean {
    if (this.#state !== 'slow') return true;
    let waiting: number;
    try {
      waiting = this.sink.write([]);
    } catch {
      this.stop();
      return true;
    }
    if (waiting <= this.#fanOut.bufferBytes / 4) {
      this.replay();
      return true;
    }
    const progress = this.sink.left ?? -waiting;
    if (progress > this.#progress) {
      this.#progress = progress;
      this.#slowSince = this.#fanOut.monotonicMs();
    }
    if (this.#fanOut.monotonicMs() - this.#slowSince < stuckAfterMs) return false;
    this.#fanOut.slowEnded();
    this.end('slow');
    return true;
  }

  end(why: End): void {
    if (this.#state === 'ended') return;
    this.stop();
    try {
      this.sink.end(why);
    } catch {
      // As above: a sink that throws is gone.
    }
  }

  stop(): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#fanOut.left(this.#fan, this);
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}

/** Removed, trimmed beyond this position, or dropped: only these may take away what a follower was about to read. */
const isMoved = (head: StreamHead, seq: number): boolean =>
  head.gone !== undefined || standingAt(head, seq).gap !== undefined || passOver(head, seq, 'raw') > seq;
