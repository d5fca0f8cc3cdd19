import { type Reader, sql, type Tx } from '#kernel/db';

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
     order by id for update`);
  return found.map((row) => row.id);
}

/** A worker of the project, of any state, that could ever take such a build. */
export async function someWorkerMatches(reader: Reader, key: DemandKey): Promise<boolean> {
  const found = await reader.query(sql`
    -- some_worker_matches: workers_project
    select 1 from workers where project_id = ${key.projectId} and removed_at is null
       and ${key.platform} = any(platforms || array['any']) and ${JSON.stringify(key.requires)}::jsonb <@ labels limit 1`);
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

/** `undefined` when the demand was pruned since it was looked up: look again. */
export async function insertBuild(tx: Tx, build: NewBuild): Promise<{ waitMs: number } | undefined> {
  const [made] = await tx.query<{ waitMs: number }>(sql`
    -- insert_build: demands_pkey
    insert into builds (id, project_id, sig, queue, platform, priority, eligible_at, wait_cause, queue_deadline_at,
                        ckey, key_limit, attempts_max, max_run_ms)
    select ${build.id}::text, d.project_id, d.sig, d.queue, d.platform, ${build.priority}::smallint,
           greatest(now(), ${build.notBefore}::timestamptz),
           case when ${build.notBefore}::timestamptz > now() then 'not_before' end,
           now() + ${build.queueDeadlineMs}::bigint * interval '1 millisecond',
           ${build.ckey}::text, ${build.keyLimit}::smallint, ${build.attemptsMax}::smallint, ${build.maxRunMs}::integer
      from demands d where d.sig = ${build.sig} and d.project_id = ${build.projectId}
    returning (extract(epoch from eligible_at - now()) * 1000)::float8 as "waitMs"`);
  return made;
}

export type NewSpec = {
  buildId: string;
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

export async function insertSpec(tx: Tx, spec: NewSpec): Promise<void> {
  await tx.query(sql`
    -- insert_spec
    insert into build_specs (build_id, name, tags, requires, not_before, queue_deadline_ms, key_mode, task, command, env,
      secret_env, secret_env_names, retry_on, expects, retry_of, submitted_by, access_token_hash, legacy, source_blob,
      source_bytes, source_sha256, source_format, certs_blob, certs_key, certs_bytes, extra_profile)
    values (${spec.buildId}, ${spec.name}, ${JSON.stringify(spec.tags)}::jsonb, ${JSON.stringify(spec.requires)}::jsonb,
      ${spec.notBefore}, ${spec.queueDeadlineMs}, ${spec.keyMode}, ${spec.task}, ${spec.command},
      ${JSON.stringify(spec.env)}::jsonb, ${spec.secretEnv}, ${spec.secretEnvNames}, ${spec.retryOn}, ${spec.expects},
      ${spec.retryOf}, ${spec.submittedBy}, ${spec.accessTokenHash}, ${spec.legacy}, ${spec.sourceBlob},
      ${spec.sourceBytes}, ${spec.sourceSha256}, ${spec.sourceFormat}, ${spec.certsBlob}, ${spec.certsKey},
      ${spec.certsBytes}, ${spec.extraProfile})`);
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
