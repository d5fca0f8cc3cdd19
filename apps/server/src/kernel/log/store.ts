import type { Db, Tx } from '#kernel/db';
import { type Birth, StreamHead } from './head.ts';
import type { LogLimits } from './limits.ts';
import * as queries from './queries.ts';

/** What the rows say about the stream at a path. */
export type FoundStream = { kind: 'live'; head: StreamHead } | { kind: 'tombstone'; era: number } | { kind: 'none' };

/** Heads and their producers out of rows. Exact for every stream whose frames have all reached Postgres. */
export class Store {
  readonly db: Db;
  readonly #limits: LogLimits;

  constructor(db: Db, limits: LogLimits) {
    this.db = db;
    this.#limits = limits;
  }

  async at(projectId: string, path: string): Promise<FoundStream> {
    const row = await queries.streamAt(this.db, projectId, path);
    if (!row) return { kind: 'none' };
    if (row.removed_at) return { kind: 'tombstone', era: Math.max(...row.eras.map(({ era }) => era)) };
    const [head] = await this.#withProducers(this.db, [headOf(row)]);
    return { kind: 'live', head: head as StreamHead };
  }

  /** Live streams only. */
  async byNo(streamNos: readonly number[]): Promise<StreamHead[]> {
    if (streamNos.length === 0) return [];
    const rows = await queries.streamsByNo(this.db, streamNos);
    return this.#withProducers(this.db, rows.filter(({ removed_at }) => removed_at === null).map(headOf));
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

/** A head as its row has it: visible, clean. */
export function headOf(row: queries.StreamRow): StreamHead {
  const birth: Birth = {
    streamNo: row.stream_no,
    key: { projectId: row.project_id, path: row.path },
    shard: row.shard,
    contentType: row.content_type,
    eras: row.eras.toSorted((a, b) => a.first - b.first),
    createdAt: row.created_at.getTime(),
    retention: row.retention ?? undefined,
  };
  const head = new StreamHead(birth);
  head.visible = true;
  head.tail = row.tail_seq;
  head.lastSeq = row.tail_seq;
  head.firstSeq = row.first_seq;
  head.bytes = row.bytes;
  head.closed = row.closed_at !== null;
  head.closing = head.closed;
  head.writerSeq = row.writer_seq ?? undefined;
  head.updatedAt = row.touched_at.getTime();
  return head;
}
