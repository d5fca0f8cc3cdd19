-- The gallery of our own: accounts of bots and of people, what they show, and what they say to it. Every counter exists twice,
-- once for people and once for bots.

-- How this gallery behaves to bots; a project without a row has no caps. `null`: unlimited.
create table sandbox_settings (
  project_id        text primary key references projects(id),
  paused            boolean not null default false,
  fleet_daily_max   integer check (fleet_daily_max >= 0),
  fleet_monthly_max integer check (fleet_monthly_max >= 0),
  agent_daily_max   integer check (agent_daily_max >= 0),
  agent_monthly_max integer check (agent_monthly_max >= 0),
  version           integer not null default 1,
  updated_at        timestamptz not null default now()
);

create table sandbox_accounts (
  id         text primary key,
  project_id text not null references projects(id),
  username   text not null,
  name       text not null,
  bio        text not null default '',
  is_agent   boolean not null,
  agent_id   text,                             -- of bots: the id their fleet knows them by
  persona_id text,
  person_id  text,                             -- of people: who signs in
  quiet      boolean not null default false,   -- of people: no bots on my posts
  created_at timestamptz not null,
  removed_at timestamptz,                      -- its username is free again; what it made stays
  check (is_agent = (agent_id is not null)),
  check (is_agent = (person_id is null)),
  check (not (is_agent and quiet))
);
create unique index sandbox_accounts_username on sandbox_accounts (project_id, username);
create unique index sandbox_accounts_agent on sandbox_accounts (project_id, agent_id) where removed_at is null;
create unique index sandbox_accounts_person on sandbox_accounts (project_id, person_id) where removed_at is null;
create index sandbox_accounts_quiet on sandbox_accounts (project_id) where quiet;

-- Pictures by what they are: the same bytes are one blob. A row without blob waits for its upload.
create table sandbox_images (
  id          text primary key,
  project_id  text not null references projects(id),
  account_id  text references sandbox_accounts(id),
  form        text check (form in ('svg', 'png')),
  sha256      text check (length(sha256) = 64),
  width       integer,
  height      integer,
  upload_type text,                            -- what was announced: image/png, image/jpeg
  upload_bytes integer,
  upload_hash bytea,                           -- of the token in the upload's address
  expires_at  timestamptz,
  created_at  timestamptz not null,
  check ((sha256 is null) = (form is null))
);
create index sandbox_images_waiting on sandbox_images (expires_at) where sha256 is null;

create table sandbox_items (
  id             text primary key,
  project_id     text not null references projects(id),
  account_id     text not null references sandbox_accounts(id),
  by_agent       boolean not null,
  title          text not null,
  description    text not null default '',
  category       text check (category in ('ai-workflows', 'data-viz', 'marketing', 'utilities')),
  tags           text[] not null default '{}',
  alt            text not null default '',
  image_prompt   text not null default '',
  facts          text[] not null default '{}',
  workflow_id    text,
  image_id       text not null references sandbox_images(id),
  human_likes    integer not null default 0,
  bot_likes      integer not null default 0,
  human_comments integer not null default 0,
  bot_comments   integer not null default 0,
  human_views    integer not null default 0,
  bot_views      integer not null default 0,
  likes          integer generated always as (human_likes + bot_likes) stored,
  -- What `trending` weighs against age: a bot's act counts a quarter of a person's.
  weight         double precision generated always as
                 (human_likes + human_comments + 0.25 * (bot_likes + bot_comments) + 1) stored,
  created_at     timestamptz not null
) with (fillfactor = 80);
create index sandbox_items_recent on sandbox_items (project_id, created_at desc, id desc);
create index sandbox_items_popular on sandbox_items (project_id, likes desc, created_at desc, id desc);
create index sandbox_items_weight on sandbox_items (project_id, weight desc, created_at desc, id desc);
-- The same for those who want to see people only, who are few where bots are many.
create index sandbox_items_people_recent on sandbox_items (project_id, created_at desc, id desc) where not by_agent;
create index sandbox_items_people_popular on sandbox_items (project_id, likes desc, created_at desc, id desc) where not by_agent;
create index sandbox_items_people_weight on sandbox_items (project_id, weight desc, created_at desc, id desc) where not by_agent;
create index sandbox_items_account on sandbox_items (account_id, created_at desc, id desc);
create index sandbox_items_image on sandbox_items (image_id);

create table sandbox_likes (
  item_id    text not null references sandbox_items(id) on delete cascade,
  account_id text not null references sandbox_accounts(id),
  at         timestamptz not null,
  primary key (item_id, account_id)
);
create index sandbox_likes_account on sandbox_likes (account_id);

create table sandbox_comments (
  id         text primary key,
  project_id text not null,
  item_id    text not null references sandbox_items(id) on delete cascade,
  account_id text not null references sandbox_accounts(id),
  by_agent   boolean not null,
  content    text not null,
  created_at timestamptz not null
);
create index sandbox_comments_item on sandbox_comments (item_id, created_at, id);
create index sandbox_comments_account on sandbox_comments (account_id);

-- Answers to writes that carried an Idempotency-Key, for a day.
create table sandbox_keys (
  account_id text not null references sandbox_accounts(id),
  key        text not null,
  digest     bytea not null,
  status     smallint not null,
  body       text not null,
  at         timestamptz not null,
  primary key (account_id, key)
);
create index sandbox_keys_at on sandbox_keys (at);

-- Acts by account and UTC day: budgets, and how much people do here.
create table sandbox_days (
  project_id text not null,
  day        date not null,
  account_id text not null references sandbox_accounts(id),
  is_agent   boolean not null,
  posts      integer not null default 0,
  comments   integer not null default 0,
  likes      integer not null default 0,
  primary key (account_id, day)
) with (fillfactor = 70);
create index sandbox_days_day on sandbox_days (project_id, day, is_agent) include (posts, comments, likes);

create table sandbox_reports (
  id         text primary key,
  project_id text not null references projects(id),
  item_id    text not null references sandbox_items(id) on delete cascade,
  comment_id text references sandbox_comments(id) on delete cascade,
  account_id text not null references sandbox_accounts(id),
  reason     text not null check (length(reason) <= 500),
  created_at timestamptz not null
);
create unique index sandbox_reports_once on sandbox_reports (item_id, account_id, coalesce(comment_id, ''));
create index sandbox_reports_project on sandbox_reports (project_id, created_at desc, id desc);
create index sandbox_reports_comment on sandbox_reports (comment_id) where comment_id is not null;

-- Mishaps on order, for tests of whoever calls.
create table sandbox_faults (
  project_id text not null references projects(id),
  id         text not null,
  position   smallint not null,
  body       jsonb not null,
  left_over  integer,                          -- times it still strikes; null: until it expires
  expires_at timestamptz not null,
  primary key (project_id, id)
);
