import type { StreamFan } from './fan-out.ts';
import type { FrameList } from './frame-index.ts';
import type { Head, Offset, Retention, StreamKey } from './log.ts';
import { offsetOf } from './offset.ts';
import { Producers } from './producers.ts';

/** An era begins at position `first`. Positions `from` to `first - 1` do not exist, for `reason`. */
export type Era = { era: number; first: number; from?: number; reason?: 'restored' | 'lost' };

/** What makes a stream, as its `create` frame and its row have it. */
export type Birth = {
  streamNo: number;
  key: StreamKey;
  shard: number;
  contentType: string;
  eras: Era[];
  createdAt: number;
  retention: Retention | undefined;
};

/**
 * Everything the log knows of one stream, in two layers. The *assigned* layer (`lastSeq`, `closing`, `removing`, `writerSeq`,
 * producers) is what checks run against and moves when a frame is encoded. The *visible* layer is what anyone may see and
 * moves when that frame is durable. A head is clean when its last frame has reached Postgres; only then may it leave memory.
 */
export class StreamHead {
  readonly streamNo: number;
  readonly key: StreamKey;
  readonly shard: number;
  readonly contentType: string;
  readonly mediaType: string;
  readonly createdAt: number;
  /** What readers see; `era` below may be ahead of it. */
  readonly eras: Era[];

  visible = false;
  removed: 'deleted' | 'expired' | undefined;
  /** Last position a reader may see. */
  tail = 0;
  firstSeq = 1;
  bytes = 0;
  closed = false;
  updatedAt: number;
  retention: Retention | undefined;

  era: number;
  /** Last position given out. */
  lastSeq = 0;
  closing = false;
  removing = false;
  writerSeq: string | undefined;
  /** Position of its last frame in the log; 0 when that is in rows. */
  lastLsn = 0;
  producers: Producers | undefined;

  /** The stream at this path before, whose removal is not durable yet. */
  predecessor: StreamHead | undefined;
  fan: StreamFan | undefined;
  /** Its frames in the segment that is being written; belongs to `frame-index.ts`. */
  frames: FrameList | undefined;
  /** Used since the last look for heads that may leave. */
  used = true;
  trimming = false;
  /** No message of it is older than this. */
  oldestAt: number;

  constructor(birth: Birth) {
    this.streamNo = birth.streamNo;
    this.key = birth.key;
    this.shard = birth.shard;
    this.contentType = birth.contentType;
    this.mediaType = mediaTypeOf(birth.contentType);
    this.createdAt = birth.createdAt;
    this.updatedAt = birth.createdAt;
    this.oldestAt = birth.createdAt;
    this.eras = birth.eras;
    this.era = (birth.eras.at(-1) as Era).era;
    this.retention = birth.retention;
  }

  /** The era a position lies in. The one just before the first of an era behind a gap is that era's own start. */
  eraOf(seq: number): number {
    for (let i = this.eras.length - 1; i > 0; i--) {
      const entry = this.eras[i] as Era;
      if (entry.first - (entry.from === undefined ? 0 : 1) <= seq) return entry.era;
    }
    return (this.eras[0] as Era).era;
  }

  /** The wire form of `seq`: what a reader keeps who has read up to here. */
  offset(seq: number): Offset {
    return offsetOf(this.eraOf(seq), seq);
  }

  /** Positions the stream holds, those left out by trims and losses not counted. */
  get messages(): number {
    let count = this.tail - this.firstSeq + 1;
    for (const { from, first } of this.eras) {
      if (from === undefined || first <= this.firstSeq || from > this.tail) continue;
      count -= Math.min(first - 1, this.tail) - Math.max(from, this.firstSeq) + 1;
    }
    return Math.max(0, count);
  }

  show(): Head {
    return {
      key: this.key,
      contentType: this.contentType,
      first: this.offset(this.firstSeq - 1),
      tail: this.offset(this.tail),
      bytes: this.bytes,
      messages: this.messages,
      closed: this.closed,
      createdAt: this.createdAt,
      updatedAt: this.updatedAt,
      ...(this.retention === undefined ? {} : { retention: this.retention }),
    };
  }

  producersWith(limits: { producersInMemoryMax: number; producerResultsMax: number }): Producers {
    this.producers ??= new Producers(limits.producersInMemoryMax, limits.producerResultsMax);
    return this.producers;
  }
}

/** Media type as the protocol compares it: lower case, without parameters. */
export function mediaTypeOf(contentType: string): string {
  const end = contentType.indexOf(';');
  return (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
}
