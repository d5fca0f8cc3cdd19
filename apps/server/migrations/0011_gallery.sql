-- Gallery: bots that act on a gallery, what they are drawn from, where they act, and what they did. `gallery_bots` is the hot
-- table: what people wrote of a bot lies in `traits`, what a think moves lies beside it.

-- One row for a project's fleet. Its gate stops everything below it at once without a write to any bot.
create table gallery_fleets (
  project_id    text primary key references projects(id),
  seed          bigint not null default 1,
  gate          text not null default 'open' check (gate in ('open', 'sleeping', 'held', 'tripped')),
  gate_until    timestamptz,
  gate_reason   text,
  mind          text,                          -- null: as the settings say
  fallback_mind text,
  bot_caps      jsonb not null default '{"acts": 500, "posts": 40, "comments": 150, "likes": 300}',
  panic         jsonb,                         -- {by, reason, at}; null when released
  version       integer not null default 1,
  updated_at    timestamptz not null default now()
);

create table gallery_targets (
  project_id    text not null references projects(id),
  id            text not null,
  kind          text not null check (kind in ('sandbox', 'floimg')),
  title         text not null,
  base_url      text not null,
  token         bytea,                         -- sealed
  legacy_secret bytea,                         -- sealed
  dialect       text not null default 'showcase' check (dialect in ('showcase', 'gallery-v0')),
  capabilities  jsonb not null default '{"idempotency": false, "explicitUnlike": false, "upload": false, "execute": false}',
  rps           real not null default 10 check (rps > 0),
  concurrency   smallint not null default 16 check (concurrency between 1 and 256),
  quiet_list    text[] not null default '{}',
  banned        text[] not null default '{}',
  caption_footer text,
  deprovision_on_delete boolean not null default false,
  phase_out     jsonb,
  share         real not null default 1 check (share between 0 and 1),
  acknowledgement jsonb,                       -- {by, host, at, textVersion}; void when base_url changes
  gate          text not null default 'open' check (gate in ('open', 'sleeping', 'held', 'tripped')),
  gate_until    timestamptz,
  gate_reason   text,
  health        jsonb,
  from_environment boolean not null default false,
  version       integer not null default 1,
  created_at    timestamptz not null default now(),
  updated_at    timestamptz not null default now(),
  primary key (project_id, id)
);

-- Built-in ones are copied here for each project, so that lists, counts and joins see one table.
create table gallery_personas (
  project_id text not null references projects(id),
  id         text not null,
  version    integer not null default 1,
  body       jsonb not null,
  built_in   boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (project_id, id)
);

create table gallery_bots (
  id            text primary key,
  project_id    text not null,
  shard         smallint not null check (shard between 0 and 63),
  name          text not null,
  username      text not null,
  target_id     text not null,
  persona_id    text,
  disclosure_label text not null default 'automated account',
  traits        jsonb not null default '{}',   -- own values; what is missing comes from the persona
  caps          jsonb,                         -- own caps; null: the fleet's
  seed          bigint not null,
  seed_key      bigint,                        -- seed of the drawing it came from, with its index
  seed_index    integer,
  desired       text not null default 'stopped' check (desired in ('running', 'paused', 'stopped', 'deleted')),
  state         text not null default 'idle'
                check (state in ('idle', 'running', 'paused', 'sleeping', 'error', 'deleted')),
  reason        text,                          -- why it waits, sleeps or failed
  last_error    text,
  sleep_until   timestamptz,
  retry_at      timestamptz,
  failures      integer not null default 0,
  next_think_at timestamptz,
  think_no      bigint not null default 0,
  generation    integer not null default 0,
  provision     text not null default 'none'
                check (provision in ('none', 'pending', 'done', 'failed', 'removing', 'removed')),
  provision_detail text,
  remote_user_id text,
  posts         integer not null default 0,
  comments      integer not null default 0,
  replies       integer not null default 0,
  likes         integer not null default 0,
  browses       integer not null default 0,
  thinks        integer not null default 0,
  skips         integer not null default 0,
  failed        integer not null default 0,
  cost_micros   bigint not null default 0,
  last_action_at timestamptz,
  version       integer not null default 1,
  created_at    timestamptz not null default now(),
  updated_at    timestamptz not null default now(),
  deleted_at    timestamptz,
  foreign key (project_id, target_id) references gallery_targets (project_id, id),
  foreign key (project_id, persona_id) references gallery_personas (project_id, id)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
-- Held until the bot is purged, so also by a deleted one.
create unique index gallery_bots_username on gallery_bots (project_id, target_id, username);
create unique index gallery_bots_seeded on gallery_bots (project_id, target_id, seed_key, seed_index) where seed_index is not null;
create index gallery_bots_project on gallery_bots (project_id, id);
create index gallery_bots_persona on gallery_bots (project_id, persona_id);
-- What an owner loads at its start. Not on next_think_at: it moves at every think and must stay a HOT update.
create index gallery_bots_wanted on gallery_bots (shard, id) where desired = 'running';
create index gallery_bots_removing on gallery_bots (id) where provision in ('pending', 'removing');

-- Who may let the bots of a shard act: every commit of a think names the term.
create table gallery_shards (
  shard      smallint primary key check (shard between 0 and 63),
  owner      text,
  term       bigint not null default 0,
  expires_at timestamptz not null default '-infinity'
) with (fillfactor = 50);

-- Every side effect, once. `open` is written before the target hears of it.
create table gallery_actions (
  thought_id   text primary key,
  project_id   text not null,
  bot_id       text not null,
  shard        smallint not null,
  target_id    text not null,
  kind         text not null check (kind in ('post', 'comment', 'reply', 'like', 'unlike')),
  item_id      text,
  parent_id    text,
  key          text not null unique,
  content      text not null default '',
  content_hash bytea,
  image_blob   text,
  detail       jsonb not null default '{}',    -- what else it takes to send it again: caption, alt, tags, prompt, facts
  state        text not null default 'open' check (state in ('open', 'done', 'failed', 'dropped')),
  outcome      text,
  remote_id    text,
  term         bigint not null,
  opened_at    timestamptz not null,
  closed_at    timestamptz,
  check ((state = 'open') = (closed_at is null))
) with (fillfactor = 80);
create index gallery_actions_bot on gallery_actions (bot_id, opened_at desc, thought_id);
create index gallery_actions_open on gallery_actions (shard, opened_at) where state = 'open';
create index gallery_actions_project on gallery_actions (project_id, opened_at desc);
create unique index gallery_actions_one_like on gallery_actions (bot_id, item_id)
  where kind = 'like' and state in ('open', 'done');
create index gallery_actions_item on gallery_actions (project_id, target_id, item_id, opened_at) where item_id is not null;
create index gallery_actions_closed on gallery_actions (closed_at) where state <> 'open';

-- One feed for each project; `seq` is its order. A row waits here until it is in the stream.
create table gallery_activity (
  project_id text not null,
  seq        bigint generated always as identity,
  id         text not null unique,
  bot_id     text,
  bot_name   text,
  persona_id text,
  type       text not null,
  message    text not null,
  at         timestamptz not null,
  thought_id text,
  data       jsonb not null default '{}',
  published  boolean not null default false,
  primary key (project_id, seq)
);
create index gallery_activity_bot on gallery_activity (bot_id, seq) where bot_id is not null;
create index gallery_activity_unpublished on gallery_activity (project_id, seq) where not published;
create index gallery_activity_at on gallery_activity (at);

-- Why it did that: candidates with scores, odds or model, the situation a replay needs, verdicts of the checks.
create table gallery_decisions (
  thought_id text primary key,
  project_id text not null,
  bot_id     text not null,
  at         timestamptz not null,
  kind       text not null,
  why        text not null,
  mind       text not null,
  result     text not null,                    -- acted, skipped, blocked, failed, dropped, put_off
  reason     text,
  tokens_in  integer not null default 0,
  tokens_out integer not null default 0,
  cost_micros bigint not null default 0,
  latency_ms integer not null default 0,
  body       jsonb not null
);
create index gallery_decisions_bot on gallery_decisions (bot_id, at desc, thought_id);
create index gallery_decisions_project on gallery_decisions (project_id, at);

create table gallery_memories (
  id         text primary key,
  bot_id     text not null,
  kind       text not null check (kind in ('saw', 'made', 'said', 'heard', 'liked', 'reflected')),
  text       text not null,
  item_id    text,
  person     text,
  importance smallint not null check (importance between 1 and 10),
  at         timestamptz not null,
  used_at    timestamptz not null
);
create index gallery_memories_bot on gallery_memories (bot_id, at desc);
create index gallery_memories_person on gallery_memories (person) where person is not null;

create table gallery_relations (
  bot_id    text not null,
  person    text not null,
  is_bot    boolean not null,
  affinity  real not null default 0 check (affinity between -1 and 1),
  seen      integer not null default 0,
  exchanged integer not null default 0,
  last_at   timestamptz not null,
  primary key (bot_id, person)
) with (fillfactor = 80);
create index gallery_relations_person on gallery_relations (person);
