import type { Db, Tx } from '#kernel/db';
import { rangesOf } from './content-queries.ts';
import { type Birth, StreamHead } from './head.ts';
import type { LogLimits } from './limits.ts';
import type { StreamKey } from './log.ts';
import * as queries from './queries.ts';
import { Superseded } from './superseded.ts';

/** What the rows say about the stream at a path. */
export type FoundStream = { kind: 'live'; head: StreamHead } | { kind: 'tombstone'; era: number } | { kind: 'none' };

/** Heads and their producers out of rows. Exact for every stream whose frames have all reached Postgres. */
export class Store {
  readonly db: Db;
  readonly #limits: LogLimits;
  /** Sliding lifetimes count from here at the earliest: what the process before had not written down is not known. */
  livesFrom = 0;

  constructor(db: Db, limits: LogLimits) {
    this.db = db;
    this.#limits = limits;
  }

  async at(projectId: string, path: string): Promise<FoundStream> {
    const row = await queries.streamAt(this.db, projectId, path);
    if (!row) return { kind: 'none' };
    if (row.removed_at) return { kind: 'tombstone', era: Math.max(...row.eras.map(({ era }) => era)) };
    const [head] = await this.#withProducers(this.db, [headOf(row, this.livesFrom)]);
    if (row.has_superseded) await this.#loadRanges([head as StreamHead]);
    return { kind: 'live', head: head as StreamHead };
  }

  /** Streams that live or are kept only. */
  async byNo(streamNos: readonly number[]): Promise<StreamHead[]> {
    if (streamNos.length === 0) return [];
    const rows = await queries.streamsByNo(this.db, streamNos);
    const live = rows.filter(({ removed_at }) => removed_at === null);
    const heads = live.map((row) => headOf(row, this.livesFrom));
    await this.#loadRanges(heads.filter((_, i) => live[i]?.has_superseded));
    return this.#withProducers(this.db, heads);
  }

  /** Dropped ranges are needed as well: their positions are passed over and not asked for. */
  async #loadRanges(heads: readonly StreamHead[]): Promise<void> {
    if (heads.length === 0) return;
    const byNo = new Map(heads.map((head) => [head.streamNo, head]));
    for (const row of await rangesOf(this.db, [...byNo.keys()])) {
      const head = byNo.get(row.stream_no) as StreamHead;
      head.superseded ??= new Superseded();
      const range = { from: row.from_seq, to: row.to_seq, by: row.by_seq, at: row.at.getTime() };
      head.superseded.load(range, row.state !== 'kept');
    }
  }

  /** Where a stream is that lives or is kept. */
  async keyOf(streamNo: number): Promise<StreamKey | undefined> {
    const [row] = await queries.streamKeys(this.db, [streamNo]);
    return row && !row.removed ? { projectId: row.project_id, path: row.path } : undefined;
  }

  /** Adds one producer that is in rows only; `false` when there is none. */
  async loadProducer(head: StreamHead, id: string, flushedTo: number): Promise<boolean> {
    const row = await queries.producerRow(this.db, head.streamNo, id);
    if (!row) return false;
    if (!head.producers?.get(id)) addProducer(head, row, this.#limits, flushedTo);
    return true;
  }

  async #withProducers(db: Db | Tx, heads: StreamHead[]): Promise<StreamHead[]> {
    const byNo = new Map(heads.map((head) => [head.streamNo, head]));
    const rows = await queries.producersOf(db, [...byNo.keys()], this.#limits.producersInMemoryMax);
    // Rows come newest first; the oldest is put in first, because that is the one to leave memory first.
    for (const row of rows.toReversed()) {
      const head = byNo.get(row.stream_no);
      if (head) addProducer(head, row, this.#limits, 0);
    }
    return heads;
  }
}

function addProducer(head: StreamHead, row: queries.ProducerRow, limits: LogLimits, flushedTo: number): void {
  const producers = head.producersWith(limits);
  const state = producers.add(row.producer_id, row.epoch, false, flushedTo);
  state.accepted(row.epoch, row.seq, row.last_seq - row.last_count + 1, row.last_seq, 0);
  producers.known = Math.max(producers.known, row.known);
}

/** A head as its row has it: visible, clean. `livesFrom`: when this process began to count sliding lifetimes. */
export function headOf(row: queries.StreamRow, livesFrom: number): StreamHead {
  const birth: Birth = {
    streamNo: row.stream_no,
    key: { projectId: row.project_id, path: row.path },
    shard: row.shard,
    contentType: row.content_type,
    eras: row.eras.toSorted((a, b) => a.first - b.first),
    createdAt: row.created_at.getTime(),
    configuration: {
      retention: row.retention ?? undefined,
      ttlSeconds: row.ttl_seconds ?? undefined,
      expiresAt: row.ttl_seconds === null ? row.expires_at?.getTime() : undefined,
    },
    fork: row.fork ?? undefined,
  };
  const head = new StreamHead(birth);
  head.visible = true;
  head.version = row.version;
  head.nextVersion = row.version;
  head.deadline = deadlineOf(row, livesFrom);
  head.storedDeadline = head.deadline;
  head.firstKept = row.first_seq;
  if (row.forks) head.refs = new Map(row.forks.map((streamNo) => [streamNo, 0]));
  if (row.kept_cause) {
    head.kept = row.kept_cause;
    head.keeping = true;
    head.removing = true;
    head.ending = row.kept_cause;
    head.deadline = head.storedDeadline = Number.POSITIVE_INFINITY;
  }
  head.tail = row.tail_seq;
  head.lastSeq = row.tail_seq;
  head.firstSeq = row.first_seq;
  head.bytes = row.bytes;
  head.closed = row.closed_at !== null;
  head.closing = head.closed;
  head.writerSeq = row.writer_seq ?? undefined;
  head.updatedAt = row.touched_at.getTime();
  head.revision = row.revision;
  head.droppedMessages = row.dropped ?? 0;
  return head;
}

function deadlineOf({ ttl_seconds, expires_at }: queries.StreamRow, livesFrom: number): number {
  if (expires_at === null) return Number.POSITIVE_INFINITY;
  const due = expires_at.getTime();
  return ttl_seconds === null ? due : Math.max(due, livesFrom + ttl_seconds * 1000);
}
