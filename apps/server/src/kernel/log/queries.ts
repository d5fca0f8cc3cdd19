import { type Reader, type Statement, sql, type Tx } from '#kernel/db';
import type { Cause, Era } from './head.ts';
import type { Fork } from './lineage.ts';
import type { Retention } from './log.ts';

/* All SQL of the log, in the order of its life: streams, producers, messages, the flush, the janitor, consumers, owners. */

export type StreamRow = {
  stream_no: number;
  project_id: string;
  path: string;
  shard: number;
  content_type: string;
  eras: Era[];
  first_seq: number;
  tail_seq: number;
  bytes: number;
  closed_at: Date | null;
  writer_seq: string | null;
  touched_at: Date;
  retention: Retention | null;
  version: number;
  ttl_seconds: number | null;
  /** A fixed instant, or when a sliding lifetime ends by what was last written down. */
  expires_at: Date | null;
  kept_cause: Cause | null;
  fork: Fork | null;
  /** Only where one stream is loaded for use. */
  forks?: number[] | null;
  removed_at: Date | null;
  created_at: Date;
  revision: number;
  has_superseded: boolean;
  /** Only in lists, where ranges are not loaded. */
  dropped?: number;
};

const streamColumns = sql`stream_no, project_id, path, shard, content_type, eras, first_seq, tail_seq, bytes, closed_at,
  writer_seq, touched_at, retention, version, ttl_seconds, expires_at, kept_cause, fork, removed_at, created_at,
  revision, has_superseded`;

/** Positions that no view shows any more; only streams that have some are looked into. */
const droppedColumn = sql`
  (case when s.has_superseded then (
    select coalesce(sum(least(r.to_seq, s.tail_seq) - greatest(r.from_seq, s.first_seq) + 1), 0)::bigint from stream_superseded r
    where r.stream_no = s.stream_no and r.state <> 'kept' and r.to_seq >= s.first_seq) else 0 end) as dropped`;

/** By index streams_forks; none is null. */
const forksColumn = sql`
  (select array_agg(f.stream_no) from streams f where f.fork_of = s.stream_no and f.removed_at is null) as forks`;

/** The live stream at a path, else the newest tombstone there. */
export async function streamAt(db: Reader, projectId: string, path: string): Promise<StreamRow | undefined> {
  const rows = await db.query<StreamRow>(sql`
    -- log_stream_at: index streams_path; nulls first puts the live one in front
    select ${streamColumns}, ${forksColumn} from streams s where project_id = ${projectId} and path = ${path}
    order by removed_at desc nulls first limit 1`);
  return rows[0];
}

export const streamsByNo = (db: Reader, streamNos: readonly number[]): Promise<StreamRow[]> =>
  db.query<StreamRow>(sql`
    -- log_streams_by_no: primary key
    select ${streamColumns}, ${forksColumn} from streams s where stream_no = any(${streamNos}::bigint[])`);

/** Where streams are or were, while rows remember them. */
export const streamKeys = (
  db: Reader,
  streamNos: readonly number[],
): Promise<{ stream_no: number; project_id: string; path: string; removed: boolean }[]> =>
  db.query(sql`
    -- log_stream_keys: primary key
    select stream_no, project_id, path, removed_at is not null as removed from streams where stream_no = any(${streamNos}::bigint[])`);

/** Live streams of a project in path order, behind `after`. `end` is the first text behind every path with the prefix. */
export const streamsUnder = (
  db: Reader,
  q: { projectId: string; from: string; end: string | null; after: string; limit: number },
): Promise<StreamRow[]> =>
  db.query<StreamRow>(sql`
    -- log_streams_under: index streams_live_path, a range of it
    select ${streamColumns}, ${droppedColumn} from streams s
    where project_id = ${q.projectId} and removed_at is null and kept_at is null and path >= ${q.from} and path > ${q.after}
      and (${q.end}::text is null or path < ${q.end}::text)
    order by path limit ${q.limit}`);

/** The newest stream there is, and its greatest era: numbers and eras go on behind them. */
export async function newestStream(db: Reader): Promise<{ streamNo: number; era: number }> {
  const rows = await db.query<{ stream_no: number; era: number }>(sql`
    -- log_newest_stream: primary key, read backwards
    select stream_no, (select max((e->>'era')::bigint) from jsonb_array_elements(eras) e) as era
    from streams order by stream_no desc limit 1`);
  return { streamNo: rows[0]?.stream_no ?? 0, era: rows[0]?.era ?? 0 };
}

/** How many streams each project has, kept ones included. */
export const streamCounts = (db: Reader): Promise<{ project_id: string; streams: number }[]> =>
  db.query(sql`
    -- log_stream_counts: all of index streams_live_path, without the rows behind it
    select project_id, count(*) as streams from streams where removed_at is null group by project_id`);

/** Streams whose oldest message is past their age limit, in pages, for the sweep. A fork's may be its source's. */
export const agedStreams = (db: Reader, afterNo: number, limit: number): Promise<StreamRow[]> =>
  db.query<StreamRow>(sql`
    -- log_aged_streams: index streams_aging; one look at the primary key of the messages for each stream old enough
    select ${streamColumns} from streams s
    where removed_at is null and kept_at is null and retention ? 'maxAgeMs' and stream_no > ${afterNo}
      and (fork_of is not null or created_at < now() - make_interval(secs => (retention->>'maxAgeMs')::float8 / 1000))
      and exists (
        select 1 from (
          select m.at from stream_messages m
          where m.stream_no = case when s.fork_seq >= s.first_seq then (s.fork->'lineage'->0->>'streamNo')::bigint else s.stream_no end
            and m.seq >= s.first_seq order by m.seq limit 1) oldest
        where oldest.at < now() - make_interval(secs => (s.retention->>'maxAgeMs')::float8 / 1000))
    order by stream_no limit ${limit}`);

export type ProducerRow = {
  stream_no: number;
  producer_id: string;
  epoch: number;
  seq: number;
  last_seq: number;
  last_count: number;
  known: number;
};

/** Of each stream the most recent producers, each with how many the stream knows. */
export const producersOf = (db: Reader, streamNos: readonly number[], each: number): Promise<ProducerRow[]> =>
  db.query<ProducerRow>(sql`
    -- log_producers_of: primary key, one range per stream
    select p.* from unnest(${streamNos}::bigint[]) as wanted(no) cross join lateral (
      select stream_no, producer_id, epoch, seq, last_seq, last_count, count(*) over () as known
      from stream_producers where stream_no = wanted.no order by at desc limit ${each}) p`);

export async function producerRow(db: Reader, streamNo: number, id: string): Promise<ProducerRow | undefined> {
  const rows = await db.query<ProducerRow>(sql`
    -- log_producer_row: primary key
    select stream_no, producer_id, epoch, seq, last_seq, last_count, 0::bigint as known
    from stream_producers where stream_no = ${streamNo} and producer_id = ${id}`);
  return rows[0];
}

export type MessageRow = { seq: number; count: number; at: Date; payload: Buffer; lengths: number[] | null };

/**
 * Rows from the one that holds `seq` on: at most `rows` of them, and no more once `bytes` are reached. Sizes are summed
 * before any payload is fetched, so one page never drags thousands of large values through the connection.
 */
export const messagesFrom = (
  db: Reader,
  streamNo: number,
  seq: number,
  rows: number,
  bytes: number,
): Promise<MessageRow[]> =>
  db.query<MessageRow>(sql`
    -- log_messages_from: primary key, one range
    with sized as materialized (
      select m.seq, sum(octet_length(m.payload)) over (order by m.seq) - octet_length(m.payload) as before
      from stream_messages m
      where m.stream_no = ${streamNo}
        and m.seq >= coalesce((select max(s.seq) from stream_messages s where s.stream_no = ${streamNo} and s.seq <= ${seq}), ${seq})
      order by m.seq limit ${rows})
    select m.seq, m.count, m.at, m.payload, m.lengths from sized join stream_messages m on m.stream_no = ${streamNo} and m.seq = sized.seq
    where sized.before < ${bytes} order by m.seq`);

export type OutlineRow = { seq: number; count: number; at: Date; bytes: number };

export const outlineFrom = (db: Reader, streamNo: number, seq: number, rows: number): Promise<OutlineRow[]> =>
  db.query<OutlineRow>(sql`
    -- log_outline_from: primary key, one range; sizes come from the toast pointers
    select seq, count, at, octet_length(payload)::bigint as bytes from stream_messages
    where stream_no = ${streamNo} and seq + count > ${seq}
      and seq >= coalesce((select max(s.seq) from stream_messages s where s.stream_no = ${streamNo} and s.seq <= ${seq}), ${seq})
    order by seq limit ${rows}`);

/* The flush. Arrays of one statement have one entry per row. */

export type NewStreams = {
  no: number[];
  projectId: string[];
  path: string[];
  shard: number[];
  contentType: string[];
  eras: string[];
  retention: (string | null)[];
  ttlSeconds: (number | null)[];
  expiresAt: (Date | null)[];
  forkOf: (number | null)[];
  fork: (string | null)[];
  /** Where the stream begins, and what it has then: more than nothing in a fork. */
  first: number[];
  tail: number[];
  bytes: number[];
  at: Date[];
  removedAt: (Date | null)[];
};

export const insertStreams = (tx: Tx, s: NewStreams): Promise<unknown> =>
  tx.query(sql`
    -- log_insert_streams: a replayed creation meets its own row
    insert into streams (stream_no, project_id, path, shard, content_type, eras, first_seq, tail_seq, bytes, retention, ttl_seconds,
      expires_at, fork_of, fork_seq, fork, created_at, touched_at, removed_at, rows_due)
    select v.no, v.project_id, v.path, v.shard, v.content_type, v.eras::jsonb, v.first, v.tail, v.bytes, v.retention::jsonb, v.ttl,
      v.expires_at, v.fork_of, case when v.fork_of is not null then v.tail end, v.fork::jsonb, v.at, v.at, v.removed_at,
      v.removed_at is not null
    from unnest(${s.no}::bigint[], ${s.projectId}::text[], ${s.path}::text[], ${s.shard}::smallint[], ${s.contentType}::text[],
      ${s.eras}::text[], ${s.retention}::text[], ${s.ttlSeconds}::bigint[], ${s.expiresAt}::timestamptz[], ${s.forkOf}::bigint[],
      ${s.fork}::text[], ${s.first}::bigint[], ${s.tail}::bigint[], ${s.bytes}::bigint[], ${s.at}::timestamptz[],
      ${s.removedAt}::timestamptz[])
      as v(no, project_id, path, shard, content_type, eras, retention, ttl, expires_at, fork_of, fork, first, tail, bytes, at, removed_at)
    on conflict (stream_no) do nothing`);

export const markRemoved = (tx: Tx, streamNos: readonly number[], at: readonly Date[]): Promise<unknown> =>
  tx.query(sql`
    -- log_mark_removed: primary key
    update streams s set removed_at = v.at, rows_due = true
    from unnest(${streamNos}::bigint[], ${at}::timestamptz[]) as v(no, at) where s.stream_no = v.no and s.removed_at is null`);

/** Payloads travel as one value and are cut by the server: an array of byte strings would be sent as text, twice the size. */
export type NewMessages = {
  streamNo: number[];
  seq: number[];
  count: number[];
  shard: number[];
  lsn: number[];
  at: Date[];
  crc: number[];
  from: number[];
  length: number[];
  lengths: (string | null)[];
  payloads: Buffer;
};

/** Inserts, and answers how many rows were new. */
export async function insertMessages(tx: Tx, m: NewMessages): Promise<number> {
  const rows = await tx.query<{ inserted: number }>(sql`
    -- log_insert_messages: primary key decides what is new
    with arrived as (
      insert into stream_messages (stream_no, seq, count, shard, lsn, at, crc, payload, lengths)
      select v.no, v.seq, v.count, v.shard, v.lsn, v.at, v.crc, substring(${m.payloads}::bytea from v.start for v.length), v.lengths::int[]
      from unnest(${m.streamNo}::bigint[], ${m.seq}::bigint[], ${m.count}::int[], ${m.shard}::smallint[], ${m.lsn}::bigint[],
        ${m.at}::timestamptz[], ${m.crc}::int[], ${m.from}::int[], ${m.length}::int[], ${m.lengths}::text[])
        as v(no, seq, count, shard, lsn, at, crc, start, length, lengths)
      on conflict (stream_no, seq) do nothing returning 1)
    select count(*)::int as inserted from arrived`);
  return rows[0]?.inserted ?? 0;
}

/** The first of these messages whose row holds something else. */
export async function differingMessage(
  tx: Tx,
  m: NewMessages,
): Promise<{ stream_no: number; seq: number } | undefined> {
  const rows = await tx.query<{ stream_no: number; seq: number }>(sql`
    -- log_differing_message: primary key
    select s.stream_no, s.seq from stream_messages s
    join unnest(${m.streamNo}::bigint[], ${m.seq}::bigint[], ${m.count}::int[], ${m.crc}::int[]) as v(no, seq, count, crc)
      on s.stream_no = v.no and s.seq = v.seq
    where s.crc <> v.crc or s.count <> v.count order by s.stream_no, s.seq limit 1`);
  return rows[0];
}

export type Moves = {
  no: number[];
  tail: number[];
  bytes: number[];
  first: number[];
  closedAt: (Date | null)[];
  closedBy: (string | null)[];
  writerSeq: (string | null)[];
  at: Date[];
};

export const moveStreams = (tx: Tx, m: Moves): Promise<unknown> =>
  tx.query(sql`
    -- log_move_streams: primary key
    update streams s set tail_seq = greatest(s.tail_seq, v.tail), bytes = s.bytes + v.bytes, first_seq = greatest(s.first_seq, v.first),
      closed_at = coalesce(s.closed_at, v.closed_at), closed_by = coalesce(s.closed_by, v.closed_by::jsonb),
      writer_seq = coalesce(v.writer_seq, s.writer_seq), touched_at = greatest(s.touched_at, v.at),
      rows_due = s.rows_due or v.first > s.first_seq
    from unnest(${m.no}::bigint[], ${m.tail}::bigint[], ${m.bytes}::bigint[], ${m.first}::bigint[], ${m.closedAt}::timestamptz[],
      ${m.closedBy}::text[], ${m.writerSeq}::text[], ${m.at}::timestamptz[]) as v(no, tail, bytes, first, closed_at, closed_by, writer_seq, at)
    where s.stream_no = v.no`);

export const addEra = (tx: Tx, streamNo: number, era: Era): Promise<unknown> =>
  tx.query(sql`
    -- log_add_era: primary key
    update streams set eras = eras || ${JSON.stringify([era])}::jsonb where stream_no = ${streamNo}`);

export type ConfigurationRow = {
  version: number;
  retention: Retention | undefined;
  ttlSeconds: number | undefined;
  expiresAt: Date | null;
};

export const setConfiguration = (tx: Tx, streamNo: number, to: ConfigurationRow): Promise<unknown> =>
  tx.query(sql`
    -- log_set_configuration: primary key
    update streams set version = ${to.version}, retention = ${to.retention ? JSON.stringify(to.retention) : null}::jsonb,
      ttl_seconds = ${to.ttlSeconds ?? null}::bigint, expires_at = ${to.expiresAt}
    where stream_no = ${streamNo}`);

export type ProducerMoves = {
  no: number[];
  id: string[];
  epoch: number[];
  seq: number[];
  lastSeq: number[];
  lastCount: number[];
  at: Date[];
};

export const upsertProducers = (tx: Tx, p: ProducerMoves): Promise<unknown> =>
  tx.query(sql`
    -- log_upsert_producers: primary key
    insert into stream_producers (stream_no, producer_id, epoch, seq, last_seq, last_count, at)
    select * from unnest(${p.no}::bigint[], ${p.id}::text[], ${p.epoch}::bigint[], ${p.seq}::bigint[], ${p.lastSeq}::bigint[],
      ${p.lastCount}::int[], ${p.at}::timestamptz[])
    on conflict (stream_no, producer_id) do update set epoch = excluded.epoch, seq = excluded.seq, last_seq = excluded.last_seq,
      last_count = excluded.last_count, at = excluded.at`);

/* Cursors. */

export type CursorRow = { lsn: number; term: number; era_floor: number | null; era_reason: 'lost' | 'restored' | null };

export async function cursorOf(db: Reader, walId: string): Promise<CursorRow | undefined> {
  const rows = await db.query<CursorRow>(sql`
    -- log_cursor_of: primary key
    select lsn, term, era_floor, era_reason from log_cursors where wal_id = ${walId} and shard = -1`);
  return rows[0];
}

export const allCursors = (db: Reader): Promise<{ wal_id: string; lsn: number }[]> =>
  db.query(sql`
    -- log_all_cursors: a handful of rows
    select wal_id::text, lsn from log_cursors order by wal_id`);

export const insertCursor = (
  tx: Tx,
  walId: string,
  at: { lsn: number; term: number; eraFloor: number | null; eraReason: string | null },
): Promise<unknown> =>
  tx.query(sql`
    -- log_insert_cursor: primary key
    insert into log_cursors (wal_id, shard, lsn, term, era_floor, era_reason)
    values (${walId}, -1, ${at.lsn}, ${at.term}, ${at.eraFloor}, ${at.eraReason})`);

/** Every log but this one is no longer flushed from here. */
export const dropOtherCursors = (tx: Tx, walId: string): Promise<unknown> =>
  tx.query(sql`
    -- log_drop_other_cursors: a handful of rows
    delete from log_cursors where wal_id <> ${walId}`);

/** The highest lsn that rows or consumers know of any log: a new log must start above. */
export async function highestLsn(db: Reader): Promise<number> {
  const rows = await db.query<{ lsn: number | null }>(sql`
    -- log_highest_lsn: index stream_messages_lsn, read backwards once per shard; asked only after a restore
    select greatest((select max(lsn) from log_cursors), (select max(lsn) from log_consumers), (select max(lsn) from stream_messages)) as lsn`);
  return rows[0]?.lsn ?? 0;
}

/** The first of these positions that should have a row and has none. */
export async function unheldMessages(
  db: Reader,
  streamNos: readonly number[],
  seqs: readonly number[],
): Promise<{ stream_no: number; seq: number } | undefined> {
  const rows = await db.query<{ stream_no: number; seq: number }>(sql`
    -- log_unheld_messages: primary keys
    select v.no as stream_no, v.seq from unnest(${streamNos}::bigint[], ${seqs}::bigint[]) as v(no, seq)
    left join streams s on s.stream_no = v.no
    where (s.stream_no is null or (s.removed_at is null and s.kept_at is null and s.first_seq <= v.seq))
      and not exists (select 1 from stream_messages m where m.stream_no = v.no and m.seq = v.seq)
      and not exists (
        select 1 from stream_superseded r
        where r.stream_no = v.no and r.from_seq <= v.seq and r.to_seq >= v.seq and r.state <> 'kept')
    order by v.no, v.seq limit 1`);
  return rows[0];
}

export async function highestTerm(db: Reader): Promise<number> {
  const rows = await db.query<{ term: number | null }>(sql`
    -- log_highest_term: two small tables
    select greatest((select max(term) from shards), (select max(term) from log_cursors)) as term`);
  return rows[0]?.term ?? 0;
}

/** Takes the right to move the cursor: from here on only `term` may. */
export async function raiseTerm(tx: Tx, walId: string, term: number): Promise<boolean> {
  const rows = await tx.query(sql`
    -- log_raise_term: primary key
    update log_cursors set term = ${term} where wal_id = ${walId} and shard = -1 and term < ${term} returning 1`);
  return rows.length === 1;
}

/** Moves the cursor from `old` to `next`; `false` when someone else owns this log or moved it. */
export async function moveCursor(tx: Tx, walId: string, term: number, old: number, next: number): Promise<boolean> {
  const rows = await tx.query(sql`
    -- log_move_cursor: primary key
    update log_cursors set lsn = ${next} where wal_id = ${walId} and shard = -1 and lsn = ${old} and term = ${term} returning 1`);
  return rows.length === 1;
}

export const setEraFloor = (tx: Tx, walId: string, era: number, reason: string): Promise<unknown> =>
  tx.query(sql`
    -- log_set_era_floor: primary key
    update log_cursors set era_floor = ${era}, era_reason = ${reason} where wal_id = ${walId} and shard = -1`);

/* The janitor. */

export type RowsDue = { stream_no: number; first_seq: number; revision: number; removed: boolean; kept: boolean };

export const streamsWithRowsDue = (db: Reader, limit: number): Promise<RowsDue[]> =>
  db.query(sql`
    -- log_rows_due: index streams_rows_due
    select stream_no, first_seq, revision, removed_at is not null as removed, kept_at is not null as kept
    from streams where rows_due order by stream_no limit ${limit}`);

/** Deletes at most `limit` rows that lie wholly between `from` and before `below`; answers how many. */
export async function deleteMessagesBetween(
  tx: Tx,
  streamNo: number,
  { from, below, limit }: { from: number; below: number; limit: number },
): Promise<number> {
  const rows = await tx.query<{ deleted: number }>(sql`
    -- log_delete_messages_between: primary key, a range of it
    with old as (
      select seq from stream_messages
      where stream_no = ${streamNo} and seq >= ${from} and seq + count <= ${below} and seq < ${below} order by seq limit ${limit}),
    gone as (delete from stream_messages m using old where m.stream_no = ${streamNo} and m.seq = old.seq returning 1)
    select count(*)::int as deleted from gone`);
  return rows[0]?.deleted ?? 0;
}

export const deleteProducers = (tx: Tx, streamNo: number): Promise<unknown> =>
  tx.query(sql`
    -- log_delete_producers: primary key
    delete from stream_producers where stream_no = ${streamNo}`);

/** All rows are gone; a trim, a change of content or an end that came meanwhile keeps the mark. */
export const clearRowsDue = (tx: Tx, { stream_no, first_seq, revision, removed, kept }: RowsDue): Promise<unknown> =>
  tx.query(sql`
    -- log_clear_rows_due: primary key
    update streams set rows_due = false
    where stream_no = ${stream_no} and first_seq = ${first_seq} and revision = ${revision}
      and (removed_at is not null) = ${removed} and (kept_at is not null) = ${kept}`);

/** By the log's own clock, which also wrote when they were removed. */
export const dropTombstones = (tx: Tx, before: Date): Promise<unknown> =>
  tx.query(sql`
    -- log_drop_tombstones: index streams_tombstones
    delete from streams where removed_at < ${before} and not rows_due`);

/* Consumers. */

export async function consumerCursor(db: Reader, name: string): Promise<number | undefined> {
  const rows = await db.query<{ lsn: number }>(sql`
    -- log_consumer_cursor: primary key
    select lsn from log_consumers where name = ${name} and shard = -1`);
  return rows[0]?.lsn;
}

export async function moveConsumer(
  tx: Tx,
  name: string,
  old: number | undefined,
  next: number,
  term: number,
): Promise<boolean> {
  const rows =
    old === undefined
      ? await tx.query(sql`
          -- log_start_consumer: primary key
          insert into log_consumers (name, shard, lsn, term) values (${name}, -1, ${next}, ${term}) on conflict do nothing returning 1`)
      : await tx.query(sql`
          -- log_move_consumer: primary key
          update log_consumers set lsn = ${next}, term = ${term} where name = ${name} and shard = -1 and lsn = ${old} and term <= ${term} returning 1`);
  return rows.length === 1;
}

export type ConsumedRow = {
  stream_no: number;
  project_id: string;
  path: string;
  seq: number;
  count: number;
  lsn: number;
  at: Date;
  payload: Buffer;
  lengths: number[] | null;
};

/** Rows of appends behind `after` and below `before`, in log order, for a consumer whose segments are gone. */
export const rowsByLsn = (
  db: Reader,
  prefix: string,
  after: number,
  before: number,
  limit: number,
): Promise<ConsumedRow[]> =>
  db.query<ConsumedRow>(sql`
    -- log_rows_by_lsn: index stream_messages_lsn, one range per shard and partition
    select m.stream_no, s.project_id, s.path, m.seq, m.count, m.lsn, m.at, m.payload, m.lengths
    from stream_messages m join streams s using (stream_no)
    where m.shard = any(array(select shard from shards)) and m.lsn > ${after} and m.lsn < ${before} and starts_with(s.path, ${prefix})
    order by m.lsn limit ${limit}`);

/* Owners. */

export type OwnerRow = { owner: string; live: boolean; expires_at: Date; url: string | null; shards: number };

/** Two servers that start at once decide one after the other; an empty table has no rows to lock, so the table is. */
export const lockOwners: Statement = sql`
  -- log_lock_owners: held until the end of the transaction
  lock table shards in share row exclusive mode`;

export const owners = (db: Reader): Promise<OwnerRow[]> =>
  db.query<OwnerRow>(sql`
    -- log_owners: 64 rows
    select s.owner, bool_or(s.state = 'owned' and s.expires_at > clock_timestamp()) as live, max(s.expires_at) as expires_at, max(n.url) as url,
      count(*)::int as shards
    from shards s left join nodes n on n.node_id = s.owner group by s.owner order by s.owner`);

export const takeShards = (tx: Tx, owner: string, count: number, term: number, leaseMs: number): Promise<unknown> =>
  tx.query(sql`
    -- log_take_shards: 64 rows
    insert into shards (shard, owner, term, expires_at, state)
    select n, ${owner}, ${term}, clock_timestamp() + make_interval(secs => ${leaseMs}::float8 / 1000), 'owned' from generate_series(0, ${count}::int - 1) n
    on conflict (shard) do update set owner = excluded.owner, term = excluded.term, expires_at = excluded.expires_at, state = excluded.state`);

/** Prolongs the lease of one term; answers for how many shards. */
export async function renewShards(db: Tx, owner: string, term: number, leaseMs: number): Promise<number> {
  const rows = await db.query(sql`
    -- log_renew_shards: 64 rows
    update shards set expires_at = clock_timestamp() + make_interval(secs => ${leaseMs}::float8 / 1000)
    where owner = ${owner} and term = ${term} and state = 'owned' returning 1`);
  return rows.length;
}

export const releaseShards = (tx: Tx, owner: string, term: number): Promise<unknown> =>
  tx.query(sql`
    -- log_release_shards: 64 rows
    update shards set state = 'released', expires_at = clock_timestamp() where owner = ${owner} and term = ${term}`);

export const sayNode = (
  tx: Tx,
  nodeId: string,
  url: string,
  state: 'live' | 'draining' | 'stopped',
): Promise<unknown> =>
  tx.query(sql`
    -- log_say_node: primary key
    insert into nodes (node_id, url, state, seen_at) values (${nodeId}, ${url}, ${state}, clock_timestamp())
    on conflict (node_id) do update set url = excluded.url, state = excluded.state, seen_at = excluded.seen_at`);
