import {
  type BuildState,
  buildTable,
  type Failure,
  type Platform,
  type StopReason,
  statesAllowing,
  statesLeavingBy,
} from '@muster/protocol';
import { type Reader, sql, type Tx } from '#kernel/db';

/** A build under its row lock, with what decides how its attempt may end. */
export type HeldRow = {
  id: string;
  projectId: string;
  state: BuildState;
  term: number;
  sig: number;
  queue: string;
  platform: Platform;
  ckey: string | null;
  workerId: string | null;
  workerName: string | null;
  /** The holder of this term gave a sign of life. */
  heard: boolean;
  attemptsUsed: number;
  attemptsMax: number;
  retryOn: ('user' | 'host' | 'system')[];
  expects: 'artifact' | 'nothing';
  stopReason: StopReason | null;
  stopDetail: string | null;
  failure: Failure | null;
  resultDigest: string | null;
};

/** In id order, so that two batches never wait for each other. */
export async function lockBuilds(tx: Tx, ids: readonly string[]): Promise<HeldRow[]> {
  return await tx.query<HeldRow>(sql`
    -- lock_builds: builds_pkey, build_specs_pkey, workers_pkey
    select b.id, b.project_id as "projectId", b.state, b.term, b.sig, b.queue, b.platform, b.ckey, b.worker_id as "workerId",
      w.name as "workerName", b.heard, b.attempts_used as "attemptsUsed", b.attempts_max as "attemptsMax",
      s.retry_on as "retryOn", s.expects, b.stop_reason as "stopReason", b.stop_detail as "stopDetail", b.failure,
      b.result_digest as "resultDigest"
    from builds b join build_specs s on s.build_id = b.id left join workers w on w.id = b.worker_id
    where b.id = any((select ${ids}::text[])::text[]) order by b.id for no key update of b`);
}

/** How one attempt ends, and where it leaves its build. */
export type Ending = {
  id: string;
  term: number;
  workerId: string;
  state: 'queued' | 'succeeded' | 'failed' | 'cancelled';
  /** Of the build, when it failed. */
  failure: Failure | null;
  outcome: 'succeeded' | 'failed' | 'cancelled' | 'lost' | 'abandoned';
  attemptFailure: Failure | null;
  /** Whether it counts against `attemptsMax`. */
  counts: boolean;
  /** Not eligible again before so long. */
  afterMs: number;
  /** The worker is skipped for a while. */
  avoid: boolean;
  digest: string | null;
  exitCode: number | null;
};

/**
 * Ends attempts: build, attempt and the worker's counters in one statement. Answers those that passed the guard. The ids
 * stand beside the join because the planner takes the rows of a JSON list for a hundred, and would read small tables whole.
 */
export async function endAttempts(
  tx: Tx,
  endings: readonly (Ending & { /** The guard, from the transition table. */ allowed: readonly BuildState[] })[],
  avoidMs: number,
): Promise<{ id: string; workerMs: number | null /** The worker takes no more builds. */; draining: boolean }[]> {
  const ids = endings.map((ending) => ending.id);
  return await tx.query(sql`
    -- end_attempts: builds_pkey, build_attempts_pkey, workers_pkey
    with c as materialized (
      select * from jsonb_to_recordset(${JSON.stringify(endings)}::jsonb) as c(id text, term int, "workerId" text, state text,
        failure jsonb, outcome text, "attemptFailure" jsonb, counts boolean, "afterMs" int, avoid boolean, digest text,
        "exitCode" int, allowed text[])
    ),
    ended as (
      update builds b set
        state = c.state, version = b.version + 1, worker_seat = null, key_seat = null, lease_until = null, lease_ttl_ms = null,
        run_until = null, grace_until = null, phase = null, result_digest = c.digest,
        failure = case when c.state = 'failed' then c.failure end,
        finished_at = case when c.state <> 'queued' then now() end,
        worker_id = case when c.state <> 'queued' then b.worker_id end,
        assigned_at = case when c.state <> 'queued' then b.assigned_at end,
        started_at = case when c.state <> 'queued' then b.started_at end,
        progress = case when c.state = 'succeeded' then 100 when c.state <> 'queued' then b.progress end,
        attempts_used = b.attempts_used - case when c.counts then 0 else 1 end,
        avoid_worker_id = case when c.avoid then b.worker_id end,
        avoid_until = case when c.avoid then now() + make_interval(secs => ${avoidMs}::int / 1000.0) end,
        eligible_at = case when c."afterMs" > 0 then now() + make_interval(secs => c."afterMs" / 1000.0) else b.eligible_at end,
        wait_cause = case when c."afterMs" > 0 then 'backoff' end
      from c where b.id = any((select ${ids}::text[])::text[]) and b.id = c.id and b.term = c.term and b.state = any(c.allowed)
      returning b.id, c."workerId", c.outcome
    ),
    attempts as (
      update build_attempts a set state = 'ended', ended_at = now(), outcome = c.outcome, failure = c."attemptFailure",
        exit_code = c."exitCode", counts = c.counts,
        worker_ms = greatest(0, extract(epoch from now() - a.started_at) * 1000)::bigint
      from c join ended on ended.id = c.id
      where a.build_id = any((select ${ids}::text[])::text[]) and a.build_id = c.id and a.term = c.term and a.state = 'held'
      returning a.build_id, a.worker_ms
    ),
    counts as (
      select "workerId", count(*) filter (where outcome = 'succeeded') as succeeded,
        count(*) filter (where outcome = 'failed') as failed, count(*) filter (where outcome = 'lost') as lost
      from ended group by "workerId"
    ),
    -- In id order, as every statement over several workers: two that met otherwise would wait for each other.
    holders as materialized (
      select w.id from workers w where w.id in (select "workerId" from counts where succeeded + failed + lost > 0)
      order by w.id for no key update
    ),
    counters as (
      update workers w set succeeded = w.succeeded + n.succeeded, failed = w.failed + n.failed, lost = w.lost + n.lost
      from holders join counts n on n."workerId" = holders.id where w.id = holders.id
    )
    select ended.id, attempts.worker_ms as "workerMs", w.admission = 'draining' as draining
    from ended join workers w on w.id = ended."workerId" left join attempts on attempts.build_id = ended.id`);
}

/** Demands of the builds in line for these keys: one of them may go now. */
export async function demandsOfKeys(
  reader: Reader,
  keys: readonly { projectId: string; ckey: string }[],
): Promise<{ projectId: string; sig: number }[]> {
  return await reader.query(sql`
    -- demands_of_keys: builds_key_line
    select distinct b.project_id as "projectId", b.sig
    from unnest(${keys.map((key) => key.projectId)}::text[], ${keys.map((key) => key.ckey)}::text[]) k(project_id, ckey)
    join builds b on b.project_id = k.project_id and b.ckey = k.ckey and b.state = 'queued'
    limit 256`);
}

export type StartAsk = {
  buildId: string;
  term: number;
  workerId: string /** New length of the lease; null keeps it. */;
  ttlMs: number | null;
};
export type Started = {
  buildId: string;
  term: number;
  projectId: string;
  queue: string;
  workerId: string;
  state: BuildState;
  /** It was not running before. */
  first: boolean;
  leaseUntil: Date;
  stopReason: StopReason | null;
};

/** Answers those that passed the guard. Only the first start of a term moves the row's times. */
export async function startBuilds(tx: Tx, asks: readonly StartAsk[], runMarginMs: number): Promise<Started[]> {
  return await tx.query<Started>(sql`
    -- start_builds: builds_pkey
    with asked as materialized (
      select b.id, b.state, coalesce(x.ttl_ms, b.lease_ttl_ms) as ttl_ms
      from unnest(${asks.map((ask) => ask.buildId)}::text[], ${asks.map((ask) => ask.term)}::int[],
          ${asks.map((ask) => ask.workerId)}::text[], ${asks.map((ask) => ask.ttlMs)}::int[]) x(id, term, worker_id, ttl_ms)
      join builds b on b.id = x.id and b.term = x.term and b.worker_id = x.worker_id
        and b.state = any(${statesAllowing(buildTable, 'start')}::text[])
      order by b.id for no key update of b
    )
    update builds b set
      state = case b.state when 'assigned' then 'running' else b.state end,
      version = b.version + case b.state when 'assigned' then 1 else 0 end,
      started_at = coalesce(b.started_at, now()), heard = true, lease_ttl_ms = asked.ttl_ms,
      lease_until = now() + make_interval(secs => asked.ttl_ms / 1000.0),
      run_until = case b.state when 'assigned' then now() + make_interval(secs => (b.max_run_ms + ${runMarginMs}::int) / 1000.0) else b.run_until end
    from asked where b.id = asked.id
    returning b.id as "buildId", b.term, b.project_id as "projectId", b.queue, b.worker_id as "workerId", b.state,
      asked.state = 'assigned' as first, b.lease_until as "leaseUntil", b.stop_reason as "stopReason"`);
}

export type StopAsked = {
  id: string;
  projectId: string;
  state: 'cancelled' | 'cancelling';
  term: number;
  queue: string;
  workerId: string | null;
  stopReason: StopReason;
};

/** Stops: what waits is over at once, what is held gets its grace. Answers the rows that moved; the rest stayed. */
export async function askStop(
  tx: Tx,
  {
    ids,
    event,
    stopReason,
    detail,
    graceMs,
  }: {
    ids: readonly string[];
    event: 'cancel' | 'timeLimit';
    stopReason: StopReason;
    detail: string | null;
    graceMs: number;
  },
): Promise<StopAsked[]> {
  return await tx.query<StopAsked>(sql`
    -- ask_stop: builds_pkey
    with asked as (
      select id, state from builds where id = any(${ids}::text[]) and state = any(${statesLeavingBy(buildTable, event)}::text[]) order by id for no key update
    )
    update builds b set
      state = case b.state when 'queued' then 'cancelled' else 'cancelling' end, version = b.version + 1,
      stop_reason = ${stopReason}, stop_detail = ${detail}, cancel_requested_at = now(), stop_known_at = null, wait_cause = null,
      finished_at = case b.state when 'queued' then now() end,
      grace_until = case when b.state <> 'queued' then now() + make_interval(secs => ${graceMs}::int / 1000.0) end
    from asked where b.id = asked.id
    returning b.id, b.project_id as "projectId", b.state, b.term, b.queue, b.worker_id as "workerId", b.stop_reason as "stopReason"`);
}

export type StoredArtifact = { id: string; buildId: string; term: number; name: string; sha256: string };

/** What results are about: artifacts of these attempts, oldest first. */
export async function artifactsOfAttempts(
  reader: Reader,
  attempts: readonly { buildId: string; term: number }[],
): Promise<StoredArtifact[]> {
  return await reader.query<StoredArtifact>(sql`
    -- artifacts_of_attempts: build_artifacts_build_id_term_name_key
    select a.id, a.build_id as "buildId", a.term, a.name, a.sha256
    from unnest((select ${attempts.map(({ buildId }) => buildId)}::text[]), (select ${attempts.map(({ term }) => term)}::int[])) x(build_id, term)
    join build_artifacts a on a.build_id = x.build_id and a.term = x.term
    order by a.created_at, a.id`);
}

/** These are the primary ones of their attempts, and no others. */
export async function setPrimary(tx: Tx, artifactIds: readonly string[]): Promise<void> {
  await tx.query(sql`
    -- set_primary: build_artifacts_pkey, build_artifacts_build_id_term_name_key
    update build_artifacts a set is_primary = (a.id = chosen.id)
    from build_artifacts chosen
    where chosen.id = any(${artifactIds}::text[]) and a.build_id = chosen.build_id and a.term = chosen.term
      and a.is_primary <> (a.id = chosen.id)`);
}

/** A result for a build that waits: claimed and ended at once, without a seat. The attempt row is born ended. */
export async function adopt(
  tx: Tx,
  input: {
    id: string;
    workerId: string;
    state: 'succeeded' | 'failed';
    failure: Failure | null;
    digest: string | null;
  },
): Promise<{ term: number } | undefined> {
  const [row] = await tx.query<{ term: number }>(sql`
    -- adopt_build: builds_pkey
    with adopted as (
      update builds b set state = ${input.state}, term = b.term + 1, version = b.version + 1, attempts_used = b.attempts_used + 1,
        worker_id = ${input.workerId}, heard = true, assigned_at = now(), started_at = now(), finished_at = now(),
        wait_cause = null, failure = ${input.failure === null ? null : JSON.stringify(input.failure)}::jsonb,
        result_digest = ${input.digest}, progress = ${input.state === 'succeeded' ? 100 : null}
      where b.id = ${input.id} and b.state = any(${statesAllowing(buildTable, 'adopt')}::text[])
      returning b.id, b.term
    ),
    attempt as (
      insert into build_attempts (build_id, term, worker_id, state, ended_at, outcome, failure)
      select id, term, ${input.workerId}, 'ended', now(), ${input.state},
        ${input.failure === null ? null : JSON.stringify(input.failure)}::jsonb from adopted
    ),
    counters as (
      update workers set succeeded = succeeded + case when ${input.state} = 'succeeded' then 1 else 0 end,
        failed = failed + case when ${input.state} = 'failed' then 1 else 0 end
      where id = ${input.workerId} and exists (select 1 from adopted)
    )
    select term from adopted`);
  return row;
}
