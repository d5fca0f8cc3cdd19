-- A second factor of people, what keys were used for, and views of lists that people keep.

-- One authenticator per person. It counts once it was confirmed by a code of it.
create table muster.second_factors (
  person_id text primary key references muster.people (id) on delete cascade,
  -- Encrypted, bound to the person.
  secret bytea not null,
  created_at timestamptz not null,
  confirmed_at timestamptz,
  -- The last period whose code was taken: none is taken twice.
  last_period bigint not null default 0
);

create table muster.recovery_codes (
  person_id text not null references muster.second_factors (person_id) on delete cascade,
  code_hash bytea not null,
  used_at timestamptz,
  primary key (person_id, code_hash)
);

alter table muster.api_keys add column last_used_address text;

-- Requests of a key by the hour, kept for a day and a bit.
create table muster.key_hours (
  key_id text not null references muster.api_keys (id) on delete cascade,
  hour timestamptz not null,
  requests bigint not null,
  failed bigint not null,
  primary key (key_id, hour)
) with (fillfactor = 80);
create index key_hours_hour on muster.key_hours (hour);

-- The last requests of a key; at most a few a second are kept.
create table muster.key_requests (
  id bigint generated always as identity primary key,
  key_id text not null references muster.api_keys (id) on delete cascade,
  at timestamptz not null,
  method text not null,
  route text not null,
  status integer not null,
  ms real not null,
  address text not null,
  request_id text not null
);
create index key_requests_key on muster.key_requests (key_id, id desc);
create index key_requests_at on muster.key_requests (at);

-- What a list was narrowed to, under a name. Of one person or key, or shared by the project.
create table muster.saved_views (
  project_id text not null references muster.projects (id) on delete cascade,
  id text not null,
  owner_id text not null,
  shared boolean not null,
  name text not null check (length(name) between 1 and 80),
  page text not null check (length(page) between 1 and 100),
  search text not null check (length(search) <= 4096),
  updated_at timestamptz not null,
  primary key (project_id, id)
);
