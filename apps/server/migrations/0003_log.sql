-- The log's long-term store (kernel/log). Segments on disk are the append path; the flusher moves committed frames here
-- and its cursor with them, in one transaction.

-- Server processes, as they last said they were there.
create table muster.nodes (
  node_id text primary key,
  url text not null,
  state text not null check (state in ('live', 'draining', 'stopped')),
  seen_at timestamptz not null
);

-- Who may write which part of the log. One owner each; every change of hands raises the term.
create table muster.shards (
  shard smallint primary key,
  owner text not null,
  term bigint not null,
  expires_at timestamptz not null,
  state text not null check (state in ('owned', 'released'))
);

-- How far Postgres holds a log. Disk: one row, shard -1. Streams whose newest era is below `era_floor` may have lost
-- positions and begin a new era, behind a jump, with their next append.
create table muster.log_cursors (
  wal_id uuid not null,
  shard smallint not null,
  lsn bigint not null,
  term bigint not null,
  era_floor bigint,
  era_reason text check (era_reason in ('lost', 'restored')),
  primary key (wal_id, shard)
);

create table muster.streams (
  stream_no bigint primary key,
  project_id text not null,
  path text collate "C" not null,
  shard smallint not null,
  content_type text not null,
  eras jsonb not null,
  first_seq bigint not null,
  tail_seq bigint not null,
  bytes bigint not null,
  closed_at timestamptz,
  closed_by jsonb,
  writer_seq text,
  ttl_seconds bigint,
  expires_at timestamptz,
  touched_at timestamptz not null,
  retention jsonb,
  fork_of bigint,
  fork_seq bigint,
  removed_at timestamptz,
  created_at timestamptz not null,
  -- Rows of messages below first_seq, or of a removed stream, wait for the janitor.
  rows_due boolean not null default false
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
create unique index streams_live_path on muster.streams (project_id, path) where removed_at is null;
create index streams_path on muster.streams (project_id, path, removed_at);
create index streams_rows_due on muster.streams (stream_no) where rows_due;
create index streams_tombstones on muster.streams (removed_at) where removed_at is not null;
create index streams_aging on muster.streams (stream_no) where removed_at is null and retention ? 'maxAgeMs';

-- One row per append, as it was stored: `count` messages, `lengths` of all but the last.
create table muster.stream_messages (
  stream_no bigint not null,
  seq bigint not null,
  count int not null,
  shard smallint not null,
  lsn bigint not null,
  at timestamptz not null,
  crc int not null,
  payload bytea not null,
  lengths int[],
  primary key (stream_no, seq)
) partition by hash (stream_no);
do $$
begin
  for part in 0..15 loop
    execute format('create table muster.stream_messages_%s partition of muster.stream_messages for values with (modulus 16, remainder %s)
      with (autovacuum_vacuum_insert_scale_factor = 0.05)', part, part);
  end loop;
end $$;
create index stream_messages_lsn on muster.stream_messages (shard, lsn);

create table muster.stream_producers (
  stream_no bigint not null,
  producer_id text not null,
  epoch bigint not null,
  seq bigint not null,
  -- Position of the last message of its last append, and how many messages that had.
  last_seq bigint not null,
  last_count int not null,
  at timestamptz not null,
  primary key (stream_no, producer_id)
) with (fillfactor = 80);

-- How far each consumer has taken effect; moves in the transaction of the effect.
create table muster.log_consumers (
  name text not null,
  shard smallint not null,
  lsn bigint not null,
  term bigint not null,
  primary key (name, shard)
);
