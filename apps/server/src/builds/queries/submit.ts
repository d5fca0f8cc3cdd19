import { type Reader, type Sent, sql, type Tx } from '#kernel/db';

/* Advisory locks of this room, by class; the second number is a hash of what they guard. */
const demandLock = 7_101;
const queueLock = 7_102;
const keyLock = 7_103;

export type DemandKey = {
  projectId: string;
  queue: string;
  platform: string;
  requires: Readonly<Record<string, string>>;
};

export async function findDemand(reader: Reader, key: DemandKey): Promise<number | undefined> {
  const [found] = await reader.query<{ sig: number }>(sql`
    -- find_demand: demands_project_id_queue_platform_requires_key
    select sig from demands where project_id = ${key.projectId} and queue = ${key.queue}
       and platform = ${key.platform} and requires = ${JSON.stringify(key.requires)}::jsonb`);
  return found?.sig;
}

/** Alone with the demands of a project: waits for submits that read them, and they wait for us. */
export async function lockDemands(tx: Tx, projectId: string): Promise<void> {
  await tx.query(sql`select pg_advisory_xact_lock(${demandLock}, hashtext(${projectId}))`);
}

export async function countDemands(tx: Tx, projectId: string): Promise<number> {
  const [found] = await tx.query<{ n: number }>(sql`
    -- count_demands: demands_project_id_queue_platform_requires_key; at most 256 rows
    select count(*)::int as n from demands where project_id = ${projectId}`);
  return found?.n ?? 0;
}

/**
 * Removes the demand that nobody waits or runs for and that was used longest ago, and its queue when that was its last and
 * nobody paused it. Call under `lockDemands`.
 */
export async function pruneDemand(tx: Tx, projectId: string): Promise<boolean> {
  const gone = await tx.query(sql`
    -- prune_demand: builds_line per demand for the queued, builds_worker_seat for the few that run
    with gone as (
      delete from demands where sig = (
        select d.sig from demands d
         where d.project_id = ${projectId}
           and not exists (select 1 from builds b where b.project_id = d.project_id and b.sig = d.sig and b.state = 'queued')
           and not exists (select 1 from builds b where b.sig = d.sig and b.state in ('assigned', 'running', 'cancelling'))
         order by d.used_at limit 1)
      returning sig, project_id, queue),
    empty as (
      delete from queues q using gone
       where q.project_id = gone.project_id and q.name = gone.queue and q.paused_at is null
         and not exists (select 1 from demands d where d.project_id = q.project_id and d.queue = q.name and d.sig <> gone.sig))
    select sig from gone`);
  return gone.length > 0;
}

/** Which of these are still there. Under the hold of `readLoad` they stay. */
export async function demandsThere(tx: Tx, projectId: string, sigs: readonly number[]): Promise<Set<number>> {
  const rows = await tx.query<{ sig: number }>(sql`
    -- demands_there: demands_pkey
    select sig from demands where sig = any((select ${sigs}::bigint[])::bigint[]) and project_id = ${projectId}`);
  return new Set(rows.map((row) => row.sig));
}

export async function insertDemand(tx: Tx, key: DemandKey): Promise<number> {
  const [made] = await tx.query<{ sig: number }>(sql`
    -- insert_demand: queues_pkey, demands_project_id_queue_platform_requires_key
    with queue as (insert into queues (project_id, name) values (${key.projectId}, ${key.queue}) on conflict do nothing)
    insert into demands (project_id, queue, platform, requires)
    values (${key.projectId}, ${key.queue}, ${key.platform}, ${JSON.stringify(key.requires)}::jsonb)
    on conflict (project_id, queue, platform, requires) do update set used_at = now()
    returning sig`);
  if (!made) throw new Error('invariant broken: an upsert returned no row');
  return made.sig;
}

export type Load = { queued: number; storedBytes: number };

/** What counts against the project's quotas, and a shared hold on its demands until the end of the transaction. */
export async function readLoad(tx: Tx, projectId: string, queuedMax: number): Promise<Load> {
  const [load] = await tx.query<Load>(sql`
    -- read_load: builds_line (counts at most the quota), build_storage_pkey (24 rows)
    select pg_advisory_xact_lock_shared(${demandLock}, hashtext(${projectId})) as held,
           (select count(*)::int from (select 1 from builds where project_id = ${projectId} and state = 'queued'
                                        limit ${queuedMax}) q) as queued,
           (select coalesce(sum(bytes), 0)::bigint from build_storage where project_id = ${projectId}) as "storedBytes"`);
  return load ?? { queued: 0, storedBytes: 0 };
}

/** The same without a lock, for an early word before a body is read. */
export async function peekLoad(reader: Reader, projectId: string, queuedMax: number): Promise<Load> {
  const [load] = await reader.query<Load>(sql`
    -- peek_load: builds_line (counts at most the quota), build_storage_pkey (24 rows)
    select (select count(*)::int from (select 1 from builds where project_id = ${projectId} and state = 'queued'
                                        limit ${queuedMax}) q) as queued,
           (select coalesce(sum(bytes), 0)::bigint from build_storage where project_id = ${projectId}) as "storedBytes"`);
  return load ?? { queued: 0, storedBytes: 0 };
}

/** One submit of the project at a time from here on; taken only near a quota. */
export async function lockQuota(tx: Tx, projectId: string): Promise<void> {
  await tx.query(sql`select pg_advisory_xact_lock(${queueLock}, hashtext(${projectId}))`);
}

/** One submit per concurrency key at a time: what is older and how many wait must not change under it. */
export async function lockKey(tx: Tx, projectId: string, key: string): Promise<void> {
  await tx.query(sql`select pg_advisory_xact_lock(${keyLock}, hashtext(${`${projectId} ${key}`}))`);
}

export async function countKeyBacklog(reader: Reader, projectId: string, key: string): Promise<number> {
  const [found] = await reader.query<{ n: number }>(sql`
    -- count_key_backlog: builds_key_line
    select count(*)::int as n from builds
     where project_id = ${projectId} and ckey = ${key} and state = 'queued'`);
  return found?.n ?? 0;
}

/** Every unfinished build of the key, locked in id order as every multi-row lock of this room. */
export async function lockUnfinishedOfKey(tx: Tx, projectId: string, key: string): Promise<string[]> {
  const found = await tx.query<{ id: string }>(sql`
    -- lock_unfinished_of_key: builds_key_line (its states stand here word for word, or it is not used)
    select id from builds
     where project_id = ${projectId} and ckey = ${key} and state in ('queued', 'assigned', 'running', 'cancelling')
     order by id for no key update`);
  return found.map((row) => row.id);
}

/** A worker of the project, of any state, that could ever take such a build. */
export async function someWorkerMatches(reader: Reader, key: DemandKey): Promise<boolean> {
  const found = await reader.query(sql`
    -- some_worker_matches: workers_project
    select 1 from workers where project_id = ${key.projectId} and removed_at is null
       and ${key.platform} = any(platforms || case kind when 'legacy' then '{}'::text[] else '{any}' end) and ${JSON.stringify(key.requires)}::jsonb <@ labels limit 1`);
  return found.length > 0;
}

export type NewBuild = DemandKey & {
  id: string;
  sig: number;
  priority: number;
  notBefore: string | null;
  queueDeadlineMs: number | null;
  ckey: string | null;
  keyLimit: number | null;
  attemptsMax: number;
  maxRunMs: number;
};

export type NewSpec = {
  name: string | null;
  tags: Readonly<Record<string, string>>;
  requires: Readonly<Record<string, string>>;
  notBefore: string | null;
  queueDeadlineMs: number | null;
  keyMode: string | null;
  task: string | null;
  command: string | null;
  env: Readonly<Record<string, string>>;
  secretEnv: Uint8Array | null;
  secretEnvNames: readonly string[];
  retryOn: readonly string[];
  expects: string;
  retryOf: string | null;
  submittedBy: string;
  accessTokenHash: Uint8Array;
  legacy: boolean;
  sourceBlob: string;
  sourceBytes: number;
  sourceSha256: string;
  sourceFormat: string;
  certsBlob: string | null;
  certsKey: Uint8Array | null;
  certsBytes: number | null;
  extraProfile: Uint8Array | null;
};

/**
 * Builds with their specs, in the order of the list, together with the transaction's next statement or its commit. The
 * caller knows that their demands are there. Those numbers stand beside the join because the planner takes a JSON list for
 * a hundred rows.
 */
export function insertBuilds(
  tx: Tx,
  builds: readonly { build: NewBuild; spec: NewSpec }[],
): Sent<{ id: string; waitMs: number }> {
  const rows = builds.map(({ build, spec }) => ({ ...inText(spec), ...build }));
  return tx.send(sql`
    -- insert_builds: demands_pkey
    with asked as materialized (
      select * from rows from (jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as (
        id text, sig bigint, "projectId" text, priority smallint, "notBefore" timestamptz, "queueDeadlineMs" bigint, ckey text,
        "keyLimit" smallint, "attemptsMax" smallint, "maxRunMs" int, name text, tags jsonb, requires jsonb, "keyMode" text,
        task text, command text, env jsonb, "secretEnv" text, "secretEnvNames" text[], "retryOn" text[], expects text,
        "retryOf" text, "submittedBy" text, "accessTokenHash" text, legacy boolean, "sourceBlob" text, "sourceBytes" bigint,
        "sourceSha256" text, "sourceFormat" text, "certsBlob" text, "certsKey" text, "certsBytes" bigint, "extraProfile" text))
      with ordinality a(id, sig, project_id, priority, not_before, queue_deadline_ms, ckey, key_limit, attempts_max, max_run_ms,
        name, tags, requires, key_mode, task, command, env, secret_env, secret_env_names, retry_on, expects, retry_of,
        submitted_by, access_token_hash, legacy, source_blob, source_bytes, source_sha256, source_format, certs_blob, certs_key,
        certs_bytes, extra_profile, n)
    ),
    made as (
      insert into builds (id, project_id, sig, queue, platform, priority, eligible_at, wait_cause, queue_deadline_at,
                          ckey, key_limit, attempts_max, max_run_ms)
      select a.id, d.project_id, d.sig, d.queue, d.platform, a.priority, greatest(now(), a.not_before),
             case when a.not_before > now() then 'not_before' end,
             now() + a.queue_deadline_ms * interval '1 millisecond', a.ckey, a.key_limit, a.attempts_max, a.max_run_ms
        from asked a join demands d on d.sig = a.sig and d.project_id = a.project_id
       where d.sig = any((select ${builds.map(({ build }) => build.sig)}::bigint[])::bigint[])
       order by a.n
      returning id, eligible_at
    ),
    specs as (
      insert into build_specs (build_id, name, tags, requires, not_before, queue_deadline_ms, key_mode, task, command, env,
        secret_env, secret_env_names, retry_on, expects, retry_of, submitted_by, access_token_hash, legacy, source_blob,
        source_bytes, source_sha256, source_format, certs_blob, certs_key, certs_bytes, extra_profile)
      select a.id, a.name, a.tags, a.requires, a.not_before, a.queue_deadline_ms, a.key_mode, a.task, a.command, a.env,
        decode(a.secret_env, 'base64'), a.secret_env_names, a.retry_on, a.expects, a.retry_of, a.submitted_by,
        decode(a.access_token_hash, 'base64'), a.legacy, a.source_blob, a.source_bytes, a.source_sha256, a.source_format,
        a.certs_blob, decode(a.certs_key, 'base64'), a.certs_bytes, decode(a.extra_profile, 'base64')
        from asked a join made on made.id = a.id
    )
    select id, (extract(epoch from eligible_at - now()) * 1000)::float8 as "waitMs" from made`);
}

/** Bytes travel as base64 inside the list. */
function inText({ secretEnv, accessTokenHash, certsKey, extraProfile, ...spec }: NewSpec): object {
  const base64 = (bytes: Uint8Array | null): string | null => bytes && Buffer.from(bytes).toString('base64');
  return {
    ...spec,
    secretEnv: base64(secretEnv),
    accessTokenHash: base64(accessTokenHash),
    certsKey: base64(certsKey),
    extraProfile: base64(extraProfile),
  };
}

export type SharedInputs = {
  state: string;
  sourceBlob: string;
  sourceBytes: number;
  sourceSha256: string;
  sourceFormat: 'zip' | 'tar.gz' | 'tar.zst';
  certsBlob: string | null;
  certsBytes: number | null;
  certsKey: Buffer | null;
  extraProfile: Buffer | null;
  removed: boolean;
};

/** The files of a build to share. The row stays locked, so that retention cannot take them before the new build commits. */
export async function lockInputs(tx: Tx, projectId: string, buildId: string): Promise<SharedInputs | undefined> {
  const [found] = await tx.query<SharedInputs>(sql`
    -- lock_inputs: build_specs_pkey, builds_pkey
    select b.state, s.source_blob as "sourceBlob", s.source_bytes as "sourceBytes", s.source_sha256 as "sourceSha256",
           s.source_format as "sourceFormat", s.certs_blob as "certsBlob", s.certs_bytes as "certsBytes",
           s.certs_key as "certsKey", s.extra_profile as "extraProfile", s.inputs_removed_at is not null as removed
      from build_specs s join builds b on b.id = s.build_id
     where s.build_id = ${buildId} and b.project_id = ${projectId} for share of s`);
  return found;
}

export type SharedSource = {
  id: string;
  blob: string;
  bytes: number;
  sha256: string;
  format: 'zip' | 'tar.gz' | 'tar.zst';
  removed: boolean;
};

/**
 * The sources of these builds of the project. Their rows stay locked, in id order, as by `lockInputs`. The project is
 * asked for build by build, so that no plan walks all of its builds.
 */
export async function lockSources(tx: Tx, projectId: string, buildIds: readonly string[]): Promise<SharedSource[]> {
  return await tx.query<SharedSource>(sql`
    -- lock_sources: build_specs_pkey, builds_pkey
    select s.build_id as id, s.source_blob as blob, s.source_bytes as bytes, s.source_sha256 as sha256,
           s.source_format as format, s.inputs_removed_at is not null as removed
      from build_specs s
     where s.build_id = any((select ${buildIds}::text[])::text[])
       and (select b.project_id from builds b where b.id = s.build_id) = ${projectId} order by s.build_id for share of s`);
}
