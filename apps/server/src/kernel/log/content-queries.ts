import { type Reader, sql, type Tx } from '#kernel/db';

/* SQL of what changes how stored messages are shown: superseded ranges, erased bodies. Arrays of one statement have one entry per row. */

export type RangeRow = {
  stream_no: number;
  from_seq: number;
  to_seq: number;
  by_seq: number;
  at: Date;
  state: 'kept' | 'dropped' | 'gone';
};

/** Ranges of these streams that are not wholly trimmed. */
export const rangesOf = (db: Reader, streamNos: readonly number[]): Promise<RangeRow[]> =>
  db.query<RangeRow>(sql`
    -- log_ranges_of: primary key, one range per stream
    select r.stream_no, r.from_seq, r.to_seq, r.by_seq, r.at, r.state from stream_superseded r
    join streams s using (stream_no) where r.stream_no = any(${streamNos}::bigint[]) and r.to_seq >= s.first_seq
    order by r.stream_no, r.from_seq`);

export type NewRanges = {
  no: number[];
  from: number[];
  to: number[];
  by: number[];
  at: Date[];
  state: ('kept' | 'gone')[];
};

export const insertRanges = (tx: Tx, r: NewRanges): Promise<unknown> =>
  tx.query(sql`
    -- log_insert_ranges: primary key
    insert into stream_superseded (stream_no, from_seq, to_seq, by_seq, at, state)
    select * from unnest(${r.no}::bigint[], ${r.from}::bigint[], ${r.to}::bigint[], ${r.by}::bigint[], ${r.at}::timestamptz[], ${r.state}::text[])
    on conflict (stream_no, from_seq) do nothing`);

/** Their bytes may go: the janitor hears of it by `rows_due`. */
export const dropRanges = (tx: Tx, streamNos: readonly number[], froms: readonly number[]): Promise<unknown> =>
  tx.query(sql`
    -- log_drop_ranges: primary keys
    with dropped as (
      update stream_superseded r set state = 'dropped'
      from unnest(${streamNos}::bigint[], ${froms}::bigint[]) as v(no, from_seq)
      where r.stream_no = v.no and r.from_seq = v.from_seq and r.state = 'kept' returning r.stream_no)
    update streams s set rows_due = true from dropped d where s.stream_no = d.stream_no`);

export const reviseStreams = (
  tx: Tx,
  s: { no: readonly number[]; by: readonly number[]; ranges: readonly boolean[] },
): Promise<unknown> =>
  tx.query(sql`
    -- log_revise_streams: primary key
    update streams s set revision = s.revision + v.by, has_superseded = s.has_superseded or v.ranges
    from unnest(${s.no}::bigint[], ${s.by}::bigint[], ${s.ranges}::boolean[]) as v(no, by, ranges) where s.stream_no = v.no`);

/** Streams with a range said before `before` whose bytes are still there, in pages. */
export const streamsWithRangesDue = (
  db: Reader,
  before: Date,
  afterNo: number,
  limit: number,
): Promise<{ stream_no: number }[]> =>
  db.query(sql`
    -- log_ranges_due: index stream_superseded_due
    select distinct stream_no from stream_superseded
    where state = 'kept' and at < ${before} and stream_no > ${afterNo} order by stream_no limit ${limit}`);

/* The janitor. */

/** A dropped range of a stream whose rows are still there, unless a fork (or one of that) shows them to its readers. */
export async function nextDroppedRange(
  db: Reader,
  streamNo: number,
): Promise<{ from_seq: number; to_seq: number } | undefined> {
  const rows = await db.query<{ from_seq: number; to_seq: number }>(sql`
    -- log_next_dropped_range: primary keys; forks by index streams_forks
    with recursive forks as (
      select stream_no, first_seq, fork_seq as last, kept_at from streams where fork_of = ${streamNo} and removed_at is null
      union all
      select s.stream_no, s.first_seq, least(s.fork_seq, f.last), s.kept_at
      from streams s join forks f on s.fork_of = f.stream_no where s.removed_at is null)
    select r.from_seq, r.to_seq from stream_superseded r
    where r.stream_no = ${streamNo} and r.state = 'dropped' and not exists (
      select 1 from forks f
      where f.kept_at is null and f.first_seq <= r.to_seq and f.last >= r.from_seq and not exists (
        select 1 from stream_superseded c
        where c.stream_no = f.stream_no and c.from_seq = r.from_seq and c.to_seq >= least(r.to_seq, f.last) and c.state <> 'kept'))
    order by r.from_seq limit 1`);
  return rows[0];
}

/** Deletes at most `limit` rows that lie wholly in a range; answers how many. */
export async function deleteMessagesWithin(
  tx: Tx,
  streamNo: number,
  from: number,
  to: number,
  limit: number,
): Promise<number> {
  const rows = await tx.query<{ deleted: number }>(sql`
    -- log_delete_messages_within: primary key, one range
    with gone as (
      delete from stream_messages where stream_no = ${streamNo} and seq in (
        select seq from stream_messages where stream_no = ${streamNo} and seq >= ${from} and seq + count - 1 <= ${to} and seq <= ${to}
        order by seq limit ${limit}) returning 1)
    select count(*)::int as deleted from gone`);
  return rows[0]?.deleted ?? 0;
}

export const markRangeGone = (tx: Tx, streamNo: number, from: number): Promise<unknown> =>
  tx.query(sql`
    -- log_mark_range_gone: primary key
    update stream_superseded set state = 'gone' where stream_no = ${streamNo} and from_seq = ${from} and state = 'dropped'`);

/** Ranges nobody will ask about any more: those of a removed stream, or wholly trimmed ones. */
export const deleteRangesBelow = (tx: Tx, streamNo: number, first: number): Promise<unknown> =>
  tx.query(sql`
    -- log_delete_ranges_below: primary key, one range
    delete from stream_superseded where stream_no = ${streamNo} and to_seq < ${first}`);

/* Bodies that are replaced. */

export type BodyRow = { seq: number; count: number; lsn: number; payload: Buffer; lengths: number[] | null };

/** The row that holds a position, to be changed in this transaction. */
export async function rowHolding(tx: Tx, streamNo: number, seq: number): Promise<BodyRow | undefined> {
  const rows = await tx.query<BodyRow>(sql`
    -- log_row_holding: primary key, read backwards
    select seq, count, lsn, payload, lengths from stream_messages
    where stream_no = ${streamNo} and seq <= ${seq} order by seq desc limit 1 for update`);
  const row = rows[0];
  return row && seq < row.seq + row.count ? row : undefined;
}

export const replaceBody = (
  tx: Tx,
  streamNo: number,
  row: { seq: number; payload: Buffer; lengths: readonly number[] | null; crc: number },
): Promise<unknown> =>
  tx.query(sql`
    -- log_replace_body: primary key
    update stream_messages set payload = ${row.payload}, lengths = ${row.lengths}::int[], crc = ${row.crc}
    where stream_no = ${streamNo} and seq = ${row.seq}`);

export type NewErasures = {
  no: number[];
  seq: number[];
  segment: number[];
  erasedLsn: number[];
  at: Date[];
  from: number[];
  length: number[];
  bodies: Buffer;
};

export const insertErasures = (tx: Tx, e: NewErasures): Promise<unknown> =>
  tx.query(sql`
    -- log_insert_erasures: primary key
    insert into stream_erasures (stream_no, seq, instead, segment_no, erased_lsn, at)
    select v.no, v.seq, substring(${e.bodies}::bytea from v.start for v.length), v.segment, v.erased_lsn, v.at
    from unnest(${e.no}::bigint[], ${e.seq}::bigint[], ${e.segment}::bigint[], ${e.erasedLsn}::bigint[], ${e.at}::timestamptz[],
      ${e.from}::int[], ${e.length}::int[]) as v(no, seq, segment, erased_lsn, at, start, length)
    on conflict (stream_no, seq) do update set instead = excluded.instead, erased_lsn = excluded.erased_lsn,
      segment_no = least(stream_erasures.segment_no, excluded.segment_no), at = excluded.at`);

export type ErasureRow = {
  stream_no: number;
  seq: number;
  instead: Buffer;
  segment_no: number;
  erased_lsn: number;
  at: Date;
};

/** What files may still hold although it was erased. */
export const erasures = (db: Reader): Promise<ErasureRow[]> =>
  db.query<ErasureRow>(sql`
    -- log_erasures: as many rows as there may be erasures under way
    select stream_no, seq, instead, segment_no, erased_lsn, at from stream_erasures order by erased_lsn`);

/** In which segments the messages were written that were erased below `lsn`, as far as rows could tell. */
export async function erasedSegments(db: Reader, lsn: number): Promise<number[]> {
  const rows = await db.query<{ segment_no: number }>(sql`
    -- log_erased_segments: as many rows as there may be erasures under way
    select distinct segment_no from stream_erasures where erased_lsn < ${lsn} and segment_no > 0`);
  return rows.map(({ segment_no }) => segment_no);
}

/** Files hold nothing any more of what was erased below `lsn`. */
export const deleteErasuresBelow = (tx: Tx, lsn: number): Promise<unknown> =>
  tx.query(sql`
    -- log_delete_erasures_below: as many rows as there may be erasures under way
    delete from stream_erasures where erased_lsn < ${lsn}`);
