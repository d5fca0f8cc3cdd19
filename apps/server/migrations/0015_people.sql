-- People: who they are, how they prove it, where they are signed in, and what they are in each project.

create table muster.people (
  id text primary key,
  email text not null unique check (email = lower(email) and length(email) between 3 and 254),
  email_verified boolean not null default false,
  name text not null check (length(name) between 1 and 100),
  image text,
  installation_admin boolean not null default false,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index people_installation_admins on muster.people (id) where installation_admin;

-- Ways to prove who one is. `password` holds a salted hash with its parameters.
create table muster.person_credentials (
  id text primary key,
  person_id text not null references muster.people (id) on delete cascade,
  provider text not null,
  account_id text not null,
  password text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (provider, account_id),
  check ((provider = 'credential') = (password is not null))
);
create index person_credentials_person on muster.person_credentials (person_id);

-- One browser of one person. The cookie holds the token, the row its hash.
create table muster.sign_ins (
  id text primary key,
  token_hash text not null unique check (length(token_hash) = 64),
  person_id text not null references muster.people (id) on delete cascade,
  address text,
  user_agent text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  expires_at timestamptz not null,
  -- When the password was last given; some acts want it to be recent.
  confirmed_at timestamptz not null
) with (fillfactor = 80);
create index sign_ins_person on muster.sign_ins (person_id, id desc);
create index sign_ins_expiry on muster.sign_ins (expires_at);

-- Things somebody has to answer in a few minutes, such as a second factor.
create table muster.verifications (
  id text primary key,
  identifier text not null,
  value text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  expires_at timestamptz not null
);
create index verifications_identifier on muster.verifications (identifier, created_at desc);
create index verifications_expiry on muster.verifications (expires_at);

-- Tries to sign in that did not succeed, or have not yet. Neither emails nor passwords are kept.
create table muster.sign_in_tries (
  id bigint generated always as identity primary key,
  address text not null,
  email_hash bytea not null,
  at timestamptz not null
);
create index sign_in_tries_address on muster.sign_in_tries (address, at desc);
create index sign_in_tries_at on muster.sign_in_tries (at);

create table muster.memberships (
  project_id text not null references muster.projects (id) on delete cascade,
  person_id text not null references muster.people (id) on delete cascade,
  role text not null check (role in ('viewer', 'operator', 'admin')),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (person_id, project_id)
);
create index memberships_project on muster.memberships (project_id, person_id desc);

-- The way in while there is no admin: at most one link per node, each new at its start.
create table muster.setup_tokens (
  secret_hash bytea primary key,
  node text not null unique,
  created_at timestamptz not null,
  expires_at timestamptz not null
);

create table muster.invites (
  id text primary key,
  secret_hash bytea not null unique,
  project_id text not null references muster.projects (id) on delete cascade,
  role text not null check (role in ('viewer', 'operator', 'admin')),
  note text not null default '' check (length(note) <= 200),
  created_by text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  used_by text references muster.people (id) on delete set null,
  revoked_at timestamptz,
  check (used_at is null or revoked_at is null)
);
create index invites_project on muster.invites (project_id, id desc);
