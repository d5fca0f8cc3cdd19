import { type Reader, sql, type Tx } from '#kernel/db';
import type { Cause } from './head.ts';

/* SQL of the life of streams: lifetimes, forks, what is kept for them. */

/**
 * Sliding lifetimes that went on without a frame; answers for which it is written now. Rows that a flush holds are passed
 * over: two that wait for each other's rows would cost one of them its work.
 */
export const moveDeadlines = (
  tx: Tx,
  streamNos: readonly number[],
  at: readonly Date[],
): Promise<{ stream_no: number }[]> =>
  tx.query(sql`
    -- log_move_deadlines: primary key
    with free as (
      select s.stream_no, v.at from streams s join unnest(${streamNos}::bigint[], ${at}::timestamptz[]) as v(no, at) on s.stream_no = v.no
      where s.ttl_seconds is not null and s.removed_at is null for update of s skip locked)
    update streams s set expires_at = greatest(s.expires_at, f.at) from free f where s.stream_no = f.stream_no returning s.stream_no`);

/**
 * Streams whose lifetime is over at `now`, in pages in the order of their ends. Sliding ones count from `livesFrom` at the
 * earliest.
 */
export const expiredStreams = (
  db: Reader,
  q: { now: Date; livesFrom: Date; after: Date; afterNo: number; limit: number },
): Promise<{ stream_no: number; project_id: string; path: string; expires_at: Date }[]> =>
  db.query(sql`
    -- log_expired_streams: index streams_expiring, a range of it
    select stream_no, project_id, path, expires_at from streams
    where removed_at is null and kept_at is null and expires_at <= ${q.now} and (expires_at, stream_no) > (${q.after}, ${q.afterNo}::bigint)
      and (ttl_seconds is null or ${q.livesFrom}::timestamptz + make_interval(secs => ttl_seconds::float8) <= ${q.now})
    order by expires_at, stream_no limit ${q.limit}`);

/** Kept streams whose last fork is gone. */
export const forklessKept = (db: Reader, limit: number): Promise<{ stream_no: number }[]> =>
  db.query(sql`
    -- log_forkless_kept: index streams_kept, and streams_forks once for each
    select stream_no from streams s
    where kept_at is not null and removed_at is null
      and not exists (select 1 from streams f where f.fork_of = s.stream_no and f.removed_at is null)
    order by stream_no limit ${limit}`);

/** Payload of the rows of a stream that lie wholly in `from..to`, and the last position among them. */
export async function sizeOfRows(
  db: Reader,
  streamNo: number,
  from: number,
  to: number,
): Promise<{ bytes: number; last: number | null }> {
  const rows = await db.query<{ bytes: number; last: number | null }>(sql`
    -- log_size_of_rows: primary key, one range; sizes come from the toast pointers
    select coalesce(sum(octet_length(payload)), 0)::bigint as bytes, max(seq + count - 1) as last from stream_messages
    where stream_no = ${streamNo} and seq >= ${from} and seq <= ${to} and seq + count - 1 <= ${to}`);
  return rows[0] as { bytes: number; last: number | null };
}

/** Hidden, for their forks; rows that no fork reads may go. */
export const markKept = (
  tx: Tx,
  k: { no: readonly number[]; at: readonly Date[]; cause: readonly Cause[] },
): Promise<unknown> =>
  tx.query(sql`
    -- log_mark_kept: primary key
    update streams s set kept_at = v.at, kept_cause = v.cause, rows_due = true
    from unnest(${k.no}::bigint[], ${k.at}::timestamptz[], ${k.cause}::text[]) as v(no, at, cause)
    where s.stream_no = v.no and s.removed_at is null and s.kept_at is null`);

/** The ranges of a stream that its forks, and theirs, still read, in the order of their beginnings. */
export const readByForks = (db: Reader, streamNo: number): Promise<{ first: number; last: number }[]> =>
  db.query(sql`
    -- log_read_by_forks: index streams_forks for each; kept ones read nothing themselves, but theirs may
    with recursive forks as (
      select stream_no, first_seq, fork_seq as last, kept_at from streams where fork_of = ${streamNo} and removed_at is null
      union all
      select s.stream_no, s.first_seq, least(s.fork_seq, f.last), s.kept_at
      from streams s join forks f on s.fork_of = f.stream_no where s.removed_at is null)
    select first_seq as first, max(last) as last from forks where kept_at is null and first_seq <= last
    group by first_seq order by first_seq`);

/** Sources of a fork that have rows nobody is shown but their forks. */
export const sourcesOf = (db: Reader, streamNo: number): Promise<{ stream_no: number }[]> =>
  db.query(sql`
    -- log_sources_of: primary key
    select s.stream_no from streams f cross join lateral jsonb_array_elements(f.fork->'lineage') as l
    join streams s on s.stream_no = (l->>'streamNo')::bigint
    where f.stream_no = ${streamNo} and f.fork is not null and s.removed_at is null
      and (s.kept_at is not null or s.first_seq > 1 or s.has_superseded)`);

export const markRowsDue = (db: Tx, streamNo: number): Promise<unknown> =>
  db.query(sql`
    -- log_mark_rows_due: primary key
    update streams set rows_due = true where stream_no = ${streamNo} and removed_at is null`);
