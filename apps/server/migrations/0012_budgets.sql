-- Budgets: hard caps on what may be used in a period. A counter belongs to one period and is never turned back; what is
-- being used now is in `reserved`, with a row that says by whom, so `spent + reserved <= cap` holds at every commit.

-- Caps that somebody set. No row: the default of whoever asks. A row with null: no cap.
create table budget_caps (
  project_id text not null references projects(id),
  scope      text collate "C" not null,
  measure    text collate "C" not null,
  period     text collate "C" not null check (period in ('day', 'month')),
  cap        bigint check (cap >= 0),
  updated_at timestamptz not null,
  primary key (project_id, scope, period, measure)
);

-- Hot: nearly every use moves the same few rows. No index on what moves, and room, so that updates stay HOT.
create table budget_counters (
  project_id text not null,
  scope      text collate "C" not null,
  measure    text collate "C" not null,
  period     text collate "C" not null check (period in ('day', 'month')),
  starts_at  timestamptz not null check (starts_at = date_trunc(period, starts_at, 'UTC')),
  spent      bigint not null default 0 check (spent >= 0),
  reserved   bigint not null default 0 check (reserved >= 0),
  cap        bigint,                               -- as it was when something was last reserved; null: none
  warned_cap bigint,                               -- the cap of which it was said that 80 % are spent
  reached_cap bigint,                              -- the cap of which it was said that something was refused
  -- In the order of looks: what one scope used in one period. Rows are locked in this order.
  primary key (project_id, scope, period, starts_at, measure)
) with (
  fillfactor = 50,
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_threshold = 200
);
create index budget_counters_age on budget_counters (period, starts_at);

-- What is being used: one row for a call or an act that is under way, gone when it is settled. One entry of the arrays
-- for each counter it holds.
create table budget_reservations (
  id         text collate "C" primary key,
  project_id text not null,
  owner      text not null,
  expires_at timestamptz not null,                 -- by the database's clock
  scopes     text[] not null,
  measures   text[] not null,
  periods    text[] not null,
  starts     timestamptz[] not null,
  amounts    bigint[] not null,
  check (cardinality(scopes) = cardinality(amounts) and cardinality(measures) = cardinality(amounts)
     and cardinality(periods) = cardinality(amounts) and cardinality(starts) = cardinality(amounts))
) with (
  fillfactor = 90,
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_threshold = 200
);
create index budget_reservations_expiry on budget_reservations (expires_at);
