import type { Clock, MusterError } from '#kernel/base';
import { type Db, isStoreDown } from '#kernel/db';
import { ColdReads } from './cold-reads.ts';
import { type Batch, Committer } from './commit.ts';
import { type ConsumerStore, Consumers } from './consumers.ts';
import { ContentActs } from './content.ts';
import { Creation } from './creation.ts';
import { Erasures } from './erasures.ts';
import type { LogEvents } from './events.ts';
import { Expiry } from './expiry.ts';
import { FanOut } from './fan-out.ts';
import { Forks } from './forks.ts';
import { FrameIndex, type SegmentIndex } from './frame-index.ts';
import { Heads } from './heads.ts';
import type { Journal } from './journal.ts';
import type { LogLimits } from './limits.ts';
import type { Durability, Gauges } from './log.ts';
import { Publisher } from './publisher.ts';
import { Reader } from './reader.ts';
import { Removal } from './removal.ts';
import { RetentionSweep } from './retention.ts';
import type { Homes } from './shard.ts';
import { Store } from './store.ts';
import { Tape } from './tape.ts';
import { WalReader } from './wal-reader.ts';
import { Watchers } from './watchers.ts';
import { Writer } from './writer.ts';

export type CoreOptions = {
  db: Db | undefined;
  clock: Clock;
  limits: LogLimits;
  events: LogEvents;
  homes: Homes;
  journal: Journal;
  consumerStore: (store: Store | undefined) => ConsumerStore;
  /** First lsn that can still be walked. */
  oldest: () => number;
  full: () => MusterError | undefined;
  failed: (error: Error) => void;
  committed: (batch: Batch) => void;
  segmentFull: (full: SegmentIndex) => void;
};

/** The parts every driver shares, wired. */
export type Core = Pick<CoreOptions, 'db' | 'clock' | 'limits' | 'events' | 'journal'> & {
  store: Store | undefined;
  heads: Heads;
  tape: Tape;
  index: FrameIndex;
  reader: Reader;
  fanOut: FanOut;
  watchers: Watchers;
  publisher: Publisher;
  committer: Committer;
  writer: Writer;
  creation: Creation;
  removal: Removal;
  expiry: Expiry;
  retention: RetentionSweep;
  erasures: Erasures;
  content: ContentActs;
  consumers: Consumers;
  wal: () => WalReader;
};

/** What a driver adds: where the log starts, what it promises, how it ends. */
export interface Driver {
  readonly core: Core;
  /** Everything durable is visible, and the log can be written, when this resolves. */
  start(): Promise<void>;
  promises(): Durability;
  segments(): Gauges['segments'];
  /** Everything below is in Postgres, or as far as it will ever go. */
  flushedTo(): number;
  stop(): Promise<void>;
}

export function buildCore(options: CoreOptions): Core {
  const { db, clock, limits, events, journal } = options;
  const store = db ? new Store(db, limits) : undefined;
  const heads = new Heads(limits, store);
  const tape = new Tape(limits.tapeChunkBytes, limits.tapeBytes);
  const index = new FrameIndex(options.segmentFull, (error) => events.backgroundFailed('reading a side file', error));
  const cold = new ColdReads(limits.coldReadsMax, limits.coldReadsWaitingMax);
  const erasures = new Erasures();
  const reader = new Reader({ tape, index, journal, store, cold, erasures, clock, limits, events });
  const fanOut = new FanOut({ reader, tape, clock, limits, events });
  const watchers = new Watchers(limits.watchersMax, events);
  const publisher = new Publisher({ index, fanOut, watchers, grown: (head) => retention.grown(head) });
  const committer: Committer = new Committer({
    journal,
    tape,
    clock,
    limits,
    events,
    onFailure: options.failed,
    onCommitted: (batch) => {
      options.committed(batch);
      consumers.wake();
    },
  });
  const writer = new Writer({
    committer,
    heads,
    publisher,
    store,
    clock,
    limits,
    events,
    full: options.full,
    expire: (head) => removal.expire(head),
  });
  const expectedMs = limits.forkExpectedMs;
  const removal: Removal = new Removal({ writer, heads, publisher, store, clock, events, expectedMs });
  const expiry = new Expiry({ heads, removal, store, clock, limits, events });
  const forks = new Forks({ writer, heads, removal, reader, store, limits });
  const { homes } = options;
  const creation = new Creation({ writer, heads, forks, removal, publisher, clock, limits, homes });
  const retention: RetentionSweep = new RetentionSweep({
    reader,
    heads,
    db,
    clock,
    limits,
    events,
    trim: (head, first, bytes) => writer.trim(head, first, bytes),
    dropSuperseded: (head, saidBefore) => content.dropSuperseded(head, saidBefore),
  });
  const content: ContentActs = new ContentActs({
    heads,
    writer,
    reader,
    removal,
    retention,
    erasures,
    publisher,
    clock,
    limits,
  });
  const wal = (): WalReader => new WalReader({ committer, tape, journal });
  const consumers: Consumers = new Consumers({
    store: options.consumerStore(store),
    wal,
    heads,
    erasures,
    clock,
    limits,
    events,
    durableTo: () => committer.durableTo,
    behind: (lsn) => journal.behind(lsn),
    oldest: options.oldest,
  });
  return {
    db,
    store,
    clock,
    limits,
    events,
    journal,
    heads,
    tape,
    index,
    reader,
    fanOut,
    watchers,
    publisher,
    committer,
    writer,
    creation,
    removal,
    expiry,
    retention,
    erasures,
    content,
    consumers,
    wal,
  };
}

/** Runs `act` until the database is there. Not to reach it is a reason to wait, never a reason to start empty (I6). */
export async function whenStoreIsUp<T>(clock: Clock, events: LogEvents, act: () => Promise<T>): Promise<T> {
  for (let waitMs = 250; ; waitMs = Math.min(waitMs * 2, 2000)) {
    try {
      return await act();
    } catch (error) {
      if (!isStoreDown(error)) throw error;
      events.ownership('waiting', 'the database');
      await clock.sleep(waitMs);
    }
  }
}
