-- Builds: what outside workers pull. `builds` is the hot table and holds only what the machine and the claim need;
-- what a submitter wrote lies in `build_specs`, so an update of a lease never copies it.

create table queues (
  project_id   text not null references projects(id),
  name         text not null,
  paused_at    timestamptz,
  paused_by    text,
  pause_reason text,
  resumes_at   timestamptz,
  created_at   timestamptz not null default now(),
  primary key (project_id, name),
  check ((paused_at is null) = (pause_reason is null))
);

-- One row per distinct (queue, platform, requires) of a project: the claim looks at the head of each.
create table demands (
  sig        bigint generated always as identity primary key,
  project_id text not null references projects(id),
  queue      text not null,
  platform   text not null check (platform in ('ios', 'android', 'linux', 'macos', 'any')),
  requires   jsonb not null default '{}',
  used_at    timestamptz not null default now(),
  unique (project_id, queue, platform, requires)
);

create table workers (
  id            text primary key,
  project_id    text not null references projects(id),
  alias         text,                         -- the id a legacy client chose for itself
  kind          text not null check (kind in ('v1', 'legacy')),
  name          text not null,
  platforms     text[] not null,
  labels        jsonb not null default '{}',
  seats         smallint not null check (seats between 1 and 64),
  state         text not null default 'online' check (state in ('online', 'offline')),   -- busy is counted, never stored
  admission     text not null default 'open' check (admission in ('open', 'draining')),
  drain_reason  text,
  drain_exit    boolean not null default false,
  drain_told    boolean not null default false, -- the worker was told to drain, so a resume must be told too
  last_seen_at  timestamptz not null default now(),
  offline_after_ms integer not null default 60000,
  registered_at timestamptz not null default now(),
  version       text not null default '',
  host          jsonb,
  capabilities  jsonb,
  succeeded     integer not null default 0,
  failed        integer not null default 0,
  lost          integer not null default 0,
  removed_at    timestamptz
) with (fillfactor = 80);
create unique index workers_alias on workers (project_id, alias) where alias is not null and removed_at is null;
create index workers_project on workers (project_id, id) where removed_at is null;
-- Not on last_seen_at: presence is written every few seconds and must stay a HOT update.
create index workers_online on workers (id) where state = 'online' and removed_at is null;

create sequence build_queue_seq;

create table builds (
  id            text primary key,
  project_id    text not null references projects(id),
  version       integer not null default 1,
  state         text not null default 'queued'
                check (state in ('queued', 'assigned', 'running', 'cancelling', 'succeeded', 'failed', 'cancelled')),
  term          integer not null default 0,
  sig           bigint not null,              -- a row of demands while the build is unfinished; idle demands are pruned
  queue         text not null,
  platform      text not null,
  priority      smallint not null default 0 check (priority between -100 and 100),
  queue_seq     bigint not null default nextval('build_queue_seq'),
  eligible_at   timestamptz not null default now(),
  wait_cause    text check (wait_cause in ('backoff', 'not_before')),   -- why eligible_at lies ahead
  queue_deadline_at timestamptz,
  ckey          text,
  key_limit     smallint,
  key_seat      smallint,
  worker_id     text references workers(id),
  worker_seat   smallint,
  avoid_worker_id text,
  avoid_until   timestamptz,
  lease_until   timestamptz,
  lease_ttl_ms  integer,
  heard         boolean not null default false, -- the holder of this term gave a sign; else its end does not count
  run_until     timestamptz,                 -- maxRunMs + what the server adds; past it the build is stopped
  grace_until   timestamptz,                 -- a stop that nobody confirms ends here
  stop_known_at timestamptz,                 -- when the worker was told to stop
  attempts_used smallint not null default 0, -- attempts that count against attempts_max
  attempts_max  smallint not null default 3,
  max_run_ms    integer not null,
  stop_reason   text check (stop_reason in ('user', 'superseded', 'timed_out', 'client_gone', 'bulk')),
  stop_detail   text,
  progress      real,
  phase         text,
  failure       jsonb,
  result_digest text,                        -- of the accepted result, so that its repeat is recognised
  submitted_at  timestamptz not null default now(),
  assigned_at   timestamptz,
  started_at    timestamptz,
  cancel_requested_at timestamptz,
  finished_at   timestamptz,
  check ((state in ('succeeded', 'failed', 'cancelled')) = (finished_at is not null)),
  check ((state in ('assigned', 'running', 'cancelling')) = (worker_id is not null and worker_seat is not null and lease_until is not null)
         or (state in ('succeeded', 'failed', 'cancelled'))),
  check (state <> 'queued' or (worker_seat is null and key_seat is null and lease_until is null)),
  check (state not in ('succeeded', 'failed', 'cancelled') or (worker_seat is null and key_seat is null and lease_until is null)),
  check (state <> 'failed' or failure is not null),
  check (state <> 'cancelling' or (stop_reason is not null and grace_until is not null)),
  check ((ckey is null) = (key_limit is null))
) with (
  fillfactor = 80,
  -- Every build taken leaves dead entries at the head of the index the claim reads: vacuum early and at full speed.
  autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_cost_delay = 0,
  autovacuum_analyze_scale_factor = 0.05,
  vacuum_truncate = off
);

-- The claim reads the head of this one; rows that left `queued` leave it at once.
create index builds_line on builds (project_id, sig, priority desc, queue_seq) where state = 'queued';
-- Capacity is these two indexes: a second taker of the same seat fails with 23505 (I5).
create unique index builds_worker_seat on builds (worker_id, worker_seat) where state in ('assigned', 'running', 'cancelling');
create unique index builds_key_seat on builds (project_id, ckey, key_seat) where ckey is not null and state in ('assigned', 'running', 'cancelling');
-- No index on lease_until: a heartbeat then stays a HOT update; the sweep reads the active rows through builds_worker_seat.
create index builds_key_line on builds (project_id, ckey, queue_seq) where ckey is not null and state in ('queued', 'assigned', 'running', 'cancelling');
create index builds_deadline on builds (queue_deadline_at) where state = 'queued' and queue_deadline_at is not null;
create index builds_eligible on builds (eligible_at) where state = 'queued' and wait_cause is not null;
create index builds_newest on builds (project_id, id desc);
create index builds_by_state on builds (project_id, state, id desc);
create index builds_finished on builds (finished_at) where finished_at is not null;
create index builds_samples on builds (sig, finished_at desc) where state = 'succeeded';
create index builds_samples_platform on builds (project_id, platform, finished_at desc) where state = 'succeeded';

create table build_specs (
  build_id      text primary key references builds(id) on delete cascade,
  name          text,
  tags          jsonb not null default '{}',
  requires      jsonb not null default '{}',
  not_before    timestamptz,
  queue_deadline_ms bigint,
  key_mode      text check (key_mode in ('queue', 'cancelOlder')),
  task          text,
  command       text,
  env           jsonb not null default '{}',
  secret_env    bytea,                       -- sealed; names lie in secret_env_names
  secret_env_names text[] not null default '{}',
  retry_on      text[] not null,
  expects       text not null check (expects in ('artifact', 'nothing')),
  retry_of      text,
  submitted_by  text not null,
  access_token_hash bytea not null unique,
  legacy        boolean not null default false,
  source_blob   text not null,
  source_bytes  bigint not null,
  source_sha256 text not null,
  source_format text not null check (source_format in ('zip', 'tar.gz', 'tar.zst')),
  certs_blob    text,                        -- sealed file
  certs_key     bytea,                       -- its own key, wrapped
  certs_bytes   bigint,
  extra_profile bytea,                       -- a profile that came as a part of its own (legacy), sealed
  inputs_removed_at  timestamptz,            -- retention took source and certs; the blobs may live on in a retry
  outputs_removed_at timestamptz             -- retention took artifacts and log
);
-- What retention looks at: ids sort by birth, so the old end of these holds only what is due, kept or unfinished.
create index build_specs_inputs_due on build_specs (build_id) where inputs_removed_at is null;
create index build_specs_outputs_due on build_specs (build_id) where outputs_removed_at is null;
create index build_specs_tags on build_specs using gin (tags jsonb_path_ops);
create index build_specs_source on build_specs (source_blob) where inputs_removed_at is null;
create index build_specs_certs on build_specs (certs_blob) where certs_blob is not null and inputs_removed_at is null;
create index build_specs_retry on build_specs (retry_of) where retry_of is not null;

create table build_attempts (
  build_id   text not null references builds(id) on delete cascade,
  term       integer not null,
  worker_id  text not null,
  state      text not null default 'held' check (state in ('held', 'ended')),
  started_at timestamptz not null default now(),
  ended_at   timestamptz,
  outcome    text check (outcome in ('succeeded', 'failed', 'cancelled', 'lost', 'abandoned')),
  counts     boolean not null default true,  -- false: the answer never reached the worker
  failure    jsonb,
  log_lines  integer not null default 0,
  exit_code  integer,
  worker_ms  bigint not null default 0,
  primary key (build_id, term),
  check ((state = 'ended') = (ended_at is not null and outcome is not null))
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
create index build_attempts_worker on build_attempts (worker_id, started_at desc);
-- The second guard beside the seat index: one held attempt per build.
create unique index build_attempts_held on build_attempts (build_id) where state = 'held';

create table build_uploads (
  id          text primary key,
  project_id  text not null references projects(id),
  purpose     text not null check (purpose in ('source', 'certs', 'artifact')),
  state       text not null default 'open' check (state in ('open', 'complete', 'used')),
  blob        text not null,
  size_bytes  bigint not null check (size_bytes > 0),
  wanted_sha256 text,
  sha256      text,
  format      text check (format in ('zip', 'tar.gz', 'tar.zst')),   -- of a complete source, by its magic bytes
  sealed_key  bytea,                         -- certs: the wrapped key their bytes lie under, from the first one on
  created_by  text not null,
  created_at  timestamptz not null default now(),
  expires_at  timestamptz not null
);
create index build_uploads_open on build_uploads (project_id) where state = 'open';
create unique index build_uploads_blob on build_uploads (blob);
create index build_uploads_expiry on build_uploads (expires_at);

create table build_artifacts (
  id           text primary key,
  build_id     text not null references builds(id) on delete cascade,
  term         integer not null,
  name         text not null,
  blob         text not null,
  size_bytes   bigint not null,
  sha256       text not null,
  content_type text not null,
  is_primary   boolean not null default false,
  created_at   timestamptz not null default now(),
  removed_at   timestamptz,
  unique (build_id, term, name)
);
create index build_artifacts_blob on build_artifacts (blob) where removed_at is null;

-- One row per stored file, however many builds share it; it goes with its last user. A file without a row (and without
-- an upload) is swept.
create table build_blobs (
  blob       text primary key,
  project_id text not null references projects(id),
  kind       text not null check (kind in ('source', 'certs', 'artifact')),
  bytes      bigint not null check (bytes >= 0),
  created_at timestamptz not null default now()
);
-- The sum of build_blobs, moved in the same transactions. Several rows each, so that submits of one project do not
-- queue up behind one row lock.
create table build_storage (
  project_id text not null references projects(id),
  kind       text not null check (kind in ('source', 'certs', 'artifact')),
  shard      smallint not null,
  bytes      bigint not null default 0,
  primary key (project_id, kind, shard)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
-- Bytes sent to readers and workers, per build.
create table build_transfers (
  build_id   text primary key references builds(id) on delete cascade,
  sent_bytes bigint not null default 0
) with (fillfactor = 80);

-- Events and system lines, written in the transaction of the change and flushed to the streams after commit.
-- One row is one event; `line` is the line it also writes into the build's log.
create table build_outbox (
  id         bigint generated always as identity primary key,
  project_id text not null,
  build_id   text,
  term       integer,
  event      jsonb,                          -- null: only a line
  line       jsonb,
  at         timestamptz not null default now()
) with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
create index build_outbox_build on build_outbox (build_id, id);

-- Who flushed last. Another name than one's own, or a pass that did not end, means that some rows may lie in their streams
-- already; the flusher then compares before it appends.
create table build_outbox_holder (
  one        boolean primary key default true check (one),
  holder     text not null
);
insert into build_outbox_holder (holder) values ('');

create table build_telemetry (
  build_id     text not null references builds(id) on delete cascade,
  at           timestamptz not null,         -- whole seconds: more points of one second become one
  cpu_percent  real,
  memory_mb    real,
  disk_percent real,
  processes    integer,
  stage        text,
  primary key (build_id, at)
);
create index build_telemetry_age on build_telemetry (at);

create table worker_diagnostics (
  id          text primary key,
  worker_id   text not null references workers(id),
  project_id  text not null,
  status      text not null check (status in ('healthy', 'warning', 'critical')),
  run_at      timestamptz not null,
  duration_ms integer not null,
  auto_fixed  boolean not null,
  checks      jsonb not null,
  created_at  timestamptz not null default now()
);
create index worker_diagnostics_latest on worker_diagnostics (worker_id, id desc);

-- Bulk actions: one row each, worked off by a queue job.
create table build_bulks (
  id         text primary key,
  project_id text not null,
  action     jsonb not null,
  ids        text[] not null,                -- what matched when it was asked; worked off from the left
  matched    integer not null,
  done       integer not null default 0,
  refused    jsonb not null default '[]',
  state      text not null default 'running' check (state in ('running', 'done')),
  asked_by   text not null,
  created_at timestamptz not null default now(),
  finished_at timestamptz
);

-- When a sweep last ran, by the database's clock: after a gap nothing is rescued in the first round (I6).
create table build_sweeps (
  name   text primary key,
  ran_at timestamptz not null
);

-- A build as the room reads it: hot row, spec without the big fields, name of the worker.
create view build_rows as
select b.id, b.project_id as "projectId", b.version, b.state, b.term, b.sig, b.queue, b.platform, b.priority,
       b.queue_seq as "queueSeq", b.eligible_at as "eligibleAt", b.wait_cause as "waitCause",
       b.queue_deadline_at as "queueDeadlineAt", b.ckey, b.key_limit as "keyLimit", b.key_seat as "keySeat",
       b.worker_id as "workerId", b.worker_seat as "workerSeat", w.name as "workerName",
       b.avoid_worker_id as "avoidWorkerId", b.avoid_until as "avoidUntil", b.lease_until as "leaseUntil",
       b.lease_ttl_ms as "leaseTtlMs", b.run_until as "runUntil", b.grace_until as "graceUntil",
       b.stop_known_at as "stopKnownAt", b.attempts_used as "attemptsUsed", b.attempts_max as "attemptsMax",
       b.max_run_ms as "maxRunMs", b.stop_reason as "stopReason", b.stop_detail as "stopDetail", b.progress, b.phase,
       b.failure, b.result_digest as "resultDigest", b.submitted_at as "submittedAt", b.assigned_at as "assignedAt",
       b.started_at as "startedAt", b.cancel_requested_at as "cancelRequestedAt", b.finished_at as "finishedAt",
       s.name, s.tags, s.requires, s.not_before as "notBefore", s.queue_deadline_ms as "queueDeadlineMs",
       s.key_mode as "keyMode", s.task, s.secret_env_names as "secretEnvNames", s.retry_on as "retryOn", s.expects,
       s.retry_of as "retryOf", s.submitted_by as "submittedBy", s.legacy, s.source_blob as "sourceBlob",
       s.source_bytes as "sourceBytes", s.source_sha256 as "sourceSha256", s.source_format as "sourceFormat",
       s.certs_blob as "certsBlob", s.certs_bytes as "certsBytes", s.inputs_removed_at as "inputsRemovedAt",
       s.outputs_removed_at as "outputsRemovedAt"
  from builds b join build_specs s on s.build_id = b.id left join workers w on w.id = b.worker_id;

-- A worker as the room reads it, with what it holds and its newest diagnostics.
create view worker_rows as
select w.id, w.project_id as "projectId", w.alias, w.kind, w.name, w.platforms, w.labels, w.seats, w.state, w.admission,
       w.drain_reason as "drainReason", w.drain_exit as "drainExit", w.drain_told as "drainTold",
       w.last_seen_at as "lastSeenAt", w.registered_at as "registeredAt", w.version, w.host, w.succeeded, w.failed, w.lost,
       coalesce((select jsonb_agg(jsonb_build_object('buildId', b.id, 'term', b.term, 'state', b.state, 'heard', b.heard,
           'stopReason', b.stop_reason, 'stopKnown', b.stop_known_at is not null) order by b.id)
         from builds b where b.worker_id = w.id and b.state in ('assigned', 'running', 'cancelling')), '[]'::jsonb) as held,
       (select jsonb_build_object('id', d.id, 'status', d.status,
           'runAt', to_char(d.run_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
         from worker_diagnostics d where d.worker_id = w.id order by d.id desc limit 1) as diagnostics
  from workers w where w.removed_at is null;
