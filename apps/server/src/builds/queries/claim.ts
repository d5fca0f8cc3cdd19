import type { Platform } from '@muster/protocol';
import { buildTable, statesAllowing } from '@muster/protocol';
import { type Reader, sql, type Tx } from '#kernel/db';

/** What makes workers equal for a claim: what one of them may take, any of them may. */
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

/** What a look found. Nothing is locked and nothing promised: `claim` decides, this says whom to ask for what. */
export type Sight = {
  /** Workers that could take a build now, in the order they were asked; equal ones have the same `kind`. */
  workers: { id: string; kind: number }[];
  /** Heads of the line as each kind sees it, best first; one build may be seen by several kinds. */
  line: Seen[];
  /** How many rows of the line were asked for per kind: fewer in `line` means that there are no more. */
  most: { kind: number; rows: number }[];
};
export type Seen = {
  kind: number;
  sig: number;
  priority: number;
  /** Its number in the line, which names it. */
  seq: number;
  /** The worker that lost it a moment ago. */
  avoid: string | null;
};

/**
 * Which of these workers are free, and what stands at the head of the line for them. Workers that are full, draining,
 * offline or gone are not in the answer.
 *
 * Plan: `'queued'` and the three active states stand literally, otherwise the partial indexes are not used.
 */
export async function lookForBuilds(reader: Reader, workerIds: readonly string[]): Promise<Sight> {
  const [sight] = await reader.query<Sight>(sql`
    -- look_for_builds: workers_pkey, builds_worker_seat, builds_line per demand
    with me as materialized (
      select x.n, w.id, w.project_id, w.kind, w.platforms, w.labels,
        dense_rank() over (order by w.project_id, w.kind, w.platforms, w.labels)::int as g
      from unnest((select ${workerIds}::text[])) with ordinality x(id, n)
      join workers w on w.id = x.id and w.state = 'online' and w.admission = 'open' and w.removed_at is null
      where w.seats > (select count(*) from builds a where a.worker_id = w.id
        and a.state in ('assigned', 'running', 'cancelling'))
    ),
    kinds as materialized (
      -- What others take of the same line is looked past, up to a handful.
      select g, project_id, kind, platforms, labels, count(*) as m, min(id) as lone,
        count(*) + least(${kindsOverlapMax}::int, (select count(*) from me) - count(*)) as most
      from me group by g, project_id, kind, platforms, labels
    ),
    line as materialized (
      select k.g, h.*
      from kinds k
      cross join lateral (
        select h.*
        from demands d
        cross join lateral (
          select b.sig, b.priority, b.queue_seq, case when b.avoid_until > now() then b.avoid_worker_id end as avoid
          from builds b
          where b.project_id = k.project_id and b.sig = d.sig and b.state = 'queued' and b.eligible_at <= now()
            and (b.ckey is null or b.key_limit > (select count(*) from builds a
              where a.project_id = k.project_id and a.ckey = b.ckey and a.state in ('assigned', 'running', 'cancelling')))
            and (b.avoid_until is null or b.avoid_until <= now() or k.m > 1 or b.avoid_worker_id <> k.lone)
          order by b.priority desc, b.queue_seq
          limit k.most) h
        where d.project_id = k.project_id and (d.platform = any(k.platforms) or (d.platform = 'any' and k.kind <> 'legacy'))
          and d.requires <@ k.labels
          and not exists (select 1 from queues q where q.project_id = k.project_id and q.name = d.queue
            and q.paused_at is not null and (q.resumes_at is null or q.resumes_at > now()))
        order by h.priority desc, h.queue_seq
        limit k.most) h
    )
    select
      coalesce((select json_agg(json_build_object('id', id, 'kind', g) order by n) from me), '[]') as workers,
      coalesce((select json_agg(json_build_object('kind', g, 'sig', sig, 'priority', priority, 'seq', queue_seq, 'avoid', avoid)
        order by g, priority desc, queue_seq) from line), '[]') as line,
      coalesce((select json_agg(json_build_object('kind', g, 'rows', most)) from kinds), '[]') as most`);
  return sight ?? { workers: [], line: [], most: [] };
}

const kindsOverlapMax = 8;

export type ClaimQuestion = {
  /**
   * A build of this demand for this worker, each worker once. Of one demand the first gets the best build, and so on:
   * whoever asks has put them so that nobody stands at the place of a build that avoids it.
   */
  slots: readonly { workerId: string; sig: number }[];
  leaseTtlMs: number;
  legacyLeaseTtlMs: number;
  /** What the server gives a build beyond its own limit before it stops it. */
  runMarginMs: number;
};

/** A build that was handed out: who has it, and all its job says. */
export type Claimed = JobFacts & {
  workerName: string;
  queue: string;
  submittedAt: Date;
  /** From when it could have been taken. */
  waitedSince: Date;
  assignedAt: Date;
};

/**
 * Hands the first builds in line to workers, and opens their attempts. Whoever is full, draining, offline, gone or not fit
 * for that demand by now gets nothing, and neither does a slot whose build another node holds at this moment.
 *
 * How it keeps its promises:
 * - `pick` locks exactly as many rows per demand as there are slots, best first, walking past what other nodes hold.
 * - seats are chosen on what the statement sees; two unique indexes refuse (23505) what another node took meanwhile.
 *
 * Plans: `'queued'` and the three active states stand literally, otherwise the partial indexes are not used; the last
 * update compares `state` with a parameter on purpose, so that it goes by `builds_pkey` and never walks the line.
 */
export async function claim(
  tx: Tx,
  { slots, leaseTtlMs, legacyLeaseTtlMs, runMarginMs }: ClaimQuestion,
): Promise<Claimed[]> {
  return await tx.query<Claimed>(sql`
    -- claim_builds: workers_pkey, demands_pkey, builds_worker_seat, builds_line per demand, builds_key_seat, builds_pkey
    with slot as materialized (
      select x.sig, w.project_id, w.id, w.name, w.kind, s.seat, row_number() over (partition by x.sig order by x.n) as i
      from unnest((select ${slots.map(({ workerId }) => workerId)}::text[]), (select ${slots.map(({ sig }) => sig)}::bigint[]))
        with ordinality x(id, sig, n)
      join workers w on w.id = x.id and w.state = 'online' and w.admission = 'open' and w.removed_at is null
      join demands d on d.sig = x.sig and d.project_id = w.project_id and d.requires <@ w.labels
        and (d.platform = any(w.platforms) or (d.platform = 'any' and w.kind <> 'legacy'))
        and not exists (select 1 from queues q where q.project_id = d.project_id and q.name = d.queue
          and q.paused_at is not null and (q.resumes_at is null or q.resumes_at > now()))
      cross join lateral (
        select g::smallint from generate_series(0, w.seats - 1) g
        where not exists (select 1 from builds a where a.worker_id = w.id and a.worker_seat = g::smallint
          and a.state in ('assigned', 'running', 'cancelling'))
        order by g limit 1) s(seat)
    ),
    wanted as materialized (select project_id, sig, count(*) as n, min(id) as lone from slot group by project_id, sig),
    pick as materialized (
      select p.* from wanted
      cross join lateral (
        select b.id, b.project_id, b.sig, b.priority, b.queue_seq, b.ckey, b.key_limit,
          greatest(b.submitted_at, b.eligible_at) as waited_since, case when b.avoid_until > now() then b.avoid_worker_id end as avoid
        from builds b
        where b.project_id = wanted.project_id and b.sig = wanted.sig and b.state = 'queued' and b.eligible_at <= now()
          and (b.ckey is null or b.key_limit > (select count(*) from builds a
            where a.project_id = wanted.project_id and a.ckey = b.ckey and a.state in ('assigned', 'running', 'cancelling')))
          and (b.avoid_until is null or b.avoid_until <= now() or wanted.n > 1 or b.avoid_worker_id <> wanted.lone)
        order by b.priority desc, b.queue_seq
        limit wanted.n for no key update of b skip locked) p
    ),
    numbered as materialized (
      select p.*, row_number() over (partition by p.sig order by p.priority desc, p.queue_seq) as i,
        row_number() over (partition by p.project_id, p.ckey order by p.priority desc, p.queue_seq) as nth_of_key
      from pick p
    ),
    pair as (
      select n.id, n.waited_since, slot.id as worker_id, slot.name as worker_name, slot.kind, slot.seat, k.seat as key_seat
      from numbered n
      join slot on slot.sig = n.sig and slot.i = n.i and slot.id is distinct from n.avoid
      left join lateral (
        select g::smallint as seat from generate_series(0, n.key_limit - 1) g
        where n.ckey is not null and not exists (select 1 from builds a where a.project_id = n.project_id
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
      returning b.id, b.project_id, b.worker_id, b.term, b.queue, b.platform, b.submitted_at, b.assigned_at, b.max_run_ms,
        b.lease_until, b.lease_ttl_ms, p.waited_since, p.worker_name
    ),
    attempts as (insert into build_attempts (build_id, term, worker_id) select id, term, worker_id from taken)
    select t.id as "buildId", t.project_id as "projectId", t.worker_id as "workerId", t.term, s.name, t.platform, s.requires,
      s.tags, s.task, s.command, s.expects, s.env, s.secret_env as "secretEnv", s.source_sha256 as "sourceSha256",
      s.source_bytes as "sourceBytes", s.source_format as "sourceFormat", s.certs_blob is not null as certs,
      t.max_run_ms as "maxRunMs", t.lease_until as "leaseUntil", t.lease_ttl_ms as "leaseTtlMs",
      case when t.term = 1 then '[]' else (select coalesce(jsonb_agg(jsonb_build_object('term', a.term, 'failure', a.failure)
        order by a.term), '[]'::jsonb) from build_attempts a where a.build_id = t.id and a.term < t.term) end as previous,
      t.worker_name as "workerName", t.queue, t.submitted_at as "submittedAt", t.waited_since as "waitedSince",
      t.assigned_at as "assignedAt"
    from taken t join build_specs s on s.build_id = t.id`);
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
