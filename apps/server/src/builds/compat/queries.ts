import type { BuildState, Platform } from '@muster/protocol';
import { type Reader, sql, type Tx } from '#kernel/db';

/* Rows only the old clients have (migration 0006), and the lists in their shape. */

export type LegacyWorker = { id: string; projectId: string; alias: string | null; name: string; kind: 'v1' | 'legacy' };

/** A worker by our id or by the one it chose for itself. */
export async function findWorker(reader: Reader, projectId: string, name: string): Promise<LegacyWorker | undefined> {
  const [row] = await reader.query<LegacyWorker>(sql`
    -- find_legacy_worker: workers_pkey, workers_alias
    select id, project_id as "projectId", alias, name, kind from workers
    where project_id = ${projectId} and removed_at is null and (id = ${name} or alias = ${name})
    order by (id = ${name}) desc limit 1`);
  return row;
}

export const workerTokenMs = { life: 90_000, renewBelow: 30_000, overlap: 60_000 };

export async function insertWorkerToken(tx: Tx, workerId: string, hash: Buffer): Promise<void> {
  await tx.query(sql`
    -- insert_worker_token: no look-up
    insert into legacy_worker_tokens (token_hash, worker_id, expires_at)
    values (${hash}, ${workerId}, now() + ${workerTokenMs.life} * interval '1 ms')`);
}

/**
 * The worker of a token that is good now: its 90 s run, or it is the present one and its worker holds a build or ended one
 * less than 90 s ago. `leftMs` says how much of the 90 s is left.
 */
export async function findWorkerByToken(
  reader: Reader,
  hash: Buffer,
): Promise<(LegacyWorker & { leftMs: number }) | undefined> {
  const [row] = await reader.query<LegacyWorker & { leftMs: number }>(sql`
    -- find_worker_by_token: legacy_worker_tokens_pkey, workers_pkey, builds_worker_seat, build_attempts_worker
    select w.id, w.project_id as "projectId", w.alias, w.name, w.kind,
           (extract(epoch from t.expires_at - now()) * 1000)::float8 as "leftMs"
    from legacy_worker_tokens t join workers w on w.id = t.worker_id
    where t.token_hash = ${hash} and w.removed_at is null and (t.expires_at > now() or not t.replaced and (
      exists (select 1 from builds b where b.worker_id = w.id and b.state in ('assigned', 'running', 'cancelling'))
      or exists (select 1 from build_attempts a where a.worker_id = w.id
                 and a.ended_at > now() - ${workerTokenMs.life} * interval '1 ms')))`);
  return row;
}

/** The 90 s begin again. */
export async function slideWorkerToken(tx: Tx, hash: Buffer): Promise<void> {
  await tx.query(sql`
    -- slide_worker_token: legacy_worker_tokens_pkey
    update legacy_worker_tokens set expires_at = now() + ${workerTokenMs.life} * interval '1 ms'
    where token_hash = ${hash} and not replaced`);
}

/** Ends other tokens of the worker: at once, or after the minute a lost answer needs. */
export async function replaceWorkerTokens(tx: Tx, workerId: string, overlapMs: number): Promise<void> {
  await tx.query(sql`
    -- replace_worker_tokens: legacy_worker_tokens_worker
    update legacy_worker_tokens set replaced = true,
      expires_at = case when replaced then least(expires_at, now() + ${overlapMs} * interval '1 ms')
                        else now() + ${overlapMs} * interval '1 ms' end
    where worker_id = ${workerId}`);
}

/** Forgets tokens of the worker that were replaced and are over. */
export async function dropOldWorkerTokens(tx: Tx, workerId: string): Promise<void> {
  await tx.query(sql`
    -- drop_old_worker_tokens: legacy_worker_tokens_worker
    delete from legacy_worker_tokens where worker_id = ${workerId} and replaced and expires_at < now()`);
}

/** A new one-time password for the attempt; the one before is void. */
export async function setOtp(tx: Tx, build: { id: string; term: number }, hash: Buffer, lifeMs: number): Promise<void> {
  await tx.query(sql`
    -- set_otp: legacy_attempts_pkey
    insert into legacy_attempts (build_id, term, otp_hash, otp_expires_at)
    values (${build.id}, ${build.term}, ${hash}, now() + ${lifeMs} * interval '1 ms')
    on conflict (build_id, term) do update set
      otp_hash = excluded.otp_hash, otp_expires_at = excluded.otp_expires_at, otp_used_at = null`);
}

export type OtpRow = {
  tries: number;
  matches: boolean;
  set: boolean;
  expired: boolean;
  used: boolean;
  /** Used less than a minute ago, and the token it gave was never shown. */
  again: boolean;
};

/** Counts a try and tells how this password stands. */
export async function tryOtp(tx: Tx, build: { id: string; term: number }, hash: Buffer): Promise<OtpRow | undefined> {
  const [row] = await tx.query<OtpRow>(sql`
    -- try_otp: legacy_attempts_pkey
    update legacy_attempts set
      tries = case when tries_since > now() - interval '1 minute' then least(tries + 1, 1000) else 1 end,
      tries_since = case when tries_since > now() - interval '1 minute' then tries_since else now() end
    where build_id = ${build.id} and term = ${build.term}
    returning tries, coalesce(otp_hash = ${hash}, false) as matches, otp_hash is not null as set,
              coalesce(otp_expires_at <= now(), false) as expired, otp_used_at is not null as used,
              coalesce(otp_used_at > now() - interval '1 minute' and not vm_used, false) as again`);
  return row;
}

/** Marks the password used and stores the VM's token; the one it may have given before is void. */
export async function setVmToken(
  tx: Tx,
  build: { id: string; term: number },
  hash: Buffer,
  lifeMs: number,
): Promise<Date> {
  const [row] = await tx.query<{ until: Date }>(sql`
    -- set_vm_token: legacy_attempts_pkey
    update legacy_attempts set otp_used_at = now(), vm_hash = ${hash}, vm_used = false,
      vm_until = now() + ${lifeMs} * interval '1 ms'
    where build_id = ${build.id} and term = ${build.term} returning vm_until as until`);
  if (!row) throw new Error('invariant broken: a password was tried without its row');
  return row.until;
}

/** The attempt a VM's token, or a heartbeat token, belongs to. */
export type VmRow = {
  term: number;
  /** The full token, not the one for heartbeats. */
  whole: boolean;
  fresh: boolean;
  used: boolean;
  presentTerm: number;
  state: BuildState;
  workerId: string | null;
  projectId: string;
  endedRecently: boolean;
};

export async function findVm(reader: Reader, buildId: string, hash: Buffer): Promise<VmRow | undefined> {
  const [row] = await reader.query<VmRow>(sql`
    -- find_vm: legacy_attempts_pkey (few attempts per build), builds_pkey
    select l.term, coalesce(l.vm_hash = ${hash}, false) as whole, coalesce(l.vm_until > now(), true) as fresh,
           l.vm_used as used, b.term as "presentTerm", b.state, b.worker_id as "workerId", b.project_id as "projectId",
           coalesce(b.finished_at > now() - interval '1 minute', false) as "endedRecently"
    from legacy_attempts l join builds b on b.id = l.build_id
    where l.build_id = ${buildId} and (l.vm_hash = ${hash} or l.hb_hash = ${hash}) order by l.term desc limit 1`);
  return row;
}

export async function setVmUsed(tx: Tx, buildId: string, term: number): Promise<void> {
  await tx.query(sql`
    -- set_vm_used: legacy_attempts_pkey
    update legacy_attempts set vm_used = true where build_id = ${buildId} and term = ${term} and not vm_used`);
}

/** The VM is up. `first` only the first time; the heartbeat token of that time stays. */
export async function setVmReady(
  tx: Tx,
  build: { id: string; term: number },
  heartbeat: { hash: Buffer; sealed: Uint8Array },
): Promise<{ readyAt: Date; first: boolean }> {
  const [row] = await tx.query<{ readyAt: Date; first: boolean }>(sql`
    -- set_vm_ready: legacy_attempts_pkey
    with before as (select vm_ready_at from legacy_attempts where build_id = ${build.id} and term = ${build.term} for update)
    update legacy_attempts l set vm_ready_at = coalesce(l.vm_ready_at, now()),
      hb_hash = coalesce(l.hb_hash, ${heartbeat.hash}), hb_sealed = coalesce(l.hb_sealed, ${heartbeat.sealed})
    from before where l.build_id = ${build.id} and l.term = ${build.term}
    returning l.vm_ready_at as "readyAt", before.vm_ready_at is null as first`);
  if (!row) throw new Error('invariant broken: a VM has a token and no row');
  return row;
}

export async function readVmStatus(
  reader: Reader,
  buildId: string,
): Promise<{ state: BuildState; readyAt: Date | null; sealed: Buffer | null } | undefined> {
  const [row] = await reader.query<{ state: BuildState; readyAt: Date | null; sealed: Buffer | null }>(sql`
    -- read_vm_status: builds_pkey, legacy_attempts_pkey
    select b.state, l.vm_ready_at as "readyAt", l.hb_sealed as sealed
    from builds b left join legacy_attempts l on l.build_id = b.id and l.term = b.term where b.id = ${buildId}`);
  return row;
}

export type Sign = 'heartbeat' | 'telemetry' | 'files' | 'other';
export type Signs = { heartbeat: boolean; telemetry: boolean; files: boolean; uploadMs: number; monitorSaid: boolean };

/** Notes what the attempt has sent and tells all it has sent so far; `monitorSaid` as it was before. */
export async function noteSign(
  tx: Tx,
  build: { id: string; term: number },
  sign: Sign,
  more: { uploadMs?: number | undefined; monitor?: boolean } = {},
): Promise<Signs> {
  const upload = more.uploadMs ?? null;
  const [row] = await tx.query<Signs>(sql`
    -- note_sign: legacy_attempts_pkey
    with before as (select said_monitor from legacy_attempts where build_id = ${build.id} and term = ${build.term})
    insert into legacy_attempts as l (build_id, term, saw_heartbeat, saw_telemetry, saw_files, said_monitor, upload_until)
    values (${build.id}, ${build.term}, ${sign === 'heartbeat'}, ${sign === 'telemetry'}, ${sign === 'files'},
            ${more.monitor ?? false}, now() + ${upload}::float8 * interval '1 ms')
    on conflict (build_id, term) do update set
      saw_heartbeat = l.saw_heartbeat or excluded.saw_heartbeat, saw_telemetry = l.saw_telemetry or excluded.saw_telemetry,
      saw_files = l.saw_files or excluded.saw_files, said_monitor = l.said_monitor or excluded.said_monitor,
      upload_until = coalesce(excluded.upload_until, l.upload_until)
    returning l.saw_heartbeat as heartbeat, l.saw_telemetry as telemetry, l.saw_files as files,
      coalesce((select said_monitor from before), false) as "monitorSaid",
      greatest(0, coalesce(extract(epoch from l.upload_until - now()) * 1000, 0))::float8 as "uploadMs"`);
  if (!row) throw new Error('invariant broken: an upsert gave no row');
  return row;
}

/** The upload of a result is over. */
export async function endUpload(tx: Tx, build: { id: string; term: number }): Promise<void> {
  await tx.query(sql`
    -- end_upload: legacy_attempts_pkey
    update legacy_attempts set upload_until = null where build_id = ${build.id} and term = ${build.term}`);
}

/** The build a worker holds, the oldest first when a worker of the new API has several. */
export async function findHeld(
  reader: Reader,
  workerId: string,
): Promise<{ id: string; state: BuildState; term: number } | undefined> {
  const [row] = await reader.query<{ id: string; state: BuildState; term: number }>(sql`
    -- find_held: builds_worker_seat
    select id, state, term from builds
    where worker_id = ${workerId} and state in ('assigned', 'running', 'cancelling') order by worker_seat limit 1`);
  return row;
}

export type ListedBuild = {
  id: string;
  state: BuildState;
  platform: Platform;
  workerId: string | null;
  workerName: string | null;
  submittedAt: Date;
  assignedAt: Date | null;
  startedAt: Date | null;
  finishedAt: Date | null;
  failureText: string | null;
  hasResult: boolean;
};

export type ListFilter = {
  states: readonly BuildState[] | null;
  workerId: string | null;
  platform: string | null;
  id?: string;
  limit: number;
};

/** Builds in the old list's shape, newest first, with how many match in all. */
export async function listBuilds(reader: Reader, projectId: string, filter: ListFilter): Promise<ListedBuild[]> {
  return reader.query<ListedBuild>(sql`
    -- list_legacy_builds: builds_newest or builds_by_state; workers_pkey, build_artifacts_build_id_term_name_key per row
    select b.id, b.state, b.platform, coalesce(w.alias, b.worker_id) as "workerId", w.name as "workerName",
           b.submitted_at as "submittedAt", b.assigned_at as "assignedAt", b.started_at as "startedAt",
           b.finished_at as "finishedAt", b.failure ->> 'detail' as "failureText",
           (b.state = 'succeeded' and exists (select 1 from build_artifacts a
             where a.build_id = b.id and a.removed_at is null)) as "hasResult"
    from builds b left join workers w on w.id = b.worker_id
    where b.project_id = ${projectId}
      and (${filter.id ?? null}::text is null or b.id = ${filter.id ?? null})
      and (${filter.states}::text[] is null or b.state = any(${filter.states}::text[]))
      and (${filter.workerId}::text is null or b.worker_id = ${filter.workerId})
      and (${filter.platform}::text is null or b.platform = ${filter.platform})
    order by b.id desc limit ${filter.limit}`);
}

export async function countBuilds(reader: Reader, projectId: string, filter: ListFilter): Promise<number> {
  const [row] = await reader.query<{ count: number }>(sql`
    -- count_legacy_builds: builds_newest or builds_by_state
    select count(*) as count from builds b where b.project_id = ${projectId}
      and (${filter.states}::text[] is null or b.state = any(${filter.states}::text[]))
      and (${filter.workerId}::text is null or b.worker_id = ${filter.workerId})
      and (${filter.platform}::text is null or b.platform = ${filter.platform})`);
  return row?.count ?? 0;
}

export async function countStates(reader: Reader, projectId: string): Promise<Map<BuildState, number>> {
  const rows = await reader.query<{ state: BuildState; count: number }>(sql`
    -- count_states: builds_by_state
    select state, count(*) as count from builds where project_id = ${projectId} group by state`);
  return new Map(rows.map((row) => [row.state, row.count]));
}

export type PublicStats = {
  nodesOnline: number;
  buildsQueued: number;
  activeBuilds: number;
  buildsToday: number;
  totalBuilds: number;
  totalBuildTimeMs: number;
  totalCpuCycles: number;
};

/**
 * Measured over all projects. `buildsToday` = finished since midnight UTC. Clock rates are not known to us, so
 * `totalCpuCycles` counts what was measured: milliseconds of one busy core.
 */
export async function readPublicStats(reader: Reader): Promise<PublicStats> {
  const [row] = await reader.query<PublicStats>(sql`
    -- read_public_stats: whole tables, at most once in 10 s
    select (select count(*) from workers where state = 'online' and removed_at is null)::float8 as "nodesOnline",
      (select count(*) from builds where state = 'queued')::float8 as "buildsQueued",
      (select count(*) from builds where state in ('assigned', 'running', 'cancelling'))::float8 as "activeBuilds",
      (select count(*) from builds where finished_at >= date_trunc('day', now() at time zone 'utc') at time zone 'utc')::float8 as "buildsToday",
      (select count(*) from builds)::float8 as "totalBuilds",
      (select coalesce(sum(worker_ms), 0) from build_attempts)::float8 as "totalBuildTimeMs",
      round((select coalesce(sum(m.cpu / 100 * m.ms), 0)
        from (select (select avg(cpu_percent) from build_telemetry t where t.build_id = a.build_id) as cpu, sum(a.worker_ms) as ms
              from build_attempts a where exists (select 1 from build_telemetry t where t.build_id = a.build_id)
              group by a.build_id) m)::numeric)::float8 as "totalCpuCycles"`);
  if (!row) throw new Error('invariant broken: a query of counts gave no row');
  return row;
}

export type WorkerStats = {
  name: string;
  succeeded: number;
  failed: number;
  state: 'online' | 'offline';
  held: number;
  uptimeSeconds: number;
};

export async function readWorkerStats(reader: Reader, workerId: string): Promise<WorkerStats | undefined> {
  const [row] = await reader.query<WorkerStats>(sql`
    -- read_worker_stats: workers_pkey, builds_worker_seat
    select w.name, w.succeeded, w.failed, w.state, extract(epoch from now() - w.registered_at)::float8 as "uptimeSeconds",
      (select count(*) from builds b where b.worker_id = w.id and b.state in ('assigned', 'running', 'cancelling'))::integer as held
    from workers w where w.id = ${workerId}`);
  return row;
}

/** Which artifact a download of the build gives. */
export async function setPrimaryResult(tx: Tx, buildId: string, term: number, name: string): Promise<void> {
  await tx.query(sql`
    -- set_primary_result: build_artifacts_build_id_term_name_key
    update build_artifacts set is_primary = true where build_id = ${buildId} and term = ${term} and name = ${name}`);
}
