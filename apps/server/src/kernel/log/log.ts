/* The log's contract, as in the design of kernel/log; `index.ts` exports this and nothing deeper. */
import type { MusterError, Service } from '#kernel/base';
import type { Tx } from '#kernel/db';

export type StreamKey = { readonly projectId: string; readonly path: string };

/** Wire form of a position, `<era, 16 digits>_<seq, 16 digits>`: "read up to here". Sorts as text. */
export type Offset = string & { readonly __offset?: never };
export type From = 'start' | 'now' | Offset;

export type Retention = { maxAgeMs?: number; maxBytes?: number; maxMessages?: number };

export type CreateStream = {
  key: StreamKey;
  /** May be left out of a fork, which then has its source's. */
  contentType?: string;
  /** Sliding: every read, live read, append and close starts it again; `head` does not. */
  ttlSeconds?: number;
  /** Fixed instant, ms since 1970. Not together with `ttlSeconds`. */
  expiresAt?: number;
  closed?: boolean;
  /** Stored with the creation, whole or not at all. Behind what a fork inherits. */
  first?: readonly Uint8Array[];
  /**
   * Begins with the source's messages up to `at` (default: its tail) and `sub` messages (JSON) or bytes (others) more, at most
   * to the end of the next append. Without a TTL or instant of its own it has its source's.
   */
  fork?: { from: StreamKey; at?: Offset; sub?: number };
  retention?: Retention;
  /** The id in the path was minted just now: skip the look-up of an older stream. */
  fresh?: boolean;
  /** Refuse (`exhausted` `streams_max`) what would be one more stream of a project that has so many. */
  streamsMax?: number;
};

export type Append = {
  key: StreamKey;
  /** May be empty only with `close`. One append is stored whole or not at all. */
  messages: readonly Uint8Array[];
  contentType?: string;
  producer?: { id: string; epoch: number; seq: number };
  /** Refuse (`conflict` `writer_seq`) unless greater, byte by byte, than the last one stored on this stream. */
  writerSeq?: string;
  /** Refuse (`conflict` `tail_moved`) unless the stream's last seq is this. */
  expectedTail?: number;
  close?: boolean;
  /** What is wrong with the content. It is said at its place in the order of checks: a repeat is still a repeat. */
  refusal?: MusterError;
};

/** `next` and `producer` are computed when asked for: read them, do not spread the object. */
export type Appended = {
  outcome: 'stored' | 'duplicate';
  firstSeq: number;
  lastSeq: number;
  next: Offset;
  closed: boolean;
  producer?: { epoch: number; seq: number } | undefined;
};

export type Head = {
  key: StreamKey;
  contentType: string;
  first: Offset;
  tail: Offset;
  bytes: number;
  messages: number;
  closed: boolean;
  ttlSeconds?: number;
  expiresAt?: number;
  /** Path of the stream it was forked from. */
  forkedFrom?: string;
  retention?: Retention;
  createdAt: number;
  updatedAt: number;
  /** Never used again, not even for a new stream at the same path. */
  streamNo: number;
  /** Of its configuration: 1 at creation, one more with every `configure`. */
  version: number;
  /** Grows whenever stored positions are shown otherwise than before (superseded, erased): part of what identifies a page. */
  revision: number;
  /** Live readers on this node. */
  followers: number;
};

/** What may change in the life of a stream; `null` takes a rule away. A TTL and an instant replace each other. */
export type Configuration = {
  retention?: Retention | null;
  ttlSeconds?: number | null;
  expiresAt?: number | null;
};

export type Message = { readonly seq: number; readonly at: number; readonly bytes: Uint8Array };
/**
 * The same positions, fewer messages: `compact` leaves out what was superseded. One object per view: followers of one view
 * object share what is encoded.
 */
export type View = 'raw' | 'compact' | { name: string; keep(message: Message): boolean };
/** `next` covers what a view left out. */
export type Page = { messages: readonly Message[]; next: Offset; upToDate: boolean; closed: boolean };
export type Gap = {
  from: Offset;
  earliest: Offset;
  lost: number | null;
  reason: 'trimmed' | 'recreated' | 'restored' | 'lost';
};

/**
 * Where a tail writes: one per socket or response. Forms: `sse` = data and control events of the public protocol,
 * `socket` = unmasked WebSocket text frames of `muster.v1`, `raw` = one buffer per message, exactly as appended.
 */
export interface Sink {
  readonly form: 'sse' | 'socket' | 'raw';
  /**
   * Takes encoded bytes shared by all followers of that form; returns the bytes now waiting in the socket. May be
   * called with an empty list, to ask.
   */
  write(shared: readonly Uint8Array[]): number;
  /**
   * Bytes that have left the socket so far, where the sink knows: it is not stuck while this grows, even if others who share
   * the socket are served first. Without it, fewer bytes waiting than ever since it got slow is progress.
   */
  readonly left?: number;
  /** Positions are missing in front of the sink: end here, or go on behind them. `stop` at the very start makes `tail` fail. */
  gap(gap: Gap): 'stop' | 'continue';
  end(why: 'closed' | 'deleted' | 'expired' | 'slow' | 'moved' | 'draining'): void;
}

/** A running tail. Disposing it stops all writes to its sink. */
export interface Tail extends Disposable {
  readonly mode: 'replay' | 'live' | 'ended';
  /** Up to where this sink has been written. */
  readonly next: Offset;
  /** The socket is empty again: go on at once instead of at the next look. */
  drained(): void;
}

/** One append as it was committed, in log order. */
export type Committed = {
  key: StreamKey;
  lsn: number;
  at: number;
  firstSeq: number;
  messages: readonly Uint8Array[];
  closes: boolean;
};

export type Durability = {
  driver: 'memory' | 'disk' | 'jetstream';
  fsync: 'commit' | 'off' | 'unknown';
  ackMeans: 'memory' | 'synced' | 'replicated';
  survives: { processKill: boolean; powerLoss: boolean; diskLoss: boolean; nodeLoss: boolean };
  flushLagMs: number;
  unflushedBytes: number;
  walBytes: number;
  quarantinedFiles: number;
  shardsOwned: number;
  /**
   * A budget is over 80 %, files that held acknowledged bytes are in quarantine, or the flush has stopped because a row holds
   * something else: health says so.
   */
  degraded: boolean;
};

export type Gauges = {
  heads: number;
  /** Streams of the project that has most, in memory or not. */
  streamsOfOne: number;
  followers: number;
  /** Of each consumer: bytes of log it has not yet taken, and the age of the oldest of them. */
  consumers: readonly { name: string; lagBytes: number; lagMs: number }[];
  /** Of the heads, those with frames that Postgres does not hold yet. */
  dirtyHeads: number;
  /** The followers by what they are written and whether they read history. */
  followersBy: readonly { form: Sink['form']; mode: 'replay' | 'live'; count: number }[];
  /** Appends that wait for their sync. */
  pendingBytes: number;
  /** Erased messages whose old bytes files may still hold. */
  erasing: number;
  /** Files of the log: being written, finished, prepared ahead. */
  segments: { open: number; sealed: number; spare: number };
};

/**
 * The durable ordered log. Nothing is acknowledged or readable before the sync that covers it (I1); positions go up by
 * one, are never reused, and replay and live delivery are the same bytes (I2).
 * Errors: `notFound conflict invalid exhausted unavailable`.
 */
export interface Log extends Service {
  create(input: CreateStream): Promise<{ outcome: 'created' | 'same'; head: Head }>;
  /** Resolves after the covering sync. */
  append(input: Append): Promise<Appended>;
  /** Never resets a TTL. A stream that is only kept for its forks is `notFound` `kept_for_forks` (410), here and everywhere. */
  head(key: StreamKey): Promise<Head | undefined>;
  /** Starts a sliding TTL again. */
  read(key: StreamKey, from: From, limit: { bytes: number; messages: number }, view?: View): Promise<Page>;
  /**
   * Replay, then live, on one cursor: nothing falls between, nothing comes twice. A gap that `read` would throw (`notFound`,
   * status 410: `offset_trimmed stream_recreated restored positions_lost`, with `earliest`) is given to the sink.
   */
  tail(key: StreamKey, from: From, sink: Sink, view?: View): Promise<Tail>;
  /**
   * Durable before it is answered. `gone`: the path is free at once and a new stream there gets a greater era.
   * `kept-for-forks`: hidden, its path blocked, until the last fork is gone.
   */
  remove(key: StreamKey, cause: 'deleted' | 'expired'): Promise<'gone' | 'kept-for-forks'>;
  /**
   * What a rule no longer covers is trimmed soon, readers below get a gap. `conflict` `version_conflict` when `ifVersion` is
   * given and the stream has another.
   */
  configure(key: StreamKey, change: Configuration, ifVersion?: number): Promise<Head>;
  /**
   * Messages `from` to `to` are told again, whole, by the later message `by`: view `compact` leaves them out at once; after
   * `supersededKeepMs` their bytes go and every view shows message `by` in their place, which is no gap.
   */
  supersede(key: StreamKey, range: { from: number; to: number; by: number }): Promise<void>;
  /** Other content in the place of these messages, for every reader at once; the old bytes leave rows, caches and segments soon. */
  erase(key: StreamKey, bodies: readonly { seq: number; instead: Uint8Array }[]): Promise<void>;
  list(
    projectId: string,
    prefix: string,
    page: { limit: number; cursor?: string },
  ): Promise<{ items: Head[]; nextCursor: string | null }>;
  /** A hint after commit: something of a matching stream moved. */
  watch(match: (key: StreamKey) => boolean, moved: (head: Head) => void): Disposable;
  /**
   * Committed frames of a prefix in log order; the cursor moves in the transaction of the effect. Frames that `wants` says no
   * to (asked for each, so it must be quick) count as those of another prefix: nothing of them is copied, no transaction.
   */
  consume(
    name: string,
    prefix: string,
    take: (tx: Tx, batch: readonly Committed[]) => Promise<void>,
    wants?: (key: StreamKey) => boolean,
  ): Disposable;
  /** Everything acknowledged so far is at or below `tip`. */
  barrier(): Promise<{ flushedTo: number; tip: number }>;
  promises(): Durability;
  /** What runs in memory now, for metrics. */
  gauges(): Gauges;
}
