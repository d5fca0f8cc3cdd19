-- Projects, API keys, run tokens, audit, idempotency keys and the installation's own facts.

create table muster.meta (
  key text primary key,
  value jsonb not null,
  updated_at timestamptz not null default now()
);
comment on table muster.meta is 'Facts of the installation, such as its id. One row each.';

insert into muster.meta (key, value) values ('installation', jsonb_build_object('id', gen_random_uuid()));

create table muster.projects (
  id text primary key,
  name text not null unique check (length(name) between 1 and 64),
  archived_at timestamptz,
  created_at timestamptz not null default now()
);

-- Everything belongs to a project; callers that name none act in this one. The id is the same in every installation.
insert into muster.projects (id, name) values ('prj_00000000000000000000000000', 'default');

create table muster.api_keys (
  id text primary key,
  project_id text not null references muster.projects (id),
  name text not null check (length(name) between 1 and 200),
  -- The part of the credential that finds the row; null for keys the environment gives.
  short_id text unique,
  environment_name text unique,
  scopes text[] not null check (cardinality(scopes) > 0),
  secret_hash bytea not null,
  previous_hash bytea,
  previous_until timestamptz,
  addresses text[] not null default '{}',
  created_by text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz,
  check ((short_id is null) <> (environment_name is null)),
  check ((previous_hash is null) = (previous_until is null))
) with (fillfactor = 80);
create index api_keys_project on muster.api_keys (project_id, id desc);

create table muster.run_tokens (
  secret_hash bytea primary key,
  kind text not null check (kind in ('wkt', 'bld', 'bot', 'agt')),
  project_id text not null references muster.projects (id),
  worker_id text,
  build_id text,
  term bigint,
  created_at timestamptz not null default now(),
  -- Null: as long as its subject says. Ending a token moves this to the time it ends.
  expires_at timestamptz
);
create index run_tokens_worker on muster.run_tokens (worker_id) where worker_id is not null;
create index run_tokens_build on muster.run_tokens (build_id, term) where build_id is not null;
create index run_tokens_expiry on muster.run_tokens (expires_at) where expires_at is not null;

create table muster.audit (
  id text not null,
  at timestamptz not null default now(),
  project_id text,
  actor_kind text not null,
  actor text not null,
  action text not null,
  subject text not null,
  before jsonb,
  after jsonb,
  address text,
  request_id text,
  outcome text not null check (outcome in ('done', 'refused')),
  primary key (at, id)
) partition by range (at);
create index audit_project on muster.audit (project_id, at desc, id desc);
create table muster.audit_rest partition of muster.audit default;

-- Makes the partition of the month that holds `moment`, moving rows that went to the rest in the meantime.
create function muster.audit_partition(moment timestamptz) returns text language plpgsql as $$
declare
  first_day date := date_trunc('month', moment at time zone 'UTC');
  low timestamptz := first_day::timestamp at time zone 'UTC';
  high timestamptz := (first_day + interval '1 month') at time zone 'UTC';
  partition_name text := 'audit_' || to_char(first_day, 'YYYY_MM');
begin
  -- Several nodes may come to a new month at once.
  perform pg_advisory_xact_lock(hashtext('muster.audit_partition'));
  if to_regclass('muster.' || partition_name) is not null then
    return partition_name;
  end if;
  execute format('create table muster.%I (like muster.audit including defaults including constraints)', partition_name);
  execute format('with moved as (delete from muster.audit_rest where at >= %L and at < %L returning *) insert into muster.%I select * from moved', low, high, partition_name);
  execute format('alter table muster.audit attach partition muster.%I for values from (%L) to (%L)', partition_name, low, high);
  return partition_name;
end $$;

-- Drops a month of audit rows; any other table name is refused.
create function muster.audit_drop_partition(partition_name text) returns void language plpgsql as $$
begin
  if partition_name !~ '^audit_[0-9]{4}_[0-9]{2}$' then
    raise exception '% is not an audit partition', partition_name;
  end if;
  execute format('drop table muster.%I', partition_name);
end $$;

select muster.audit_partition(now()), muster.audit_partition(now() + interval '1 month');

create table muster.idempotency_keys (
  project_id text not null references muster.projects (id),
  route text not null,
  key text not null,
  digest text not null,
  -- Encrypted: it may show a secret that is shown once.
  answer bytea,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  primary key (project_id, route, key)
);
create index idempotency_keys_expires_at on muster.idempotency_keys (expires_at);
