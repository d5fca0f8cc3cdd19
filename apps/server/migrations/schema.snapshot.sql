-- function audit_drop_partition(text)
CREATE OR REPLACE FUNCTION muster.audit_drop_partition(partition_name text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  if partition_name !~ '^audit_[0-9]{4}_[0-9]{2}$' then
    raise exception '% is not an audit partition', partition_name;
  end if;
  execute format('drop table muster.%I', partition_name);
end $function$


-- function audit_partition(timestamp with time zone)
CREATE OR REPLACE FUNCTION muster.audit_partition(moment timestamp with time zone)
 RETURNS text
 LANGUAGE plpgsql
AS $function$
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
end $function$


-- partitioned table audit
options partition by RANGE (at)
id text not null
at timestamp with time zone not null default now()
project_id text
actor_kind text not null
actor text not null
action text not null
subject text not null
before jsonb
after jsonb
address text
request_id text
outcome text not null
constraint audit_outcome_check CHECK ((outcome = ANY (ARRAY['done'::text, 'refused'::text])))
constraint audit_pkey PRIMARY KEY (at, id)
CREATE INDEX audit_project ON ONLY muster.audit USING btree (project_id, at DESC, id DESC)

-- partitioned table stream_messages
options partition by HASH (stream_no)
stream_no bigint not null
seq bigint not null
count integer not null
shard smallint not null
lsn bigint not null
at timestamp with time zone not null
crc integer not null
payload bytea not null
lengths integer[]
constraint stream_messages_pkey PRIMARY KEY (stream_no, seq)
CREATE INDEX stream_messages_lsn ON ONLY muster.stream_messages USING btree (shard, lsn)

-- sequence build_queue_seq
sequence from 1 by 1

-- table api_keys
options {fillfactor=80}
id text not null
project_id text not null
name text not null
short_id text
environment_name text
scopes text[] not null
secret_hash bytea not null
previous_hash bytea
previous_until timestamp with time zone
addresses text[] not null default '{}'::text[]
created_by text not null
created_at timestamp with time zone not null default now()
expires_at timestamp with time zone
last_used_at timestamp with time zone
revoked_at timestamp with time zone
last_used_address text
constraint api_keys_check CHECK (((short_id IS NULL) <> (environment_name IS NULL)))
constraint api_keys_check1 CHECK (((previous_hash IS NULL) = (previous_until IS NULL)))
constraint api_keys_environment_name_key UNIQUE (environment_name)
constraint api_keys_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200)))
constraint api_keys_pkey PRIMARY KEY (id)
constraint api_keys_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id)
constraint api_keys_scopes_check CHECK ((cardinality(scopes) > 0))
constraint api_keys_short_id_key UNIQUE (short_id)
CREATE INDEX api_keys_project ON muster.api_keys USING btree (project_id, id DESC)

-- table browser_token_epochs
project_id text not null
subject text not null
epoch bigint not null
raised_at timestamp with time zone not null default now()
constraint browser_token_epochs_epoch_check CHECK ((epoch > 0))
constraint browser_token_epochs_pkey PRIMARY KEY (project_id, subject)
constraint browser_token_epochs_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id)
constraint browser_token_epochs_subject_check CHECK (((octet_length(subject) >= 5) AND (octet_length(subject) <= 600)))

-- table budget_caps
project_id text not null
scope text not null
measure text not null
period text not null
cap bigint
updated_at timestamp with time zone not null
constraint budget_caps_cap_check CHECK ((cap >= 0))
constraint budget_caps_period_check CHECK ((period = ANY (ARRAY['day'::text, 'month'::text])))
constraint budget_caps_pkey PRIMARY KEY (project_id, scope, period, measure)
constraint budget_caps_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id)

-- table budget_counters
options {fillfactor=50,autovacuum_vacuum_scale_factor=0.02,autovacuum_vacuum_threshold=200}
project_id text not null
scope text not null
measure text not null
period text not null
starts_at timestamp with time zone not null
spent bigint not null default 0
reserved bigint not null default 0
cap bigint
warned_cap bigint
reached_cap bigint
constraint budget_counters_check CHECK ((starts_at = date_trunc(period, starts_at, 'UTC'::text)))
constraint budget_counters_period_check CHECK ((period = ANY (ARRAY['day'::text, 'month'::text])))
constraint budget_counters_pkey PRIMARY KEY (project_id, scope, period, starts_at, measure)
constraint budget_counters_reserved_check CHECK ((reserved >= 0))
constraint budget_counters_spent_check CHECK ((spent >= 0))
CREATE INDEX budget_counters_age ON muster.budget_counters USING btree (period, starts_at)

-- table budget_reservations
options {fillfactor=90,autovacuum_vacuum_scale_factor=0.02,autovacuum_vacuum_threshold=200}
id text not null
project_id text not null
owner text not null
expires_at timestamp with time zone not null
scopes text[] not null
measures text[] not null
periods text[] not null
starts timestamp with time zone[] not null
amounts bigint[] not null
constraint budget_reservations_check CHECK (((cardinality(scopes) = cardinality(amounts)) AND (cardinality(measures) = cardinality(amounts)) AND (cardinality(periods) = cardinality(amounts)) AND (cardinality(starts) = cardinality(amounts))))
constraint budget_reservations_pkey PRIMARY KEY (id)
CREATE INDEX budget_reservations_expiry ON muster.budget_reservations USING btree (expires_at)

-- table build_artifacts
id text not null
build_id text not null
term integer not null
name text not null
blob text not null
size_bytes bigint not null
sha256 text not null
content_type text not null
is_primary boolean not null default false
created_at timestamp with time zone not null default now()
removed_at timestamp with time zone
constraint build_artifacts_build_id_fkey FOREIGN KEY (build_id) REFERENCES builds(id) ON DELETE CASCADE
constraint build_artifacts_build_id_term_name_key UNIQUE (build_id, term, name)
constraint build_artifacts_pkey PRIMARY KEY (id)
CREATE INDEX build_artifacts_blob ON muster.build_artifacts USING btree (blob) WHERE (removed_at IS NULL)

-- table build_attempts
options {fillfactor=80,autovacuum_vacuum_scale_factor=0.01,autovacuum_vacuum_cost_delay=0}
build_id text not null
term integer not null
worker_id text not null
state text not null default 'held'::text
started_at timestamp with time zone not null default now()
ended_at timestamp with time zone
outcome text
counts boolean not null default true
failure jsonb
log_lines integer not null default 0
exit_code integer
worker_ms bigint not null default 0
constraint build_attempts_build_id_fkey FOREIGN KEY (build_id) REFERENCES builds(id) ON DELETE CASCADE
constraint build_attempts_check CHECK (((state = 'ended'::text) = ((ended_at IS NOT NULL) AND (outcome IS NOT NULL))))
constraint build_attempts_outcome_check CHECK ((outcome = ANY (ARRAY['succeeded'::text, 'failed'::text, 'cancelled'::text, 'lost'::text, 'abandoned'::text])))
constraint build_attempts_pkey PRIMARY KEY (build_id, term)
constraint build_attempts_state_check CHECK ((state = ANY (ARRAY['held'::text, 'ended'::text])))
CREATE INDEX build_attempts_worker ON muster.build_attempts USING btree (worker_id, started_at DESC)
CREATE UNIQUE INDEX build_attempts_held ON muster.build_attempts USING btree (build_id) WHERE (state = 'held'::text)

-- table build_blobs
blob text not null
project_id text not null
kind text not null
bytes bigint not null
created_at timestamp with time zone not null default now()
constraint build_blobs_bytes_check CHECK ((bytes >= 0))
constraint build_blobs_kind_check CHECK ((kind = ANY (ARRAY['source'::text, 'certs'::text, 'artifact'::text])))
constraint build_blobs_pkey PRIMARY KEY (blob)
constraint build_blobs_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id)

-- table build_bulks
id text not null
project_id text not null
action jsonb not null
ids text[] not null
matched integer not null
done integer not null default 0
refused jsonb not null default '[]'::jsonb
state text not null default 'running'::text
asked_by text not null
created_at timestamp with time zone not null default now()
finished_at timestamp with time zone
constraint build_bulks_pkey PRIMARY KEY (id)
constraint build_bulks_state_check CHECK ((state = ANY (ARRAY['running'::text, 'done'::text])))

-- table build_outbox
options {autovacuum_vacuum_scale_factor=0.01,autovacuum_vacuum_cost_delay=0}
id bigint not null generated always as identity
project_id text not null
build_id text
term integer
event jsonb
line jsonb
at timestamp with time zone not null default now()
constraint build_outbox_pkey PRIMARY KEY (id)
CREATE INDEX build_outbox_build ON muster.build_outbox USING btree (build_id, id)

-- table build_outbox_holder
one boolean not null default true
holder text not null
constraint build_outbox_holder_one_check CHECK (one)
constraint build_outbox_holder_pkey PRIMARY KEY (one)

-- table build_specs
build_id text not null
name text
tags jsonb not null default '{}'::jsonb
requires jsonb not null default '{}'::jsonb
not_before timestamp with time zone
queue_deadline_ms bigint
key_mode text
task text
command text
env jsonb not null default '{}'::jsonb
secret_env bytea
secret_env_names text[] not null default '{}'::text[]
retry_on text[] not null
expects text not null
retry_of text
submitted_by text not null
access_token_hash bytea not null
legacy boolean not null default false
source_blob text not null
source_bytes bigint not null
source_sha256 text not null
source_format text not null
certs_blob text
certs_key bytea
certs_bytes bigint
extra_profile bytea
inputs_removed_at timestamp with time zone
outputs_removed_at timestamp with time zone
constraint build_specs_access_token_hash_key UNIQUE (access_token_hash)
constraint build_specs_build_id_fkey FOREIGN KEY (build_id) REFERENCES builds(id) ON DELETE CASCADE
constraint build_specs_expects_check CHECK ((expects = ANY (ARRAY['artifact'::text, 'nothing'::text])))
constraint build_specs_key_mode_check CHECK ((key_mode = ANY (ARRAY['queue'::text, 'cancelOlder'::text])))
constraint build_specs_pkey PRIMARY KEY (build_id)
constraint build_specs_source_format_check CHECK ((source_format = ANY (ARRAY['zip'::text, 'tar.gz'::text, 'tar.zst'::text])))
CREATE INDEX build_specs_certs ON muster.build_specs USING btree (certs_blob) WHERE ((certs_blob IS NOT NULL) AND (inputs_removed_at IS NULL))
CREATE INDEX build_specs_inputs_due ON muster.build_specs USING btree (build_id) WHERE (inputs_removed_at IS NULL)
CREATE INDEX build_specs_outputs_due ON muster.build_specs USING btree (build_id) WHERE (outputs_removed_at IS NULL)
CREATE INDEX build_specs_retry ON muster.build_specs USING btree (retry_of) WHERE (retry_of IS NOT NULL)
CREATE INDEX build_specs_source ON muster.build_specs USING btree (source_blob) WHERE (inputs_removed_at IS NULL)
CREATE INDEX build_specs_tags ON muster.build_specs USING gin (tags jsonb_path_ops)

-- table build_storage
options {fillfactor=50,autovacuum_vacuum_scale_factor=0.01,autovacuum_vacuum_cost_delay=0}
project_id text not null
kind text not null
shard smallint not null
bytes bigint not null default 0
constraint build_storage_kind_check CHECK ((kind = ANY (ARRAY['source'::text, 'certs'::text, 'artifact'::text])))
constraint build_storage_pkey PRIMARY KEY (project_id, kind, shard)
constraint build_storage_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id)

-- table build_sweeps
name text not null
ran_at timestamp with time zone not null
constraint build_sweeps_pkey PRIMARY KEY (name)

-- table build_telemetry
build_id text not null
at timestamp with time zone not null
cpu_percent real
memory_mb real
disk_percent real
processes integer
stage text
constraint build_telemetry_build_id_fkey FOREIGN KEY (build_id) REFERENCES builds(id) ON DELETE CASCADE
constraint build_telemetry_pkey PRIMARY KEY (build_id, at)
CREATE INDEX build_telemetry_age ON muster.build_telemetry USING btree (at)

-- table build_transfers
options {fillfactor=80}
build_id text not null
sent_bytes bigint not null default 0
constraint build_transfers_build_id_fkey FOREIGN KEY (build_id) REFERENCES builds(id) ON DELETE CASCADE
constraint build_transfers_pkey PRIMARY KEY (build_id)

-- table build_uploads
id text not null
project_id text not null
purpose text not null
state text not null default 'open'::text
blob text not null
size_bytes bigint not null
wanted_sha256 text
sha256 text
format text
sealed_key bytea
created_by text not null
created_at timestamp with time zone not null default now()
expires_at timestamp with time zone not null
constraint build_uploads_format_check CHECK ((format = ANY (ARRAY['zip'::text, 'tar.gz'::text, 'tar.zst'::text])))
constraint build_uploads_pkey PRIMARY KEY (id)
constraint build_uploads_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id)
constraint build_uploads_purpose_check CHECK ((purpose = ANY (ARRAY['source'::text, 'certs'::text, 'artifact'::text])))
constraint build_uploads_size_bytes_check CHECK ((size_bytes > 0))
constraint build_uploads_state_check CHECK ((state = ANY (ARRAY['open'::text, 'complete'::text, 'used'::text])))
CREATE INDEX build_uploads_expiry ON muster.build_uploads USING btree (expires_at)
CREATE INDEX build_uploads_open ON muster.build_uploads USING btree (project_id) WHERE (state = 'open'::text)
CREATE UNIQUE INDEX build_uploads_blob ON muster.build_uploads USING btree (blob)

-- table builds
options {fillfactor=80,autovacuum_vacuum_scale_factor=0.01,autovacuum_vacuum_threshold=200,autovacuum_vacuum_cost_delay=0,autovacuum_analyze_scale_factor=0.05,vacuum_truncate=off}
id text not null
project_id text not null
version integer not null default 1
state text not null default 'queued'::text
term integer not null default 0
sig bigint not null
queue text not null
platform text not null
priority smallint not null default 0
queue_seq bigint not null default nextval('build_queue_seq'::regclass)
eligible_at timestamp with time zone not null default now()
wait_cause text
queue_deadline_at timestamp with time zone
ckey text
key_limit smallint
key_seat smallint
worker_id text
worker_seat smallint
avoid_worker_id text
avoid_until timestamp with time zone
lease_until timestamp with time zone
lease_ttl_ms integer
heard boolean not null default false
run_until timestamp with time zone
grace_until timestamp with time zone
stop_known_at timestamp with time zone
attempts_used smallint not null default 0
attempts_max smallint not null default 3
max_run_ms integer not null
stop_reason text
stop_detail text
progress real
phase text
failure jsonb
result_digest text
submitted_at timestamp with time zone not null default now()
assigned_at timestamp with time zone
started_at timestamp with time zone
cancel_requested_at timestamp with time zone
finished_at timestamp with time zone
constraint builds_check CHECK (((state = ANY (ARRAY['succeeded'::text, 'failed'::text, 'cancelled'::text])) = (finished_at IS NOT NULL)))
constraint builds_check1 CHECK ((((state = ANY (ARRAY['assigned'::text, 'running'::text, 'cancelling'::text])) = ((worker_id IS NOT NULL) AND (worker_seat IS NOT NULL) AND (lease_until IS NOT NULL))) OR (state = ANY (ARRAY['succeeded'::text, 'failed'::text, 'cancelled'::text]))))
constraint builds_check2 CHECK (((state <> 'queued'::text) OR ((worker_seat IS NULL) AND (key_seat IS NULL) AND (lease_until IS NULL))))
constraint builds_check3 CHECK (((state <> ALL (ARRAY['succeeded'::text, 'failed'::text, 'cancelled'::text])) OR ((worker_seat IS NULL) AND (key_seat IS NULL) AND (lease_until IS NULL))))
constraint builds_check4 CHECK (((state <> 'failed'::text) OR (failure IS NOT NULL)))
constraint builds_check5 CHECK (((state <> 'cancelling'::text) OR ((stop_reason IS NOT NULL) AND (grace_until IS NOT NULL))))
constraint builds_check6 CHECK (((ckey IS NULL) = (key_limit IS NULL)))
constraint builds_pkey PRIMARY KEY (id)
constraint builds_priority_check CHECK (((priority >= '-100'::integer) AND (priority <= 100)))
constraint builds_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id)
constraint builds_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'assigned'::text, 'running'::text, 'cancelling'::text, 'succeeded'::text, 'failed'::text, 'cancelled'::text])))
constraint builds_stop_reason_check CHECK ((stop_reason = ANY (ARRAY['user'::text, 'superseded'::text, 'timed_out'::text, 'client_gone'::text, 'bulk'::text])))
constraint builds_wait_cause_check CHECK ((wait_cause = ANY (ARRAY['backoff'::text, 'not_before'::text])))
constraint builds_worker_id_fkey FOREIGN KEY (worker_id) REFERENCES workers(id)
CREATE INDEX builds_by_state ON muster.builds USING btree (project_id, state, id DESC)
CREATE INDEX builds_deadline ON muster.builds USING btree (queue_deadline_at) WHERE ((state = 'queued'::text) AND (queue_deadline_at IS NOT NULL))
CREATE INDEX builds_eligible ON muster.builds USING btree (eligible_at) WHERE ((state = 'queued'::text) AND (wait_cause IS NOT NULL))
CREATE INDEX builds_finished ON muster.builds USING btree (finished_at) WHERE (finished_at IS NOT NULL)
CREATE INDEX builds_key_line ON muster.builds USING btree (project_id, ckey, queue_seq) WHERE ((ckey IS NOT NULL) AND (state = ANY (ARRAY['queued'::text, 'assigned'::text, 'running'::text, 'cancelling'::text])))
CREATE INDEX builds_line ON muster.builds USING btree (project_id, sig, priority DESC, queue_seq) WHERE (state = 'queued'::text)
CREATE INDEX builds_newest ON muster.builds USING btree (project_id, id DESC)
CREATE INDEX builds_samples ON muster.builds USING btree (sig, finished_at DESC) WHERE (state = 'succeeded'::text)
CREATE INDEX builds_samples_platform ON muster.builds USING btree (project_id, platform, finished_at DESC) WHERE (state = 'succeeded'::text)
CREATE UNIQUE INDEX builds_key_seat ON muster.builds USING btree (project_id, ckey, key_seat) WHERE ((ckey IS NOT NULL) AND (state = ANY (ARRAY['assigned'::text, 'running'::text, 'cancelling'::text])))
CREATE UNIQUE INDEX builds_worker_seat ON muster.builds USING btree (worker_id, worker_seat) WHERE (state = ANY (ARRAY['assigned'::text, 'running'::text, 'cancelling'::text]))

-- table demands
sig bigint not null generated always as identity
project_id text not null
queue text not null
platform text not null
requires jsonb not null default '{}'::jsonb
used_at timestamp with time zone not null default now()
constraint demands_pkey PRIMARY KEY (sig)
constraint demands_platform_check CHECK ((platform = ANY (ARRAY['ios'::text, 'android'::text, 'linux'::text, 'macos'::text, 'any'::text])))
constraint demands_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id)
constraint demands_project_id_queue_platform_requires_key UNIQUE (project_id, queue, platform, requires)

-- table gallery_actions
options {fillfactor=80}
thought_id text not null
project_id text not null
bot_id text not null
shard smallint not null
target_id text not null
kind text not null
item_id text
parent_id text
key text not null
content text not null default ''::text
content_hash bytea
image_blob text
detail jsonb not null default '{}'::jsonb
state text not null default 'open'::text
outcome text
remote_id text
term bigint not null
opened_at timestamp with time zone not null
closed_at timestamp with time zone
constraint gallery_actions_check CHECK (((state = 'open'::text) = (closed_at IS NULL)))
constraint gallery_actions_key_key UNIQUE (key)
constraint gallery_actions_kind_check CHECK ((kind = ANY (ARRAY['post'::text, 'comment'::text, 'reply'::text, 'like'::text, 'unlike'::text])))
constraint gallery_actions_pkey PRIMARY KEY (thought_id)
constraint gallery_actions_state_check CHECK ((state = ANY (ARRAY['open'::text, 'done'::text, 'failed'::text, 'dropped'::text])))
CREATE INDEX gallery_actions_bot ON muster.gallery_actions USING btree (bot_id, opened_at DESC, thought_id)
CREATE INDEX gallery_actions_closed ON muster.gallery_actions USING btree (closed_at) WHERE (state <> 'open'::text)
CREATE INDEX gallery_actions_item ON muster.gallery_actions USING btree (project_id, target_id, item_id, opened_at) WHERE (item_id IS NOT NULL)
CREATE INDEX gallery_actions_open ON muster.gallery_actions USING btree (shard, opened_at) WHERE (state = 'open'::text)
CREATE INDEX gallery_actions_project ON muster.gallery_actions USING btree (project_id, opened_at DESC)
CREATE UNIQUE INDEX gallery_actions_one_like ON muster.gallery_actions USING btree (bot_id, item_id) WHERE ((kind = 'like'::text) AND (state = ANY (ARRAY['open'::text, 'done'::text])))

-- table gallery_activity
project_id text not null
seq bigint not null generated always as identity
id text not null
bot_id text
bot_name text
persona_id text
type text not null
message text not null
at timestamp with time zone not null
thought_id text
data jsonb not null default '{}'::jsonb
published boolean not null default false
constraint gallery_activity_id_key UNIQUE (id)
constraint gallery_activity_pkey PRIMARY KEY (project_id, seq)
CREATE INDEX gallery_activity_at ON muster.gallery_activity USING btree (at)
CREATE INDEX gallery_activity_bot ON muster.gallery_activity USING btree (bot_id, seq) WHERE (bot_id IS NOT NULL)
CREATE INDEX gallery_activity_unpublished ON muster.gallery_activity USING btree (project_id, seq) WHERE (NOT published)

-- table gallery_bots
options {fillfactor=70,autovacuum_vacuum_scale_factor=0.02}
id text not null
project_id text not null
shard smallint not null
name text not null
username text not null
target_id text not null
persona_id text
disclosure_label text not null default 'automated account'::text
traits jsonb not null default '{}'::jsonb
caps jsonb
seed bigint not null
seed_key bigint
seed_index integer
desired text not null default 'stopped'::text
state text not null default 'idle'::text
reason text
last_error text
sleep_until timestamp with time zone
retry_at timestamp with time zone
failures integer not null default 0
next_think_at timestamp with time zone
think_no bigint not null default 0
generation integer not null default 0
provision text not null default 'none'::text
provision_detail text
remote_user_id text
posts integer not null default 0
comments integer not null default 0
replies integer not null default 0
likes integer not null default 0
browses integer not null default 0
thinks integer not null default 0
skips integer not null default 0
failed integer not null default 0
cost_micros bigint not null default 0
last_action_at timestamp with time zone
version integer not null default 1
created_at timestamp with time zone not null default now()
updated_at timestamp with time zone not null default now()
deleted_at timestamp with time zone
constraint gallery_bots_desired_check CHECK ((desired = ANY (ARRAY['running'::text, 'paused'::text, 'stopped'::text, 'deleted'::text])))
constraint gallery_bots_pkey PRIMARY KEY (id)
constraint gallery_bots_project_id_persona_id_fkey FOREIGN KEY (project_id, persona_id) REFERENCES gallery_personas(project_id, id)
constraint gallery_bots_project_id_target_id_fkey FOREIGN KEY (project_id, target_id) REFERENCES gallery_targets(project_id, id)
constraint gallery_bots_provision_check CHECK ((provision = ANY (ARRAY['none'::text, 'pending'::text, 'done'::text, 'failed'::text, 'removing'::text, 'removed'::text])))
constraint gallery_bots_shard_check CHECK (((shard >= 0) AND (shard <= 63)))
constraint gallery_bots_state_check CHECK ((state = ANY (ARRAY['idle'::text, 'running'::text, 'paused'::text, 'sleeping'::text, 'error'::text, 'deleted'::text])))
CREATE INDEX gallery_bots_persona ON muster.gallery_bots USING btree (project_id, persona_id)
CREATE INDEX gallery_bots_project ON muster.gallery_bots USING btree (project_id, id)
CREATE INDEX gallery_bots_removing ON muster.gallery_bots USING btree (id) WHERE (provision = ANY (ARRAY['pending'::text, 'removing'::text]))
CREATE INDEX gallery_bots_wanted ON muster.gallery_bots USING btree (shard, id) WHERE (desired = 'running'::text)
CREATE UNIQUE INDEX gallery_bots_seeded ON muster.gallery_bots USING btree (project_id, target_id, seed_key, seed_index) WHERE (seed_index IS NOT NULL)
CREATE UNIQUE INDEX gallery_bots_username ON muster.gallery_bots USING btree (project_id, target_id, username)

-- table gallery_decisions
thought_id text not null
project_id text not null
bot_id text not null
at timestamp with time zone not null
kind text not null
why text not null
mind text not null
result text not null
reason text
tokens_in integer not null default 0
tokens_out integer not null default 0
cost_micros bigint not null default 0
latency_ms integer not null default 0
body jsonb not null
constraint gallery_decisions_pkey PRIMARY KEY (thought_id)
CREATE INDEX gallery_decisions_bot ON muster.gallery_decisions USING btree (bot_id, at DESC, thought_id)
CREATE INDEX gallery_decisions_project ON muster.gallery_decisions USING btree (project_id, at)

-- table gallery_fleets
project_id text not null
seed bigint not null default 1
gate text not null default 'open'::text
gate_until timestamp with time zone
gate_reason text
mind text
fallback_mind text
bot_caps jsonb not null default '{"acts": 500, "likes": 300, "posts": 40, "comments": 150}'::jsonb
panic jsonb
version integer not null default 1
updated_at timestamp with time zone not null default now()
constraint gallery_fleets_gate_check CHECK ((gate = ANY (ARRAY['open'::text, 'sleeping'::text, 'held'::text, 'tripped'::text])))
constraint gallery_fleets_pkey PRIMARY KEY (project_id)
constraint gallery_fleets_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id)

-- table gallery_memories
id text not null
bot_id text not null
kind text not null
text text not null
item_id text
person text
importance smallint not null
at timestamp with time zone not null
used_at timestamp with time zone not null
constraint gallery_memories_importance_check CHECK (((importance >= 1) AND (importance <= 10)))
constraint gallery_memories_kind_check CHECK ((kind = ANY (ARRAY['saw'::text, 'made'::text, 'said'::text, 'heard'::text, 'liked'::text, 'reflected'::text])))
constraint gallery_memories_pkey PRIMARY KEY (id)
CREATE INDEX gallery_memories_bot ON muster.gallery_memories USING btree (bot_id, at DESC)
CREATE INDEX gallery_memories_person ON muster.gallery_memories USING btree (person) WHERE (person IS NOT NULL)

-- table gallery_personas
project_id text not null
id text not null
version integer not null default 1
body jsonb not null
built_in boolean not null default false
created_at timestamp with time zone not null default now()
updated_at timestamp with time zone not null default now()
constraint gallery_personas_pkey PRIMARY KEY (project_id, id)
constraint gallery_personas_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id)

-- table gallery_relations
options {fillfactor=80}
bot_id text not null
person text not null
is_bot boolean not null
affinity real not null default 0
seen integer not null default 0
exchanged integer not null default 0
last_at timestamp with time zone not null
constraint gallery_relations_affinity_check CHECK (((affinity >= ('-1'::integer)::double precision) AND (affinity <= (1)::double precision)))
constraint gallery_relations_pkey PRIMARY KEY (bot_id, person)
CREATE INDEX gallery_relations_person ON muster.gallery_relations USING btree (person)

-- table gallery_shards
options {fillfactor=50}
shard smallint not null
owner text
term bigint not null default 0
expires_at timestamp with time zone not null default '-infinity'::timestamp with time zone
constraint gallery_shards_pkey PRIMARY KEY (shard)
constraint gallery_shards_shard_check CHECK (((shard >= 0) AND (shard <= 63)))

-- table gallery_targets
project_id text not null
id text not null
kind text not null
title text not null
base_url text not null
token bytea
legacy_secret bytea
dialect text not null default 'showcase'::text
capabilities jsonb not null default '{"upload": false, "execute": false, "idempotency": false, "explicitUnlike": false}'::jsonb
rps real not null default 10
concurrency smallint not null default 16
quiet_list text[] not null default '{}'::text[]
banned text[] not null default '{}'::text[]
caption_footer text
deprovision_on_delete boolean not null default false
phase_out jsonb
share real not null default 1
acknowledgement jsonb
gate text not null default 'open'::text
gate_until timestamp with time zone
gate_reason text
health jsonb
from_environment boolean not null default false
version integer not null default 1
created_at timestamp with time zone not null default now()
updated_at timestamp with time zone not null default now()
constraint gallery_targets_concurrency_check CHECK (((concurrency >= 1) AND (concurrency <= 256)))
constraint gallery_targets_dialect_check CHECK ((dialect = ANY (ARRAY['showcase'::text, 'gallery-v0'::text])))
constraint gallery_targets_gate_check CHECK ((gate = ANY (ARRAY['open'::text, 'sleeping'::text, 'held'::text, 'tripped'::text])))
constraint gallery_targets_kind_check CHECK ((kind = ANY (ARRAY['sandbox'::text, 'floimg'::text])))
constraint gallery_targets_pkey PRIMARY KEY (project_id, id)
constraint gallery_targets_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id)
constraint gallery_targets_rps_check CHECK ((rps > (0)::double precision))
constraint gallery_targets_share_check CHECK (((share >= (0)::double precision) AND (share <= (1)::double precision)))

-- table gallery_tasks
id text not null
project_id text not null
kind text not null
input jsonb not null
ids text[] not null default '{}'::text[]
total integer not null
done integer not null default 0
changed integer not null default 0
refused jsonb not null default '[]'::jsonb
confirmed boolean
error text
result jsonb
state text not null default 'running'::text
asked_by text not null
created_at timestamp with time zone not null
finished_at timestamp with time zone
constraint gallery_tasks_check CHECK (((state = 'running'::text) = (finished_at IS NULL)))
constraint gallery_tasks_kind_check CHECK ((kind = ANY (ARRAY['bulk'::text, 'seed'::text, 'replay'::text, 'sim'::text])))
constraint gallery_tasks_pkey PRIMARY KEY (id)
constraint gallery_tasks_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id)
constraint gallery_tasks_state_check CHECK ((state = ANY (ARRAY['running'::text, 'done'::text, 'failed'::text])))
CREATE INDEX gallery_tasks_finished ON muster.gallery_tasks USING btree (finished_at) WHERE (finished_at IS NOT NULL)
CREATE INDEX gallery_tasks_project ON muster.gallery_tasks USING btree (project_id, created_at DESC)

-- table idempotency_keys
project_id text not null
route text not null
key text not null
digest text not null
answer bytea
created_at timestamp with time zone not null default now()
expires_at timestamp with time zone not null
constraint idempotency_keys_pkey PRIMARY KEY (project_id, route, key)
constraint idempotency_keys_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id)
CREATE INDEX idempotency_keys_expires_at ON muster.idempotency_keys USING btree (expires_at)

-- table invites
id text not null
secret_hash bytea not null
project_id text not null
role text not null
note text not null default ''::text
created_by text not null
created_at timestamp with time zone not null
expires_at timestamp with time zone not null
used_at timestamp with time zone
used_by text
revoked_at timestamp with time zone
constraint invites_check CHECK (((used_at IS NULL) OR (revoked_at IS NULL)))
constraint invites_note_check CHECK ((length(note) <= 200))
constraint invites_pkey PRIMARY KEY (id)
constraint invites_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE CASCADE
constraint invites_role_check CHECK ((role = ANY (ARRAY['viewer'::text, 'operator'::text, 'admin'::text])))
constraint invites_secret_hash_key UNIQUE (secret_hash)
constraint invites_used_by_fkey FOREIGN KEY (used_by) REFERENCES people(id) ON DELETE SET NULL
CREATE INDEX invites_project ON muster.invites USING btree (project_id, id DESC)

-- table job_payloads
options {autovacuum_vacuum_scale_factor=0.02,autovacuum_vacuum_threshold=1000,autovacuum_vacuum_cost_delay=0,vacuum_truncate=off}
job_id text not null
payload json not null
constraint job_payloads_pkey PRIMARY KEY (job_id)

-- table job_schedules
kind text not null
spec text not null
next_at timestamp with time zone not null
last_due_at timestamp with time zone
constraint job_schedules_pkey PRIMARY KEY (kind)

-- table job_sweeps
name text not null
last_at timestamp with time zone not null
constraint job_sweeps_pkey PRIMARY KEY (name)

-- table jobs
options {fillfactor=80,autovacuum_vacuum_scale_factor=0.01,autovacuum_vacuum_threshold=1000,autovacuum_vacuum_insert_scale_factor=0.05,autovacuum_analyze_scale_factor=0.05,autovacuum_vacuum_cost_delay=0,vacuum_truncate=off}
id text not null
kind text not null
state text not null
priority smallint not null default 0
attempt integer not null default 0
attempts_max integer not null
term integer not null default 0
run_at timestamp with time zone not null
enqueued_at timestamp with time zone not null default now()
claimed_at timestamp with time zone
lease_ms integer
lease_ends_at timestamp with time zone
holder text
unique_key text
project_id text
cancel_reason text
last_error text
constraint jobs_attempts_max_check CHECK (((attempts_max >= 1) AND (attempts_max <= 1000)))
constraint jobs_check CHECK (((state = 'running'::text) = (lease_ends_at IS NOT NULL)))
constraint jobs_check1 CHECK (((state = 'running'::text) = (lease_ms IS NOT NULL)))
constraint jobs_check2 CHECK (((state = 'running'::text) = (holder IS NOT NULL)))
constraint jobs_check3 CHECK (((cancel_reason IS NULL) OR (state = 'running'::text)))
constraint jobs_check4 CHECK ((attempt <= term))
constraint jobs_pkey PRIMARY KEY (id)
constraint jobs_priority_check CHECK (((priority >= '-100'::integer) AND (priority <= 100)))
constraint jobs_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'ready'::text, 'running'::text])))
CREATE INDEX jobs_ready ON muster.jobs USING btree (kind, priority DESC, id) WHERE (state = 'ready'::text)
CREATE INDEX jobs_running ON muster.jobs USING btree (id) WHERE (state = 'running'::text)
CREATE INDEX jobs_waiting ON muster.jobs USING btree (run_at) WHERE (state = 'waiting'::text)
CREATE UNIQUE INDEX jobs_unique ON muster.jobs USING btree (kind, unique_key) WHERE (unique_key IS NOT NULL)

-- table jobs_done
options {autovacuum_vacuum_insert_scale_factor=0.2,autovacuum_vacuum_scale_factor=0.05}
id text not null
kind text not null
outcome text not null
reason text
attempt integer not null
term integer not null
project_id text
enqueued_at timestamp with time zone not null
claimed_at timestamp with time zone
finished_at timestamp with time zone not null default now()
payload json
constraint jobs_done_check CHECK (((outcome = 'done'::text) OR (reason IS NOT NULL)))
constraint jobs_done_check1 CHECK (((payload IS NULL) OR (outcome = 'failed'::text)))
constraint jobs_done_outcome_check CHECK ((outcome = ANY (ARRAY['done'::text, 'cancelled'::text, 'failed'::text])))
constraint jobs_done_pkey PRIMARY KEY (id)
CREATE INDEX jobs_done_age ON muster.jobs_done USING btree (finished_at)
CREATE INDEX jobs_done_kind ON muster.jobs_done USING btree (kind, id DESC) WHERE (outcome <> 'done'::text)

-- table key_hours
options {fillfactor=80}
key_id text not null
hour timestamp with time zone not null
requests bigint not null
failed bigint not null
constraint key_hours_key_id_fkey FOREIGN KEY (key_id) REFERENCES api_keys(id) ON DELETE CASCADE
constraint key_hours_pkey PRIMARY KEY (key_id, hour)
CREATE INDEX key_hours_hour ON muster.key_hours USING btree (hour)

-- table key_requests
id bigint not null generated always as identity
key_id text not null
at timestamp with time zone not null
method text not null
route text not null
status integer not null
ms real not null
address text not null
request_id text not null
constraint key_requests_key_id_fkey FOREIGN KEY (key_id) REFERENCES api_keys(id) ON DELETE CASCADE
constraint key_requests_pkey PRIMARY KEY (id)
CREATE INDEX key_requests_at ON muster.key_requests USING btree (at)
CREATE INDEX key_requests_key ON muster.key_requests USING btree (key_id, id DESC)

-- table legacy_attempts
build_id text not null
term integer not null
otp_hash bytea
otp_expires_at timestamp with time zone
otp_used_at timestamp with time zone
tries smallint not null default 0
tries_since timestamp with time zone not null default now()
vm_hash bytea
vm_until timestamp with time zone
vm_used boolean not null default false
vm_ready_at timestamp with time zone
hb_hash bytea
hb_sealed bytea
saw_heartbeat boolean not null default false
saw_telemetry boolean not null default false
saw_files boolean not null default false
said_monitor boolean not null default false
upload_until timestamp with time zone
constraint legacy_attempts_build_id_fkey FOREIGN KEY (build_id) REFERENCES builds(id) ON DELETE CASCADE
constraint legacy_attempts_check CHECK (((otp_hash IS NULL) = (otp_expires_at IS NULL)))
constraint legacy_attempts_check1 CHECK (((vm_hash IS NULL) = (vm_until IS NULL)))
constraint legacy_attempts_check2 CHECK (((hb_hash IS NULL) = (hb_sealed IS NULL)))
constraint legacy_attempts_pkey PRIMARY KEY (build_id, term)

-- table legacy_worker_tokens
token_hash bytea not null
worker_id text not null
replaced boolean not null default false
created_at timestamp with time zone not null default now()
expires_at timestamp with time zone not null
constraint legacy_worker_tokens_pkey PRIMARY KEY (token_hash)
constraint legacy_worker_tokens_worker_id_fkey FOREIGN KEY (worker_id) REFERENCES workers(id) ON DELETE CASCADE
CREATE INDEX legacy_worker_tokens_worker ON muster.legacy_worker_tokens USING btree (worker_id)

-- table log_consumers
name text not null
shard smallint not null
lsn bigint not null
term bigint not null
constraint log_consumers_pkey PRIMARY KEY (name, shard)

-- table log_cursors
wal_id uuid not null
shard smallint not null
lsn bigint not null
term bigint not null
era_floor bigint
era_reason text
constraint log_cursors_era_reason_check CHECK ((era_reason = ANY (ARRAY['lost'::text, 'restored'::text])))
constraint log_cursors_pkey PRIMARY KEY (wal_id, shard)

-- table memberships
project_id text not null
person_id text not null
role text not null
created_at timestamp with time zone not null
updated_at timestamp with time zone not null
constraint memberships_person_id_fkey FOREIGN KEY (person_id) REFERENCES people(id) ON DELETE CASCADE
constraint memberships_pkey PRIMARY KEY (person_id, project_id)
constraint memberships_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE CASCADE
constraint memberships_role_check CHECK ((role = ANY (ARRAY['viewer'::text, 'operator'::text, 'admin'::text])))
CREATE INDEX memberships_project ON muster.memberships USING btree (project_id, person_id DESC)

-- table meta
key text not null
value jsonb not null
updated_at timestamp with time zone not null default now()
constraint meta_pkey PRIMARY KEY (key)

-- table nodes
node_id text not null
url text not null
state text not null
seen_at timestamp with time zone not null
constraint nodes_pkey PRIMARY KEY (node_id)
constraint nodes_state_check CHECK ((state = ANY (ARRAY['live'::text, 'draining'::text, 'stopped'::text])))

-- table people
id text not null
email text not null
email_verified boolean not null default false
name text not null
image text
installation_admin boolean not null default false
created_at timestamp with time zone not null
updated_at timestamp with time zone not null
constraint people_email_check CHECK (((email = lower(email)) AND ((length(email) >= 3) AND (length(email) <= 254))))
constraint people_email_key UNIQUE (email)
constraint people_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100)))
constraint people_pkey PRIMARY KEY (id)
CREATE INDEX people_installation_admins ON muster.people USING btree (id) WHERE installation_admin

-- table person_credentials
id text not null
person_id text not null
provider text not null
account_id text not null
password text
created_at timestamp with time zone not null
updated_at timestamp with time zone not null
constraint person_credentials_check CHECK (((provider = 'credential'::text) = (password IS NOT NULL)))
constraint person_credentials_person_id_fkey FOREIGN KEY (person_id) REFERENCES people(id) ON DELETE CASCADE
constraint person_credentials_pkey PRIMARY KEY (id)
constraint person_credentials_provider_account_id_key UNIQUE (provider, account_id)
CREATE INDEX person_credentials_person ON muster.person_credentials USING btree (person_id)

-- table prices
version integer not null
rules jsonb not null
created_at timestamp with time zone not null
created_by text not null
constraint prices_pkey PRIMARY KEY (version)
constraint prices_version_check CHECK ((version > 0))

-- table projects
id text not null
name text not null
archived_at timestamp with time zone
created_at timestamp with time zone not null default now()
constraint projects_name_check CHECK (((length(name) >= 1) AND (length(name) <= 64)))
constraint projects_name_key UNIQUE (name)
constraint projects_pkey PRIMARY KEY (id)

-- table queues
project_id text not null
name text not null
paused_at timestamp with time zone
paused_by text
pause_reason text
resumes_at timestamp with time zone
created_at timestamp with time zone not null default now()
constraint queues_check CHECK (((paused_at IS NULL) = (pause_reason IS NULL)))
constraint queues_pkey PRIMARY KEY (project_id, name)
constraint queues_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id)

-- table recovery_codes
person_id text not null
code_hash bytea not null
used_at timestamp with time zone
constraint recovery_codes_person_id_fkey FOREIGN KEY (person_id) REFERENCES second_factors(person_id) ON DELETE CASCADE
constraint recovery_codes_pkey PRIMARY KEY (person_id, code_hash)

-- table run_tokens
secret_hash bytea not null
kind text not null
project_id text not null
worker_id text
build_id text
term bigint
created_at timestamp with time zone not null default now()
expires_at timestamp with time zone
constraint run_tokens_kind_check CHECK ((kind = ANY (ARRAY['wkt'::text, 'bld'::text, 'bot'::text, 'agt'::text])))
constraint run_tokens_pkey PRIMARY KEY (secret_hash)
constraint run_tokens_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id)
CREATE INDEX run_tokens_build ON muster.run_tokens USING btree (build_id, term) WHERE (build_id IS NOT NULL)
CREATE INDEX run_tokens_expiry ON muster.run_tokens USING btree (expires_at) WHERE (expires_at IS NOT NULL)
CREATE INDEX run_tokens_worker ON muster.run_tokens USING btree (worker_id) WHERE (worker_id IS NOT NULL)

-- table sandbox_accounts
id text not null
project_id text not null
username text not null
name text not null
bio text not null default ''::text
is_agent boolean not null
agent_id text
persona_id text
person_id text
quiet boolean not null default false
created_at timestamp with time zone not null
removed_at timestamp with time zone
constraint sandbox_accounts_check CHECK ((is_agent = (agent_id IS NOT NULL)))
constraint sandbox_accounts_check1 CHECK ((is_agent = (person_id IS NULL)))
constraint sandbox_accounts_check2 CHECK ((NOT (is_agent AND quiet)))
constraint sandbox_accounts_pkey PRIMARY KEY (id)
constraint sandbox_accounts_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id)
CREATE INDEX sandbox_accounts_quiet ON muster.sandbox_accounts USING btree (project_id) WHERE quiet
CREATE UNIQUE INDEX sandbox_accounts_agent ON muster.sandbox_accounts USING btree (project_id, agent_id) WHERE (removed_at IS NULL)
CREATE UNIQUE INDEX sandbox_accounts_person ON muster.sandbox_accounts USING btree (project_id, person_id) WHERE (removed_at IS NULL)
CREATE UNIQUE INDEX sandbox_accounts_username ON muster.sandbox_accounts USING btree (project_id, username)

-- table sandbox_comments
id text not null
project_id text not null
item_id text not null
account_id text not null
by_agent boolean not null
content text not null
created_at timestamp with time zone not null
constraint sandbox_comments_account_id_fkey FOREIGN KEY (account_id) REFERENCES sandbox_accounts(id)
constraint sandbox_comments_item_id_fkey FOREIGN KEY (item_id) REFERENCES sandbox_items(id) ON DELETE CASCADE
constraint sandbox_comments_pkey PRIMARY KEY (id)
CREATE INDEX sandbox_comments_account ON muster.sandbox_comments USING btree (account_id)
CREATE INDEX sandbox_comments_item ON muster.sandbox_comments USING btree (item_id, created_at, id)

-- table sandbox_days
options {fillfactor=70}
project_id text not null
day date not null
account_id text not null
is_agent boolean not null
posts integer not null default 0
comments integer not null default 0
likes integer not null default 0
constraint sandbox_days_account_id_fkey FOREIGN KEY (account_id) REFERENCES sandbox_accounts(id)
constraint sandbox_days_pkey PRIMARY KEY (account_id, day)
CREATE INDEX sandbox_days_day ON muster.sandbox_days USING btree (project_id, day, is_agent) INCLUDE (posts, comments, likes)

-- table sandbox_faults
project_id text not null
id text not null
position smallint not null
body jsonb not null
left_over integer
expires_at timestamp with time zone not null
constraint sandbox_faults_pkey PRIMARY KEY (project_id, id)
constraint sandbox_faults_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id)

-- table sandbox_images
id text not null
project_id text not null
account_id text
form text
sha256 text
width integer
height integer
upload_type text
upload_bytes integer
upload_hash bytea
expires_at timestamp with time zone
created_at timestamp with time zone not null
constraint sandbox_images_account_id_fkey FOREIGN KEY (account_id) REFERENCES sandbox_accounts(id)
constraint sandbox_images_check CHECK (((sha256 IS NULL) = (form IS NULL)))
constraint sandbox_images_form_check CHECK ((form = ANY (ARRAY['svg'::text, 'png'::text])))
constraint sandbox_images_pkey PRIMARY KEY (id)
constraint sandbox_images_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id)
constraint sandbox_images_sha256_check CHECK ((length(sha256) = 64))
CREATE INDEX sandbox_images_waiting ON muster.sandbox_images USING btree (expires_at) WHERE (sha256 IS NULL)

-- table sandbox_items
options {fillfactor=80}
id text not null
project_id text not null
account_id text not null
by_agent boolean not null
title text not null
description text not null default ''::text
category text
tags text[] not null default '{}'::text[]
alt text not null default ''::text
image_prompt text not null default ''::text
facts text[] not null default '{}'::text[]
workflow_id text
image_id text not null
human_likes integer not null default 0
bot_likes integer not null default 0
human_comments integer not null default 0
bot_comments integer not null default 0
human_views integer not null default 0
bot_views integer not null default 0
likes integer generated (human_likes + bot_likes)
weight double precision generated ((((human_likes + human_comments))::numeric + (0.25 * ((bot_likes + bot_comments))::numeric)) + (1)::numeric)
created_at timestamp with time zone not null
constraint sandbox_items_account_id_fkey FOREIGN KEY (account_id) REFERENCES sandbox_accounts(id)
constraint sandbox_items_category_check CHECK ((category = ANY (ARRAY['ai-workflows'::text, 'data-viz'::text, 'marketing'::text, 'utilities'::text])))
constraint sandbox_items_image_id_fkey FOREIGN KEY (image_id) REFERENCES sandbox_images(id)
constraint sandbox_items_pkey PRIMARY KEY (id)
constraint sandbox_items_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id)
CREATE INDEX sandbox_items_account ON muster.sandbox_items USING btree (account_id, created_at DESC, id DESC)
CREATE INDEX sandbox_items_image ON muster.sandbox_items USING btree (image_id)
CREATE INDEX sandbox_items_people_popular ON muster.sandbox_items USING btree (project_id, likes DESC, created_at DESC, id DESC) WHERE (NOT by_agent)
CREATE INDEX sandbox_items_people_recent ON muster.sandbox_items USING btree (project_id, created_at DESC, id DESC) WHERE (NOT by_agent)
CREATE INDEX sandbox_items_people_weight ON muster.sandbox_items USING btree (project_id, weight DESC, created_at DESC, id DESC) WHERE (NOT by_agent)
CREATE INDEX sandbox_items_popular ON muster.sandbox_items USING btree (project_id, likes DESC, created_at DESC, id DESC)
CREATE INDEX sandbox_items_recent ON muster.sandbox_items USING btree (project_id, created_at DESC, id DESC)
CREATE INDEX sandbox_items_weight ON muster.sandbox_items USING btree (project_id, weight DESC, created_at DESC, id DESC)

-- table sandbox_keys
account_id text not null
key text not null
digest bytea not null
status smallint not null
body text not null
at timestamp with time zone not null
constraint sandbox_keys_account_id_fkey FOREIGN KEY (account_id) REFERENCES sandbox_accounts(id)
constraint sandbox_keys_pkey PRIMARY KEY (account_id, key)
CREATE INDEX sandbox_keys_at ON muster.sandbox_keys USING btree (at)

-- table sandbox_likes
item_id text not null
account_id text not null
at timestamp with time zone not null
constraint sandbox_likes_account_id_fkey FOREIGN KEY (account_id) REFERENCES sandbox_accounts(id)
constraint sandbox_likes_item_id_fkey FOREIGN KEY (item_id) REFERENCES sandbox_items(id) ON DELETE CASCADE
constraint sandbox_likes_pkey PRIMARY KEY (item_id, account_id)
CREATE INDEX sandbox_likes_account ON muster.sandbox_likes USING btree (account_id)

-- table sandbox_reports
id text not null
project_id text not null
item_id text not null
comment_id text
account_id text not null
reason text not null
created_at timestamp with time zone not null
constraint sandbox_reports_account_id_fkey FOREIGN KEY (account_id) REFERENCES sandbox_accounts(id)
constraint sandbox_reports_comment_id_fkey FOREIGN KEY (comment_id) REFERENCES sandbox_comments(id) ON DELETE CASCADE
constraint sandbox_reports_item_id_fkey FOREIGN KEY (item_id) REFERENCES sandbox_items(id) ON DELETE CASCADE
constraint sandbox_reports_pkey PRIMARY KEY (id)
constraint sandbox_reports_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id)
constraint sandbox_reports_reason_check CHECK ((length(reason) <= 500))
CREATE INDEX sandbox_reports_comment ON muster.sandbox_reports USING btree (comment_id) WHERE (comment_id IS NOT NULL)
CREATE INDEX sandbox_reports_project ON muster.sandbox_reports USING btree (project_id, created_at DESC, id DESC)
CREATE UNIQUE INDEX sandbox_reports_once ON muster.sandbox_reports USING btree (item_id, account_id, COALESCE(comment_id, ''::text))

-- table sandbox_settings
project_id text not null
paused boolean not null default false
fleet_daily_max integer
fleet_monthly_max integer
agent_daily_max integer
agent_monthly_max integer
version integer not null default 1
updated_at timestamp with time zone not null default now()
constraint sandbox_settings_agent_daily_max_check CHECK ((agent_daily_max >= 0))
constraint sandbox_settings_agent_monthly_max_check CHECK ((agent_monthly_max >= 0))
constraint sandbox_settings_fleet_daily_max_check CHECK ((fleet_daily_max >= 0))
constraint sandbox_settings_fleet_monthly_max_check CHECK ((fleet_monthly_max >= 0))
constraint sandbox_settings_pkey PRIMARY KEY (project_id)
constraint sandbox_settings_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id)

-- table saved_views
project_id text not null
id text not null
owner_id text not null
shared boolean not null
name text not null
page text not null
search text not null
updated_at timestamp with time zone not null
constraint saved_views_name_check CHECK (((length(name) >= 1) AND (length(name) <= 80)))
constraint saved_views_page_check CHECK (((length(page) >= 1) AND (length(page) <= 100)))
constraint saved_views_pkey PRIMARY KEY (project_id, id)
constraint saved_views_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE CASCADE
constraint saved_views_search_check CHECK ((length(search) <= 4096))

-- table second_factors
person_id text not null
secret bytea not null
created_at timestamp with time zone not null
confirmed_at timestamp with time zone
last_period bigint not null default 0
constraint second_factors_person_id_fkey FOREIGN KEY (person_id) REFERENCES people(id) ON DELETE CASCADE
constraint second_factors_pkey PRIMARY KEY (person_id)

-- table setup_tokens
secret_hash bytea not null
node text not null
created_at timestamp with time zone not null
expires_at timestamp with time zone not null
constraint setup_tokens_node_key UNIQUE (node)
constraint setup_tokens_pkey PRIMARY KEY (secret_hash)

-- table shards
shard smallint not null
owner text not null
term bigint not null
expires_at timestamp with time zone not null
state text not null
constraint shards_pkey PRIMARY KEY (shard)
constraint shards_state_check CHECK ((state = ANY (ARRAY['owned'::text, 'released'::text])))

-- table sign_in_tries
id bigint not null generated always as identity
address text not null
email_hash bytea not null
at timestamp with time zone not null
constraint sign_in_tries_pkey PRIMARY KEY (id)
CREATE INDEX sign_in_tries_address ON muster.sign_in_tries USING btree (address, at DESC)
CREATE INDEX sign_in_tries_at ON muster.sign_in_tries USING btree (at)

-- table sign_ins
options {fillfactor=80}
id text not null
token_hash text not null
person_id text not null
address text
user_agent text
created_at timestamp with time zone not null
updated_at timestamp with time zone not null
expires_at timestamp with time zone not null
confirmed_at timestamp with time zone not null
constraint sign_ins_person_id_fkey FOREIGN KEY (person_id) REFERENCES people(id) ON DELETE CASCADE
constraint sign_ins_pkey PRIMARY KEY (id)
constraint sign_ins_token_hash_check CHECK ((length(token_hash) = 64))
constraint sign_ins_token_hash_key UNIQUE (token_hash)
CREATE INDEX sign_ins_expiry ON muster.sign_ins USING btree (expires_at)
CREATE INDEX sign_ins_person ON muster.sign_ins USING btree (person_id, id DESC)

-- table stream_bulk_jobs
id text not null
project_id text not null
action text not null
prefix text not null
retention jsonb
dry_run boolean not null
state text not null default 'queued'::text
matched integer not null default 0
changed integer not null default 0
skipped integer not null default 0
cursor text
problems jsonb not null default '[]'::jsonb
requested_by text not null
created_at timestamp with time zone not null default now()
finished_at timestamp with time zone
constraint stream_bulk_jobs_action_check CHECK ((action = ANY (ARRAY['delete'::text, 'close'::text, 'retain'::text])))
constraint stream_bulk_jobs_check CHECK (((action = 'retain'::text) OR (retention IS NULL)))
constraint stream_bulk_jobs_check1 CHECK (((state = ANY (ARRAY['done'::text, 'failed'::text])) = (finished_at IS NOT NULL)))
constraint stream_bulk_jobs_pkey PRIMARY KEY (id)
constraint stream_bulk_jobs_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id)
constraint stream_bulk_jobs_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'done'::text, 'failed'::text])))
CREATE INDEX stream_bulk_jobs_finished ON muster.stream_bulk_jobs USING btree (finished_at) WHERE (finished_at IS NOT NULL)
CREATE INDEX stream_bulk_jobs_unfinished ON muster.stream_bulk_jobs USING btree (project_id) WHERE (finished_at IS NULL)

-- table stream_erasures
stream_no bigint not null
seq bigint not null
instead bytea not null
segment_no bigint not null
erased_lsn bigint not null
at timestamp with time zone not null
constraint stream_erasures_pkey PRIMARY KEY (stream_no, seq)

-- table stream_producers
options {fillfactor=80}
stream_no bigint not null
producer_id text not null
epoch bigint not null
seq bigint not null
last_seq bigint not null
last_count integer not null
at timestamp with time zone not null
constraint stream_producers_pkey PRIMARY KEY (stream_no, producer_id)

-- table stream_settings
project_id text not null
public_read text[] not null default '{}'::text[]
version integer not null default 1
updated_by text not null
updated_at timestamp with time zone not null default now()
constraint stream_settings_pkey PRIMARY KEY (project_id)
constraint stream_settings_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id)

-- table stream_signing_keys
kid text not null
public_x text not null
sealed bytea not null
created_at timestamp with time zone not null default now()
retired_at timestamp with time zone
constraint stream_signing_keys_kid_check CHECK ((kid ~~ 'ds\_%'::text))
constraint stream_signing_keys_pkey PRIMARY KEY (kid)
CREATE UNIQUE INDEX stream_signing_keys_in_use ON muster.stream_signing_keys USING btree ((true)) WHERE (retired_at IS NULL)

-- table stream_superseded
stream_no bigint not null
from_seq bigint not null
to_seq bigint not null
by_seq bigint not null
at timestamp with time zone not null
state text not null default 'kept'::text
constraint stream_superseded_check CHECK (((from_seq <= to_seq) AND (to_seq < by_seq)))
constraint stream_superseded_pkey PRIMARY KEY (stream_no, from_seq)
constraint stream_superseded_state_check CHECK ((state = ANY (ARRAY['kept'::text, 'dropped'::text, 'gone'::text])))
CREATE INDEX stream_superseded_due ON muster.stream_superseded USING btree (at) WHERE (state = 'kept'::text)

-- table streams
options {fillfactor=80,autovacuum_vacuum_scale_factor=0.05}
stream_no bigint not null
project_id text not null
path text not null
shard smallint not null
content_type text not null
eras jsonb not null
first_seq bigint not null
tail_seq bigint not null
bytes bigint not null
closed_at timestamp with time zone
closed_by jsonb
writer_seq text
ttl_seconds bigint
expires_at timestamp with time zone
touched_at timestamp with time zone not null
retention jsonb
fork_of bigint
fork_seq bigint
removed_at timestamp with time zone
created_at timestamp with time zone not null
rows_due boolean not null default false
version integer not null default 1
kept_at timestamp with time zone
kept_cause text
fork jsonb
revision bigint not null default 0
has_superseded boolean not null default false
constraint streams_fork CHECK ((((fork_of IS NULL) = (fork IS NULL)) AND ((fork_of IS NULL) = (fork_seq IS NULL))))
constraint streams_kept_cause CHECK (((kept_at IS NULL) = (kept_cause IS NULL)))
constraint streams_kept_cause_check CHECK ((kept_cause = ANY (ARRAY['deleted'::text, 'expired'::text])))
constraint streams_pkey PRIMARY KEY (stream_no)
constraint streams_ttl CHECK (((ttl_seconds IS NULL) OR (expires_at IS NOT NULL)))
CREATE INDEX streams_aging ON muster.streams USING btree (stream_no) WHERE ((removed_at IS NULL) AND (retention ? 'maxAgeMs'::text))
CREATE INDEX streams_expiring ON muster.streams USING btree (expires_at, stream_no) WHERE ((removed_at IS NULL) AND (kept_at IS NULL) AND (expires_at IS NOT NULL))
CREATE INDEX streams_forks ON muster.streams USING btree (fork_of) WHERE ((removed_at IS NULL) AND (fork_of IS NOT NULL))
CREATE INDEX streams_kept ON muster.streams USING btree (stream_no) WHERE ((kept_at IS NOT NULL) AND (removed_at IS NULL))
CREATE INDEX streams_path ON muster.streams USING btree (project_id, path, removed_at)
CREATE INDEX streams_rows_due ON muster.streams USING btree (stream_no) WHERE rows_due
CREATE INDEX streams_tombstones ON muster.streams USING btree (removed_at) WHERE (removed_at IS NOT NULL)
CREATE UNIQUE INDEX streams_live_path ON muster.streams USING btree (project_id, path) WHERE (removed_at IS NULL)

-- table subscription_links
options {fillfactor=70}
subscription_no bigint not null
project_id text not null
path text not null
explicit boolean not null
glob boolean not null
acked text not null
noticed text not null
wake_offset text
wake_generation bigint
constraint subscription_links_check CHECK ((explicit OR glob))
constraint subscription_links_pkey PRIMARY KEY (subscription_no, path)
constraint subscription_links_subscription_no_fkey FOREIGN KEY (subscription_no) REFERENCES subscriptions(subscription_no) ON DELETE CASCADE
CREATE INDEX subscription_links_stream ON muster.subscription_links USING btree (project_id, path)

-- table subscriptions
options {fillfactor=70}
subscription_no bigint not null generated always as identity
project_id text not null
id text not null
type text not null
pattern text
webhook_url text
wake_stream text
lease_ttl_ms integer not null
description text
config_hash bytea not null
base_url text
created_by text not null
created_at timestamp with time zone not null default now()
links integer not null default 0
overflowed_at timestamp with time zone
state text not null default 'idle'::text
generation bigint not null default 0
wake_id text
woken_at timestamp with time zone
woken_by text
holder text
lease_ends_at timestamp with time zone
failures integer not null default 0
last_error text
next_attempt_at timestamp with time zone
announced bigint
constraint subscriptions_check CHECK (((type = 'webhook'::text) = (webhook_url IS NOT NULL)))
constraint subscriptions_check1 CHECK (((type = 'pull-wake'::text) = (wake_stream IS NOT NULL)))
constraint subscriptions_check2 CHECK (((state = 'idle'::text) = (wake_id IS NULL)))
constraint subscriptions_check3 CHECK (((state = 'leased'::text) = (lease_ends_at IS NOT NULL)))
constraint subscriptions_check4 CHECK (((state = 'leased'::text) = (holder IS NOT NULL)))
constraint subscriptions_id_check CHECK (((octet_length(id) >= 1) AND (octet_length(id) <= 256)))
constraint subscriptions_lease_ttl_ms_check CHECK (((lease_ttl_ms >= 1000) AND (lease_ttl_ms <= 600000)))
constraint subscriptions_links_check CHECK ((links >= 0))
constraint subscriptions_pkey PRIMARY KEY (subscription_no)
constraint subscriptions_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id)
constraint subscriptions_project_id_id_key UNIQUE (project_id, id)
constraint subscriptions_state_check CHECK ((state = ANY (ARRAY['idle'::text, 'waking'::text, 'leased'::text])))
constraint subscriptions_type_check CHECK ((type = ANY (ARRAY['webhook'::text, 'pull-wake'::text])))

-- table usage_entries
options {fillfactor=90,autovacuum_vacuum_scale_factor=0.05,autovacuum_vacuum_insert_scale_factor=0.2}
source text not null
part text not null
project_id text not null
meter text not null
quantity bigint not null
at timestamp with time zone not null
dimensions jsonb not null default '{}'::jsonb
counted boolean not null default false
constraint usage_entries_pkey PRIMARY KEY (source, part)
constraint usage_entries_quantity_check CHECK ((quantity >= 0))
CREATE INDEX usage_entries_age ON muster.usage_entries USING btree (at)
CREATE INDEX usage_entries_open ON muster.usage_entries USING btree (project_id, meter, at) WHERE (NOT counted)

-- table usage_hours
options {fillfactor=80}
project_id text not null
meter text not null
hour timestamp with time zone not null
dimensions jsonb not null default '{}'::jsonb
quantity bigint not null
entries bigint not null
constraint usage_hours_hour_check CHECK ((hour = date_trunc('hour'::text, hour, 'UTC'::text)))
constraint usage_hours_pkey PRIMARY KEY (project_id, meter, hour, dimensions)
CREATE INDEX usage_hours_age ON muster.usage_hours USING btree (hour)

-- table verifications
id text not null
identifier text not null
value text not null
created_at timestamp with time zone not null
updated_at timestamp with time zone not null
expires_at timestamp with time zone not null
constraint verifications_pkey PRIMARY KEY (id)
CREATE INDEX verifications_expiry ON muster.verifications USING btree (expires_at)
CREATE INDEX verifications_identifier ON muster.verifications USING btree (identifier, created_at DESC)

-- table worker_diagnostics
id text not null
worker_id text not null
project_id text not null
status text not null
run_at timestamp with time zone not null
duration_ms integer not null
auto_fixed boolean not null
checks jsonb not null
created_at timestamp with time zone not null default now()
constraint worker_diagnostics_pkey PRIMARY KEY (id)
constraint worker_diagnostics_status_check CHECK ((status = ANY (ARRAY['healthy'::text, 'warning'::text, 'critical'::text])))
constraint worker_diagnostics_worker_id_fkey FOREIGN KEY (worker_id) REFERENCES workers(id)
CREATE INDEX worker_diagnostics_latest ON muster.worker_diagnostics USING btree (worker_id, id DESC)

-- table workers
options {fillfactor=80}
id text not null
project_id text not null
alias text
kind text not null
name text not null
platforms text[] not null
labels jsonb not null default '{}'::jsonb
seats smallint not null
state text not null default 'online'::text
admission text not null default 'open'::text
drain_reason text
drain_exit boolean not null default false
drain_told boolean not null default false
last_seen_at timestamp with time zone not null default now()
offline_after_ms integer not null default 60000
registered_at timestamp with time zone not null default now()
version text not null default ''::text
host jsonb
capabilities jsonb
succeeded integer not null default 0
failed integer not null default 0
lost integer not null default 0
removed_at timestamp with time zone
constraint workers_admission_check CHECK ((admission = ANY (ARRAY['open'::text, 'draining'::text])))
constraint workers_kind_check CHECK ((kind = ANY (ARRAY['v1'::text, 'legacy'::text])))
constraint workers_pkey PRIMARY KEY (id)
constraint workers_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id)
constraint workers_seats_check CHECK (((seats >= 1) AND (seats <= 64)))
constraint workers_state_check CHECK ((state = ANY (ARRAY['online'::text, 'offline'::text])))
CREATE INDEX workers_online ON muster.workers USING btree (id) WHERE ((state = 'online'::text) AND (removed_at IS NULL))
CREATE INDEX workers_project ON muster.workers USING btree (project_id, id) WHERE (removed_at IS NULL)
CREATE UNIQUE INDEX workers_alias ON muster.workers USING btree (project_id, alias) WHERE ((alias IS NOT NULL) AND (removed_at IS NULL))

-- view build_rows
id text
projectId text
version integer
state text
term integer
sig bigint
queue text
platform text
priority smallint
queueSeq bigint
eligibleAt timestamp with time zone
waitCause text
queueDeadlineAt timestamp with time zone
ckey text
keyLimit smallint
keySeat smallint
workerId text
workerSeat smallint
workerName text
avoidWorkerId text
avoidUntil timestamp with time zone
leaseUntil timestamp with time zone
leaseTtlMs integer
runUntil timestamp with time zone
graceUntil timestamp with time zone
stopKnownAt timestamp with time zone
attemptsUsed smallint
attemptsMax smallint
maxRunMs integer
stopReason text
stopDetail text
progress real
phase text
failure jsonb
resultDigest text
submittedAt timestamp with time zone
assignedAt timestamp with time zone
startedAt timestamp with time zone
cancelRequestedAt timestamp with time zone
finishedAt timestamp with time zone
name text
tags jsonb
requires jsonb
notBefore timestamp with time zone
queueDeadlineMs bigint
keyMode text
task text
secretEnvNames text[]
retryOn text[]
expects text
retryOf text
submittedBy text
legacy boolean
sourceBlob text
sourceBytes bigint
sourceSha256 text
sourceFormat text
certsBlob text
certsBytes bigint
inputsRemovedAt timestamp with time zone
outputsRemovedAt timestamp with time zone
 SELECT b.id,
    b.project_id AS "projectId",
    b.version,
    b.state,
    b.term,
    b.sig,
    b.queue,
    b.platform,
    b.priority,
    b.queue_seq AS "queueSeq",
    b.eligible_at AS "eligibleAt",
    b.wait_cause AS "waitCause",
    b.queue_deadline_at AS "queueDeadlineAt",
    b.ckey,
    b.key_limit AS "keyLimit",
    b.key_seat AS "keySeat",
    b.worker_id AS "workerId",
    b.worker_seat AS "workerSeat",
    w.name AS "workerName",
    b.avoid_worker_id AS "avoidWorkerId",
    b.avoid_until AS "avoidUntil",
    b.lease_until AS "leaseUntil",
    b.lease_ttl_ms AS "leaseTtlMs",
    b.run_until AS "runUntil",
    b.grace_until AS "graceUntil",
    b.stop_known_at AS "stopKnownAt",
    b.attempts_used AS "attemptsUsed",
    b.attempts_max AS "attemptsMax",
    b.max_run_ms AS "maxRunMs",
    b.stop_reason AS "stopReason",
    b.stop_detail AS "stopDetail",
    b.progress,
    b.phase,
    b.failure,
    b.result_digest AS "resultDigest",
    b.submitted_at AS "submittedAt",
    b.assigned_at AS "assignedAt",
    b.started_at AS "startedAt",
    b.cancel_requested_at AS "cancelRequestedAt",
    b.finished_at AS "finishedAt",
    s.name,
    s.tags,
    s.requires,
    s.not_before AS "notBefore",
    s.queue_deadline_ms AS "queueDeadlineMs",
    s.key_mode AS "keyMode",
    s.task,
    s.secret_env_names AS "secretEnvNames",
    s.retry_on AS "retryOn",
    s.expects,
    s.retry_of AS "retryOf",
    s.submitted_by AS "submittedBy",
    s.legacy,
    s.source_blob AS "sourceBlob",
    s.source_bytes AS "sourceBytes",
    s.source_sha256 AS "sourceSha256",
    s.source_format AS "sourceFormat",
    s.certs_blob AS "certsBlob",
    s.certs_bytes AS "certsBytes",
    s.inputs_removed_at AS "inputsRemovedAt",
    s.outputs_removed_at AS "outputsRemovedAt"
   FROM ((builds b
     JOIN build_specs s ON ((s.build_id = b.id)))
     LEFT JOIN workers w ON ((w.id = b.worker_id)));

-- view subscription_rows
no bigint
projectId text
id text
type text
pattern text
webhookUrl text
wakeStream text
leaseTtlMs integer
description text
configHash bytea
baseUrl text
createdAt timestamp with time zone
links integer
overflowedAt timestamp with time zone
state text
generation bigint
wakeId text
wokenBy text
holder text
leaseEndsAt timestamp with time zone
leaseOver boolean
failures integer
lastError text
nextAttemptAt timestamp with time zone
resting boolean
 SELECT subscription_no AS no,
    project_id AS "projectId",
    id,
    type,
    pattern,
    webhook_url AS "webhookUrl",
    wake_stream AS "wakeStream",
    lease_ttl_ms AS "leaseTtlMs",
    description,
    config_hash AS "configHash",
    base_url AS "baseUrl",
    created_at AS "createdAt",
    links,
    overflowed_at AS "overflowedAt",
    state,
    generation,
    wake_id AS "wakeId",
    woken_by AS "wokenBy",
    holder,
    lease_ends_at AS "leaseEndsAt",
    COALESCE((lease_ends_at <= now()), false) AS "leaseOver",
    failures,
    last_error AS "lastError",
    next_attempt_at AS "nextAttemptAt",
    COALESCE((next_attempt_at > now()), false) AS resting
   FROM subscriptions;

-- view worker_rows
id text
projectId text
alias text
kind text
name text
platforms text[]
labels jsonb
seats smallint
state text
admission text
drainReason text
drainExit boolean
drainTold boolean
lastSeenAt timestamp with time zone
registeredAt timestamp with time zone
version text
host jsonb
succeeded integer
failed integer
lost integer
held jsonb
diagnostics jsonb
 SELECT id,
    project_id AS "projectId",
    alias,
    kind,
    name,
    platforms,
    labels,
    seats,
    state,
    admission,
    drain_reason AS "drainReason",
    drain_exit AS "drainExit",
    drain_told AS "drainTold",
    last_seen_at AS "lastSeenAt",
    registered_at AS "registeredAt",
    version,
    host,
    succeeded,
    failed,
    lost,
    COALESCE(( SELECT jsonb_agg(jsonb_build_object('buildId', b.id, 'term', b.term, 'state', b.state, 'heard', b.heard, 'stopReason', b.stop_reason, 'stopKnown', (b.stop_known_at IS NOT NULL)) ORDER BY b.id) AS jsonb_agg
           FROM builds b
          WHERE ((b.worker_id = w.id) AND (b.state = ANY (ARRAY['assigned'::text, 'running'::text, 'cancelling'::text])))), '[]'::jsonb) AS held,
    ( SELECT jsonb_build_object('id', d.id, 'status', d.status, 'runAt', to_char((d.run_at AT TIME ZONE 'UTC'::text), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'::text)) AS jsonb_build_object
           FROM worker_diagnostics d
          WHERE (d.worker_id = w.id)
          ORDER BY d.id DESC
         LIMIT 1) AS diagnostics
   FROM workers w
  WHERE (removed_at IS NULL);
