import { type Reader, sql, type Tx } from '#kernel/db';
import type { JobState } from './job-state.ts';

/* Looking at jobs one by one, and moving those that wait: what an operator does. */

export type JobView = {
  id: string;
  kind: string;
  state: JobState;
  priority: number | null;
  attempt: number;
  attemptsMax: number | null;
  term: number;
  projectId: string | null;
  runAt: Date | null;
  enqueuedAt: Date;
  claimedAt: Date | null;
  finishedAt: Date | null;
  leaseEndsAt: Date | null;
  holder: string | null;
  reason: string | null;
  lastError: string | null;
};
export type JobFilter = { states?: readonly JobState[] | undefined; kind?: string | undefined };

const unfinished = sql`
  id, kind, state, priority::int as priority, attempt, attempts_max as "attemptsMax", term, project_id as "projectId",
  run_at as "runAt", enqueued_at as "enqueuedAt", claimed_at as "claimedAt", null::timestamptz as "finishedAt",
  lease_ends_at as "leaseEndsAt", holder, cancel_reason as reason, last_error as "lastError"`;
const finished = sql`
  id, kind, outcome as state, null::int as priority, attempt, null::int as "attemptsMax", term, project_id as "projectId",
  null::timestamptz as "runAt", enqueued_at as "enqueuedAt", claimed_at as "claimedAt", finished_at as "finishedAt",
  null::timestamptz as "leaseEndsAt", null::text as holder, reason, null::text as "lastError"`;

/** Jobs of any state, youngest first, from before an id. */
export async function listJobs(
  reader: Reader,
  filter: JobFilter,
  page: { before?: string | undefined; limit: number },
): Promise<JobView[]> {
  const { states = null, kind = null } = filter;
  const { before = null, limit } = page;
  return reader.query<JobView>(sql`
    -- list_jobs: jobs_pkey and jobs_done_pkey from their young ends; jobs_done_kind for bad ends of one kind
    (select ${unfinished} from jobs
      where (${before}::text is null or id < ${before}) and (${states}::text[] is null or state = any(${states}::text[]))
        and (${kind}::text is null or kind = ${kind})
      order by id desc limit ${limit})
    union all
    (select ${finished} from jobs_done
      where (${before}::text is null or id < ${before}) and (${states}::text[] is null or outcome = any(${states}::text[]))
        and (${kind}::text is null or kind = ${kind})
      order by id desc limit ${limit})
    order by id desc limit ${limit}`);
}

export async function findJob(reader: Reader, id: string): Promise<JobView | undefined> {
  const [row] = await reader.query<JobView>(sql`
    -- find_job: jobs_pkey, jobs_done_pkey
    select ${unfinished} from jobs where id = ${id}
    union all
    select ${finished} from jobs_done where id = ${id} limit 1`);
  return row;
}

/** What a job carries; of finished ones only failed jobs still do. */
export async function readJobPayload(reader: Reader, id: string): Promise<unknown> {
  const [row] = await reader.query<{ payload: unknown }>(sql`
    -- read_job_payload: job_payloads_pkey, jobs_done_pkey
    select payload from job_payloads where job_id = ${id}
    union all
    select payload from jobs_done where id = ${id} and payload is not null limit 1`);
  return row?.payload ?? null;
}

/** When a job that is in line comes: at a time, or now. `false`: it is in nobody's line any more. */
export async function moveJob(tx: Tx, id: string, to: Date | 'now'): Promise<boolean> {
  const at = to === 'now' ? null : to;
  const rows = await tx.query(sql`
    -- move_job: jobs_pkey
    update jobs set run_at = coalesce(${at}::timestamptz, now()),
                    state = case when coalesce(${at}::timestamptz, now()) > now() then 'waiting' else 'ready' end
     where id = ${id} and state in ('waiting', 'ready')
    returning id`);
  return rows.length > 0;
}
