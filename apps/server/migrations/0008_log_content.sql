-- What changes how stored messages of the log are shown (kernel/log): ranges that a later message tells again, and bodies that
-- were erased. `revision` counts such changes; `has_superseded` saves the look into the table below for nearly all streams.
alter table muster.streams
  add column revision bigint not null default 0,
  add column has_superseded boolean not null default false;

-- Positions from_seq to to_seq are told again, whole, by message by_seq. kept: left out by the compact view only. dropped: by
-- every view, the rows wait for the janitor. gone: the rows went too.
create table muster.stream_superseded (
  stream_no bigint not null,
  from_seq bigint not null,
  to_seq bigint not null,
  by_seq bigint not null,
  at timestamptz not null,
  state text not null default 'kept' check (state in ('kept', 'dropped', 'gone')),
  primary key (stream_no, from_seq),
  check (from_seq <= to_seq and to_seq < by_seq)
);
create index stream_superseded_due on muster.stream_superseded (at) where state = 'kept';

-- Bodies that rows already show replaced while files of the log may still hold the old bytes. `erased_lsn`: the frame that says so.
create table muster.stream_erasures (
  stream_no bigint not null,
  seq bigint not null,
  instead bytea not null,
  segment_no bigint not null,
  erased_lsn bigint not null,
  at timestamptz not null,
  primary key (stream_no, seq)
);
