-- Prices: what a unit of each meter costs, from which day on. One row per change, the newest counts; amounts that were shown
-- before a change are made anew from the rules that were in force on their day, which later tables carry on.

create table prices (
  version    integer primary key check (version > 0),
  rules      jsonb not null,
  created_at timestamptz not null,
  created_by text not null
);
