-- What clients of the replaced build controller need beside the builds themselves: their tokens, each stored as SHA-256,
-- and what an attempt has sent so far, which decides how long it may be silent.

-- X-Worker-Token: slides 90 s with each call. A replaced one stays good for a minute, for an answer that was lost.
create table legacy_worker_tokens (
  token_hash bytea primary key,
  worker_id  text not null references workers(id) on delete cascade,
  replaced   boolean not null default false,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index legacy_worker_tokens_worker on legacy_worker_tokens (worker_id);

create table legacy_attempts (
  build_id       text not null references builds(id) on delete cascade,
  term           integer not null,
  otp_hash       bytea,
  otp_expires_at timestamptz,
  otp_used_at    timestamptz,
  tries          smallint not null default 0,  -- of a one-time password, within a minute of tries_since
  tries_since    timestamptz not null default now(),
  vm_hash        bytea,                        -- X-VM-Token
  vm_until       timestamptz,
  vm_used        boolean not null default false,
  vm_ready_at    timestamptz,
  hb_hash        bytea,                        -- good for heartbeats only
  hb_sealed      bytea,                        -- the same, sealed: the one who asks for it asks again and again
  saw_heartbeat  boolean not null default false,
  saw_telemetry  boolean not null default false,
  saw_files      boolean not null default false,
  said_monitor   boolean not null default false,
  upload_until   timestamptz,                  -- a result is being uploaded; the lease lasts at least so long
  primary key (build_id, term),
  check ((otp_hash is null) = (otp_expires_at is null)),
  check ((vm_hash is null) = (vm_until is null)),
  check ((hb_hash is null) = (hb_sealed is null))
);
