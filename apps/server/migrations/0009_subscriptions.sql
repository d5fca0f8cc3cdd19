-- Subscriptions of the stream protocol, what each project shows of its streams, bulk changes, and what ends browser tokens early.

-- Kernel/auth: a browser token names the epochs it knew when it was made; a raised one ends it. Values are times of this database.
create table muster.browser_token_epochs (
  project_id text not null references muster.projects (id),
  -- 'key:<id>' or 'endUser:<name>'
  subject text not null check (octet_length(subject) between 5 and 600),
  epoch bigint not null check (epoch > 0),
  raised_at timestamptz not null default now(),
  primary key (project_id, subject)
);

create table muster.subscriptions (
  subscription_no bigint generated always as identity primary key,
  project_id text not null references muster.projects (id),
  id text not null check (octet_length(id) between 1 and 256),
  type text not null check (type in ('webhook', 'pull-wake')),
  pattern text,
  webhook_url text,
  wake_stream text,
  lease_ttl_ms int not null check (lease_ttl_ms between 1000 and 600000),
  description text,
  -- Of the normalized configuration: a repeated PUT must have the same.
  config_hash bytea not null,
  -- Start of the URLs told to others when no public URL is set: how its maker reached this server.
  base_url text,
  created_by text not null,
  created_at timestamptz not null default now(),
  links int not null default 0 check (links >= 0),
  -- More streams matched than links are allowed, since then.
  overflowed_at timestamptz,

  state text not null default 'idle' check (state in ('idle', 'waking', 'leased')),
  -- Grows with every wake and never goes back: the fence.
  generation bigint not null default 0,
  wake_id text,
  woken_at timestamptz,
  woken_by text,
  holder text,
  lease_ends_at timestamptz,
  failures int not null default 0,
  last_error text,
  next_attempt_at timestamptz,

  unique (project_id, id),
  check ((type = 'webhook') = (webhook_url is not null)),
  check ((type = 'pull-wake') = (wake_stream is not null)),
  check ((state = 'idle') = (wake_id is null)),
  check ((state = 'leased') = (lease_ends_at is not null)),
  check ((state = 'leased') = (holder is not null))
) with (fillfactor = 70);

-- One stream of one subscription. Offsets sort as text, and -1 before all of them.
create table muster.subscription_links (
  subscription_no bigint not null references muster.subscriptions (subscription_no) on delete cascade,
  project_id text not null,
  path text collate "C" not null,
  explicit boolean not null,
  glob boolean not null,
  -- Read up to and including this.
  acked text collate "C" not null,
  -- The tail as last noticed; behind `acked`, work is pending.
  noticed text collate "C" not null,
  -- The tail the wake of that generation told of: what {"done": true} acks.
  wake_offset text collate "C",
  wake_generation bigint,
  primary key (subscription_no, path),
  check (explicit or glob)
) with (fillfactor = 70);
create index subscription_links_stream on muster.subscription_links (project_id, path);

-- As the room reads them.
create view muster.subscription_rows as
select subscription_no as no, project_id as "projectId", id, type, pattern, webhook_url as "webhookUrl", wake_stream as "wakeStream",
  lease_ttl_ms as "leaseTtlMs", description, config_hash as "configHash", base_url as "baseUrl", created_at as "createdAt", links,
  overflowed_at as "overflowedAt", state, generation, wake_id as "wakeId", woken_by as "wokenBy", holder, lease_ends_at as "leaseEndsAt",
  coalesce(lease_ends_at <= now(), false) as "leaseOver", failures, last_error as "lastError", next_attempt_at as "nextAttemptAt",
  coalesce(next_attempt_at > now(), false) as "resting"
from muster.subscriptions;

-- What subscription webhooks are signed with. One is in use; retired public keys stay published for a day.
create table muster.stream_signing_keys (
  kid text primary key check (kid like 'ds\_%'),
  public_x text not null,
  sealed bytea not null,
  created_at timestamptz not null default now(),
  retired_at timestamptz
);
create unique index stream_signing_keys_in_use on muster.stream_signing_keys ((true)) where retired_at is null;

create table muster.stream_settings (
  project_id text primary key references muster.projects (id),
  -- Patterns of paths that anybody may read.
  public_read text[] not null default '{}',
  version int not null default 1,
  updated_by text not null,
  updated_at timestamptz not null default now()
);

create table muster.stream_bulk_jobs (
  id text primary key,
  project_id text not null references muster.projects (id),
  action text not null check (action in ('delete', 'close', 'retain')),
  prefix text not null,
  retention jsonb,
  dry_run boolean not null,
  state text not null default 'queued' check (state in ('queued', 'running', 'done', 'failed')),
  matched int not null default 0,
  changed int not null default 0,
  skipped int not null default 0,
  -- Where the walk goes on after a restart.
  cursor text,
  problems jsonb not null default '[]',
  requested_by text not null,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  check ((action = 'retain') or retention is null),
  check ((state in ('done', 'failed')) = (finished_at is not null))
);
create index stream_bulk_jobs_unfinished on muster.stream_bulk_jobs (project_id) where finished_at is null;
create index stream_bulk_jobs_finished on muster.stream_bulk_jobs (finished_at) where finished_at is not null;
