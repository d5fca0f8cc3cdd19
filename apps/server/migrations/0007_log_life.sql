-- Lifetimes, forks and versions of configurations of streams.

alter table muster.streams
  add column version int not null default 1,
  -- Removed, but hidden in its place while streams that were forked from it live.
  add column kept_at timestamptz,
  add column kept_cause text check (kept_cause in ('deleted', 'expired')),
  -- What a fork was made from: path, offset and chain of its source (`Fork` in kernel/log/lineage.ts).
  add column fork jsonb,
  add constraint streams_kept_cause check ((kept_at is null) = (kept_cause is null)),
  add constraint streams_fork check ((fork_of is null) = (fork is null) and (fork_of is null) = (fork_seq is null)),
  add constraint streams_ttl check (ttl_seconds is null or expires_at is not null);

create index streams_expiring on muster.streams (expires_at, stream_no)
  where removed_at is null and kept_at is null and expires_at is not null;
create index streams_forks on muster.streams (fork_of) where removed_at is null and fork_of is not null;
create index streams_kept on muster.streams (stream_no) where kept_at is not null and removed_at is null;
