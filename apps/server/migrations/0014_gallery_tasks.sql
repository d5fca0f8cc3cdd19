-- Work on many gallery bots that goes on in the background: bulk actions, seedings, replays, simulated days.
create table gallery_tasks (
  id          text primary key,
  project_id  text not null references projects(id),
  kind        text not null check (kind in ('bulk', 'seed', 'replay', 'sim')),
  input       jsonb not null,
  ids         text[] not null default '{}',    -- of a bulk action, in the order they are worked off
  total       integer not null,
  done        integer not null default 0,
  changed     integer not null default 0,
  refused     jsonb not null default '[]',     -- [{reason, count, example}]
  confirmed   boolean,
  error       text,
  result      jsonb,
  state       text not null default 'running' check (state in ('running', 'done', 'failed')),
  asked_by    text not null,
  created_at  timestamptz not null,
  finished_at timestamptz,
  check ((state = 'running') = (finished_at is null))
);
create index gallery_tasks_project on gallery_tasks (project_id, created_at desc);
create index gallery_tasks_finished on gallery_tasks (finished_at) where finished_at is not null;
