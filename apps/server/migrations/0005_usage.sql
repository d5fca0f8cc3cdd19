-- Usage: what things cost. Entries are written in the transaction of the row they come from, once per (source, part).
-- Hours are their sums. They are made afterwards, not in that transaction: every act of a project would wait for the
-- same hour's row. An entry that is not in its hour yet is `counted = false`, so sums of both are always whole.

create table usage_entries (
  source     text collate "C" not null,            -- the row it comes from, such as a build's id
  part       text collate "C" not null,            -- which part of it, such as `attempt-2` or the hour of a long run
  project_id text not null,
  meter      text collate "C" not null,
  quantity   bigint not null check (quantity >= 0),
  at         timestamptz not null,
  dimensions jsonb not null default '{}',
  counted    boolean not null default false,
  primary key (source, part)
) with (
  fillfactor = 90,
  autovacuum_vacuum_scale_factor = 0.05,
  autovacuum_vacuum_insert_scale_factor = 0.2
);
create index usage_entries_open on usage_entries (project_id, meter, at) where not counted;
create index usage_entries_age on usage_entries (at);

create table usage_hours (
  project_id text not null,
  meter      text collate "C" not null,
  hour       timestamptz not null check (hour = date_trunc('hour', hour, 'UTC')),
  dimensions jsonb not null default '{}',
  quantity   bigint not null,
  entries    bigint not null,
  primary key (project_id, meter, hour, dimensions)
) with (fillfactor = 80);
create index usage_hours_age on usage_hours (hour);
