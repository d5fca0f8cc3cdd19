import type { FanOut } from './fan-out.ts';
import type { FrameIndex } from './frame-index.ts';
import type { StreamHead } from './head.ts';
import type { Watchers } from './watchers.ts';

/** What is called when a frame has become durable: only from here on may anyone see it (I1). Frames come in log order. */
export class Publisher {
  readonly #index: FrameIndex;
  readonly #fanOut: FanOut;
  readonly #watchers: Watchers;
  readonly #grown: (head: StreamHead) => void;

  constructor(parts: { index: FrameIndex; fanOut: FanOut; watchers: Watchers; grown: (head: StreamHead) => void }) {
    this.#index = parts.index;
    this.#fanOut = parts.fanOut;
    this.#watchers = parts.watchers;
    this.#grown = parts.grown;
  }

  appended(
    head: StreamHead,
    firstSeq: number,
    count: number,
    place: { lsn: number; bytes: number; batchNo: number },
    payloadBytes: number,
    ms: number,
    closes: boolean,
  ): void {
    if (count > 0) {
      head.tail = firstSeq + count - 1;
      head.bytes += payloadBytes;
      this.#index.add(head, firstSeq, place.lsn, place.bytes, place.batchNo);
    }
    head.updatedAt = ms;
    if (closes) head.closed = true;
    if (head.fan !== undefined) this.#fanOut.moved(head.fan, firstSeq, count, place.lsn);
    if (head.retention !== undefined) this.#grown(head);
    this.#watchers.moved(head);
  }

  /** Something else about a stream changed: its first position, its eras, its existence. */
  changed(head: StreamHead): void {
    if (head.fan !== undefined) this.#fanOut.changed(head.fan);
    this.#watchers.moved(head);
  }
}
