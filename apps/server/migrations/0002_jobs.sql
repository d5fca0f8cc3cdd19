-- Jobs: what the servers do for themselves. `jobs` is the hot table: unfinished jobs only, narrow, rewritten at every
-- step of a job's life. What a job carries lies in `job_payloads`; what is over lies in `jobs_done`.

create table jobs (
  id            text collate "C" primary key,      -- "C": UUIDv7 text sorts by birth, and memcmp is the fast comparison
  kind          text collate "C" not null,
  state         text collate "C" not null check (state in ('waiting', 'ready', 'running')),
  priority      smallint not null default 0 check (priority between -100 and 100),
  attempt       integer not null default 0,        -- claims that count against attempts_max
  attempts_max  integer not null check (attempts_max between 1 and 1000),
  term          integer not null default 0,        -- claims ever; names the right to write about the job
  run_at        timestamptz not null,
  enqueued_at   timestamptz not null default now(),
  claimed_at    timestamptz,
  lease_ms      integer,
  lease_ends_at timestamptz,                       -- in no index, so that a renewal stays a HOT update
  holder        text,
  unique_key    text,
  project_id    text,
  cancel_reason text,
  last_error    text,
  check ((state = 'running') = (lease_ends_at is not null)),
  check ((state = 'running') = (lease_ms is not null)),
  check ((state = 'running') = (holder is not null)),
  check (cancel_reason is null or state = 'running'),
  check (attempt <= term)
) with (
  fillfactor = 80,
  -- Every finished job leaves dead entries at the head of the index that the claim reads: vacuum early and at full speed.
  autovacuum_vacuum_scale_factor = 0.01,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_insert_scale_factor = 0.05,
  autovacuum_analyze_scale_factor = 0.05,
  autovacuum_vacuum_cost_delay = 0,
  vacuum_truncate = off                            -- giving the emptied end back would lock everybody out for a moment
);
-- The claim: the head of each kind. Ready jobs are due, so the time is no part of it.
create index jobs_ready on jobs (kind, priority desc, id) where state = 'ready';
create index jobs_waiting on jobs (run_at) where state = 'waiting';
create index jobs_running on jobs (id) where state = 'running';
create unique index jobs_unique on jobs (kind, unique_key) where unique_key is not null;

create table job_payloads (
  job_id  text collate "C" primary key,            -- no foreign key: one statement removes both
  payload json not null                            -- json, not jsonb: kept as given, never searched
) with (
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0,
  vacuum_truncate = off
);

create table jobs_done (
  id          text collate "C" primary key,
  kind        text collate "C" not null,
  outcome     text not null check (outcome in ('done', 'cancelled', 'failed')),
  reason      text,
  attempt     integer not null,
  term        integer not null,
  project_id  text,
  enqueued_at timestamptz not null,
  claimed_at  timestamptz,
  finished_at timestamptz not null default now(),
  payload     json,                                -- of failed jobs, so that they can be run again
  check (outcome = 'done' or reason is not null),
  check (payload is null or outcome = 'failed')
) with (autovacuum_vacuum_insert_scale_factor = 0.2, autovacuum_vacuum_scale_factor = 0.05);
create index jobs_done_age on jobs_done (finished_at);
create index jobs_done_kind on jobs_done (kind, id desc) where outcome <> 'done';

-- One row per recurring job. Whoever moves `next_at` from a due time enqueues the run of that due time.
create table job_schedules (
  kind        text collate "C" primary key,
  spec        text not null,                       -- `cron …` or `every …ms`; a change starts the count anew
  next_at     timestamptz not null,
  last_due_at timestamptz
);

-- When somebody last looked. Who was away for long has seen nothing, and must not conclude anything from it (I6).
create table job_sweeps (
  name    text primary key,
  last_at timestamptz not null
);
insert into job_sweeps (name, last_at) values ('rescue', 'epoch');
