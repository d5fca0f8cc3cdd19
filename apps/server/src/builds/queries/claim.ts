import type { Platform } from '@muster/protocol';
import { buildTable, statesAllowing } from '@muster/protocol';
import { type Reader, sql, type Tx } from '#kernel/db';

/** What makes workers equal for the claim: one statement serves any number of them. */
export type Ability = {
  readonly projectId: string;
  /** Sorted, as stored. */
  readonly platforms: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Clients of the replaced controller build for phones only: what asks for no platform is not for them. Default `v1`. */
  readonly kind?: 'v1' | 'legacy';
};

/** What the builds of one demand ask of a worker. Never changes for a `sig`. */
export type DemandFacts = {
  readonly sig: number;
  readonly projectId: string;
  readonly platform: Platform;
  readonly requires: Readonly<Record<string, string>>;
};

/** One worker that could take a build, with what it got, if anything. */
export type Claimed = {
  workerId: string;
  workerName: string;
  /** Rows in line that the statement saw, all workers together. */
  seen: number;
  buildId: string | null;
  term: number;
  queue: string;
  platform: Platform;
  sig: number;
  submittedAt: Date;
  /** From when it could have been taken. */
  waitedSince: Date;
  assignedAt: Date;
  leaseUntil: Date;
};

export type ClaimQuestion = {
  ability: Ability;
  /** Longest waiting first; each gets at most one build, in its lowest free seat. */
  workerIds: readonly string[];
  leaseTtlMs: number;
  legacyLeaseTtlMs: number;
  /** What the server gives a build beyond its own limit before it stops it. */
  runMarginMs: number;
};

/**
 * Hands the first builds in line to equal workers, and opens their attempts. Answers one row per worker that could have
 * taken one; workers that are full, draining, offline, gone or of another ability by now are not in it.
 *
 * How it keeps its promises:
 * - `line` looks at the head of every matching demand without locks; `pick` then locks exactly as many rows per demand as
 *   `line` found, walking past what other nodes hold. So a batch takes the best builds over all demands and locks no more
 *   than it takes.
 * - seats are chosen on what the statement sees; two unique indexes refuse (23505) what another node took meanwhile.
 * - `clash` and `turn` deal the builds out so that no worker gets the one it lost a moment ago.
 *
 * Plans: `'queued'` and the three active states stand literally, otherwise the partial indexes are not used; the last
 * update compares `state` with a parameter on purpose, so that it goes by `builds_pkey` and never walks the line.
 */
export async function claim(
  tx: Tx,
  { ability, workerIds, leaseTtlMs, legacyLeaseTtlMs, runMarginMs }: ClaimQuestion,
): Promise<Claimed[]> {
  const { projectId, platforms, labels, kind = 'v1' } = ability;
  return await tx.query<Claimed>(sql`
    -- claim_builds: workers_pkey, builds_worker_seat, builds_line per demand, builds_key_seat, builds_pkey
    with me as materialized (
      select row_number() over (order by x.n)::int - 1 as i, w.id, w.name, w.kind, s.seat
      from unnest(${workerIds}::text[]) with ordinality x(id, n)
      join workers w on w.id = x.id and w.project_id = ${projectId} and w.platforms = ${platforms}::text[]
        and w.labels = ${JSON.stringify(labels)}::jsonb and w.kind = ${kind} and w.state = 'online' and w.admission = 'open' and w.removed_at is null
      cross join lateral (
        select g::smallint from generate_series(0, w.seats - 1) g
        where not exists (select 1 from builds a where a.worker_id = w.id and a.worker_seat = g::smallint
          and a.state in ('assigned', 'running', 'cancelling'))
        order by g limit 1) s(seat)
    ),
    size as materialized (select count(*)::int as m, min(id) as lone from me),
    line as materialized (
      select h.sig, h.priority, h.queue_seq
      from demands d
      cross join lateral (
        select b.sig, b.priority, b.queue_seq from builds b
        where b.project_id = ${projectId} and b.sig = d.sig and b.state = 'queued' and b.eligible_at <= now()
          and (b.ckey is null or b.key_limit > (select count(*) from builds a
            where a.project_id = ${projectId} and a.ckey = b.ckey and a.state in ('assigned', 'running', 'cancelling')))
          and (b.avoid_until is null or b.avoid_until <= now() or (select m from size) > 1
            or b.avoid_worker_id <> (select lone from size))
        order by b.priority desc, b.queue_seq
        limit (select m from size)) h
      where d.project_id = ${projectId} and (d.platform = any(${platforms}::text[]) or (d.platform = 'any' and ${kind} <> 'legacy'))
        and d.requires <@ ${JSON.stringify(labels)}::jsonb
        and not exists (select 1 from queues q where q.project_id = ${projectId} and q.name = d.queue
          and q.paused_at is not null and (q.resumes_at is null or q.resumes_at > now()))
      order by h.priority desc, h.queue_seq
      limit (select m from size)
    ),
    pick as materialized (
      select p.* from (select sig, count(*) as n from line group by sig) wanted
      cross join lateral (
        select b.id, b.priority, b.queue_seq, b.ckey, b.key_limit, greatest(b.submitted_at, b.eligible_at) as waited_since,
          case when b.avoid_until > now() then b.avoid_worker_id end as avoid
        from builds b
        where b.project_id = ${projectId} and b.sig = wanted.sig and b.state = 'queued' and b.eligible_at <= now()
          and (b.ckey is null or b.key_limit > (select count(*) from builds a
            where a.project_id = ${projectId} and a.ckey = b.ckey and a.state in ('assigned', 'running', 'cancelling')))
          and (b.avoid_until is null or b.avoid_until <= now() or (select m from size) > 1
            or b.avoid_worker_id <> (select lone from size))
        order by b.priority desc, b.queue_seq
        limit wanted.n for update of b skip locked) p
    ),
    numbered as materialized (
      select p.*, row_number() over (order by p.priority desc, p.queue_seq)::int - 1 as i,
        row_number() over (partition by p.ckey order by p.priority desc, p.queue_seq) as nth_of_key
      from pick p
    ),
    clash as materialized (
      select distinct (me.i - n.i + m) % m as by from numbered n join me on me.id = n.avoid cross join size
    ),
    turn as (
      select g as by from size, generate_series(0, m - 1) g
      where not exists (select 1 from clash where clash.by = g)
      order by g limit 1
    ),
    pair as (
      select n.id, n.waited_since, me.id as worker_id, me.name as worker_name, me.kind, me.seat, k.seat as key_seat
      from numbered n cross join size
      join me on me.i = (n.i + coalesce((select by from turn), 0)) % m and me.id is distinct from n.avoid
      left join lateral (
        select g::smallint as seat from generate_series(0, n.key_limit - 1) g
        where n.ckey is not null and not exists (select 1 from builds a where a.project_id = ${projectId}
          and a.ckey = n.ckey and a.key_seat = g::smallint and a.state in ('assigned', 'running', 'cancelling'))
        order by g offset n.nth_of_key - 1 limit 1) k on true
      where n.ckey is null or k.seat is not null
    ),
    taken as (
      update builds b set
        state = 'assigned', term = b.term + 1, version = b.version + 1, attempts_used = b.attempts_used + 1,
        worker_id = p.worker_id, worker_seat = p.seat, key_seat = p.key_seat, heard = false, wait_cause = null,
        assigned_at = now(), started_at = null, progress = null, phase = null, stop_known_at = null,
        lease_ttl_ms = case p.kind when 'legacy' then ${legacyLeaseTtlMs}::int else ${leaseTtlMs}::int end,
        lease_until = now() + make_interval(secs => case p.kind when 'legacy' then ${legacyLeaseTtlMs}::int else ${leaseTtlMs}::int end / 1000.0),
        run_until = now() + make_interval(secs => (b.max_run_ms + ${runMarginMs}::int) / 1000.0)
      from pair p where b.id = p.id and b.state = any(${claimable}::text[])
      returning b.id, b.term, b.queue, b.platform, b.sig, b.submitted_at, p.waited_since, b.assigned_at, b.lease_until,
        b.worker_id
    ),
    attempts as (insert into build_attempts (build_id, term, worker_id) select id, term, worker_id from taken)
    select me.id as "workerId", me.name as "workerName", (select count(*)::int from line) as seen, t.id as "buildId", t.term,
      t.queue, t.platform, t.sig, t.submitted_at as "submittedAt", t.waited_since as "waitedSince",
      t.assigned_at as "assignedAt", t.lease_until as "leaseUntil"
    from me left join taken t on t.worker_id = me.id
    order by me.i`);
}

const claimable = statesAllowing(buildTable, 'claim');

/** What a demand asks for; `undefined` when it was pruned. */
export async function demandFacts(reader: Reader, sig: number): Promise<DemandFacts | undefined> {
  const [facts] = await reader.query<DemandFacts>(sql`
    -- demand_facts: demands_pkey
    select sig, project_id as "projectId", platform, requires from demands where sig = ${sig}`);
  return facts;
}

/** Demands of these projects that have a build which could be taken now. For the sweep, after a lost hint. */
export async function readyDemands(reader: Reader, projectIds: readonly string[]): Promise<DemandFacts[]> {
  return await reader.query<DemandFacts>(sql`
    -- ready_demands: demands_project_id_queue_platform_requires_key, builds_line per demand
    select d.sig, d.project_id as "projectId", d.platform, d.requires
    from demands d
    where d.project_id = any(${projectIds}::text[])
      and exists (select 1 from builds b where b.project_id = d.project_id and b.sig = d.sig and b.state = 'queued'
        and b.eligible_at <= now())
      and not exists (select 1 from queues q where q.project_id = d.project_id and q.name = d.queue
        and q.paused_at is not null and (q.resumes_at is null or q.resumes_at > now()))`);
}

/** An assigned build is offered to its worker once more; it is still not heard of. */
export async function renewOffer(
  tx: Tx,
  { buildId, term, workerId }: { buildId: string; term: number; workerId: string },
): Promise<boolean> {
  const rows = await tx.query(sql`
    -- renew_offer: builds_pkey
    update builds set lease_until = now() + make_interval(secs => lease_ttl_ms / 1000.0)
    where id = ${buildId} and term = ${term} and worker_id = ${workerId} and state = 'assigned' returning id`);
  return rows.length > 0;
}

/** What a job tells its worker, for builds that are held. */
export type JobFacts = {
  buildId: string;
  projectId: string;
  workerId: string;
  term: number;
  name: string | null;
  platform: Platform;
  requires: Record<string, string>;
  tags: Record<string, string>;
  task: string | null;
  command: string | null;
  expects: 'artifact' | 'nothing';
  env: Record<string, string>;
  /** Sealed JSON of names and values. */
  secretEnv: Buffer | null;
  sourceSha256: string;
  sourceBytes: number;
  sourceFormat: 'zip' | 'tar.gz' | 'tar.zst';
  certs: boolean;
  maxRunMs: number;
  leaseUntil: Date;
  leaseTtlMs: number;
  previous: { term: number; failure: { code: string; detail: string } | null }[];
};

export async function jobFacts(reader: Reader, buildIds: readonly string[]): Promise<JobFacts[]> {
  return await reader.query<JobFacts>(sql`
    -- job_facts: builds_pkey, build_specs_pkey, build_attempts_pkey
    select b.id as "buildId", b.project_id as "projectId", b.worker_id as "workerId", b.term, s.name, b.platform, s.requires,
      s.tags, s.task, s.command, s.expects, s.env, s.secret_env as "secretEnv", s.source_sha256 as "sourceSha256",
      s.source_bytes as "sourceBytes", s.source_format as "sourceFormat", s.certs_blob is not null as certs,
      b.max_run_ms as "maxRunMs", b.lease_until as "leaseUntil", b.lease_ttl_ms as "leaseTtlMs",
      coalesce((select jsonb_agg(jsonb_build_object('term', a.term, 'failure', a.failure) order by a.term)
        from build_attempts a where a.build_id = b.id and a.term < b.term), '[]'::jsonb) as previous
    from builds b join build_specs s on s.build_id = b.id
    where b.id = any(${buildIds}::text[]) and b.state in ('assigned', 'running', 'cancelling')`);
}
