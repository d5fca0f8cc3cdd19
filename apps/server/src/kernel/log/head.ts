import type { DeadlineEntry } from './deadlines.ts';
import type { StreamFan } from './fan-out.ts';
import type { FrameList } from './frame-index.ts';
import type { Fork } from './lineage.ts';
import type { Head, Offset, Retention, StreamKey } from './log.ts';
import { offsetOf } from './offset.ts';
import { Producers } from './producers.ts';
import type { Superseded } from './superseded.ts';

/**
 * An era begins at position `first`. Positions `from` to `first - 1` do not exist, for `reason`. One without `from` behind
 * the first is a fork's own, right behind what it inherited.
 */
export type Era = { era: number; first: number; from?: number; reason?: 'restored' | 'lost' };

/** What makes a stream, as its `create` frame and its row have it. */
export type Birth = {
  streamNo: number;
  key: StreamKey;
  shard: number;
  contentType: string;
  eras: Era[];
  createdAt: number;
  configuration: Settings;
  fork?: Fork | undefined;
};

export type Cause = 'deleted' | 'expired';

/** What `configure` can change, whole. A sliding lifetime or a fixed instant, not both. */
export type Settings = {
  retention?: Retention | undefined;
  ttlSeconds?: number | undefined;
  expiresAt?: number | undefined;
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

  readonly fork: Fork | undefined;

  visible = false;
  removed: Cause | undefined;
  /** Removed, but hidden in its place until its last fork is gone. */
  kept: Cause | undefined;
  /** Last position a reader may see. */
  tail = 0;
  firstSeq = 1;
  bytes = 0;
  closed = false;
  updatedAt: number;
  retention: Retention | undefined;
  ttlSeconds: number | undefined;
  expiresAt: number | undefined;
  /** Of its configuration. */
  version = 1;

  era: number;
  /** Last position given out. */
  lastSeq = 0;
  closing = false;
  removing = false;
  /** Why it is being removed, and whether that only hides it. */
  ending: Cause | undefined;
  keeping = false;
  /** Kept no longer: its second end is on its way. */
  finishing = false;
  /** First position that no trim on its way takes. */
  firstKept = 1;
  nextVersion = 1;
  settings: Settings;
  /** Streams that were forked from this one, or are about to be, and since when that is known. */
  refs: Map<number, number> | undefined;
  writerSeq: string | undefined;
  /** Position of its last frame in the log; 0 when that is in rows. */
  lastLsn = 0;
  producers: Producers | undefined;

  /** The stream at this path before, whose removal is not durable yet. */
  predecessor: StreamHead | undefined;
  fan: StreamFan | undefined;
  /** Its frames in the segment that is being written; belongs to `frame-index.ts`. */
  frames: FrameList | undefined;
  /** Ranges that a later message tells again. */
  superseded: Superseded | undefined;
  /** Dropped positions of a head that was made for a list only, without its ranges. */
  droppedMessages = 0;
  /** Grows whenever stored positions are shown otherwise than before. */
  revision = 0;
  /** Used since the last look for heads that may leave. */
  used = true;
  trimming = false;
  /** How many need it in memory just now. */
  holds = 0;
  /** A sliding lifetime in ms; negative when there is none. */
  ttlMs = -1;
  /** From this moment on (ms) it is gone. */
  deadline = Number.POSITIVE_INFINITY;
  /** The deadline it would have if it were loaded from its row now. */
  storedDeadline = Number.POSITIVE_INFINITY;
  /** Its place among the deadlines; belongs to `deadlines.ts`. */
  entry: DeadlineEntry | undefined;
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
    // What a fork inherited may be of any age.
    this.oldestAt = birth.fork ? 0 : birth.createdAt;
    this.eras = birth.eras;
    this.era = (birth.eras.at(-1) as Era).era;
    this.fork = birth.fork;
    this.settings = isBare(birth.configuration) ? bare : birth.configuration;
    this.configure(birth.configuration, birth.createdAt);
  }

  /** Takes over a configuration as of `ms`: that counts as a use, from which a sliding lifetime goes on. */
  configure({ retention, ttlSeconds, expiresAt }: Settings, ms: number): void {
    const same = ttlSeconds !== undefined && ttlSeconds === this.ttlSeconds;
    this.retention = retention;
    this.ttlSeconds = ttlSeconds;
    this.expiresAt = expiresAt;
    this.ttlMs = ttlSeconds === undefined ? -1 : ttlSeconds * 1000;
    this.storedDeadline = ttlSeconds === undefined ? (expiresAt ?? Number.POSITIVE_INFINITY) : ms + this.ttlMs;
    this.deadline = same ? Math.max(this.deadline, this.storedDeadline) : this.storedDeadline;
  }

  /** A configuration as of `ms` is being written: its end comes no sooner than that one says. */
  outlive({ ttlSeconds, expiresAt }: Settings, ms: number): void {
    const end = ttlSeconds === undefined ? (expiresAt ?? Number.POSITIVE_INFINITY) : ms + ttlSeconds * 1000;
    this.deadline = Math.max(this.deadline, end);
  }

  /** Used at `ms`: a sliding lifetime starts again. Never shortens it. */
  touch(ms: number): void {
    if (this.ttlMs >= 0 && ms + this.ttlMs > this.deadline) this.deadline = ms + this.ttlMs;
  }

  /** Why nobody sees it any more, if so. */
  get gone(): Cause | undefined {
    return this.removed ?? this.kept;
  }

  /** How many streams were forked from it and live. */
  get forks(): number {
    return this.refs?.size ?? 0;
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

  /** As `eraOf`, also for a position that was given out and is not visible yet. */
  assignedEra(seq: number): number {
    return seq > this.tail ? this.era : this.eraOf(seq);
  }

  assignedOffset(seq: number): Offset {
    return offsetOf(this.assignedEra(seq), seq);
  }

  /** Positions the stream holds, those left out by trims, losses and dropped ranges not counted. */
  get messages(): number {
    let count = this.tail - this.firstSeq + 1;
    for (const { from, first } of this.eras) {
      if (from === undefined || first <= this.firstSeq || from > this.tail) continue;
      count -= Math.min(first - 1, this.tail) - Math.max(from, this.firstSeq) + 1;
    }
    count -= this.superseded?.droppedIn(this.firstSeq, this.tail) ?? this.droppedMessages;
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
      streamNo: this.streamNo,
      version: this.version,
      revision: this.revision,
      followers: this.fan?.followers.size ?? 0,
      ...(this.retention === undefined ? {} : { retention: this.retention }),
      ...(this.ttlSeconds === undefined ? {} : { ttlSeconds: this.ttlSeconds }),
      ...(this.expiresAt === undefined ? {} : { expiresAt: this.expiresAt }),
      ...(this.fork === undefined ? {} : { forkedFrom: this.fork.path }),
    };
  }

  producersWith(limits: { producersInMemoryMax: number; producerResultsMax: number }): Producers {
    this.producers ??= new Producers(limits.producersInMemoryMax, limits.producerResultsMax);
    return this.producers;
  }
}

/** Most streams have nothing to configure: they share one object. */
const bare: Settings = Object.freeze({});

const isBare = ({ retention, ttlSeconds, expiresAt }: Settings): boolean =>
  retention === undefined && ttlSeconds === undefined && expiresAt === undefined;

/** Media type as the protocol compares it: lower case, without parameters. */
export function mediaTypeOf(contentType: string): string {
  const end = contentType.indexOf(';');
  return (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
}
