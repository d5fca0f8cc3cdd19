import { type JobDetail, type JobSummary, jobActions, jobStates, type Page } from '@muster/protocol';
import { type Principal, writeAudit } from '#kernel/auth';
import { conflict, invalid, type MusterError, notFound } from '#kernel/base';
import type { Db } from '#kernel/db';
import { findJob, type JobView, listJobs, moveJob, type Queue, readJobPayload } from '#kernel/queue';
import { redact } from '#kernel/telemetry';
import { runningLimits } from './limits.ts';

type Deps = { db: Db; queue: Pick<Queue, 'cancel' | 'revive'> };
type Asker = { who: Principal; address: string; requestId: string };

const noSuchJob = (): MusterError =>
  notFound('no_such_job', 'There is no such job; finished ones are kept for some days.');
const notNow = (state: string, action: string): MusterError =>
  conflict('job_state', `A ${state} job cannot be asked to ${action}.`, { extra: { state } });

/** Jobs of all kinds, youngest first. Errors: `invalid` `invalid_query`, `bad_cursor`. */
export async function showJobs(
  { db }: Pick<Deps, 'db'>,
  query: { state?: string | undefined; kind?: string | undefined; cursor?: string | undefined; limit: number },
): Promise<Page<JobSummary>> {
  const states = query.state?.split(',').map((word) => {
    const state = jobStates.find((known) => known === word.trim());
    if (state) return state;
    throw invalid('invalid_query', `?state: expected one or more of ${jobStates.join(', ')}.`, {
      errors: [{ pointer: '?state', detail: `expected one or more of ${jobStates.join(', ')}` }],
    });
  });
  if (query.cursor !== undefined && !/^job_[0-9a-z]{26}$/.test(query.cursor))
    throw invalid('bad_cursor', 'The cursor is not one that this list answered.', {
      errors: [{ pointer: '?cursor', detail: 'not a cursor' }],
    });
  const rows = await listJobs(db, { states, kind: query.kind }, { before: query.cursor, limit: query.limit + 1 });
  const items = rows.slice(0, query.limit);
  return { items: items.map(summaryOf), nextCursor: rows.length > query.limit ? (items.at(-1)?.id ?? null) : null };
}

/** One job with what it carries, masked. `notFound` `no_such_job`. */
export async function showJob({ db }: Pick<Deps, 'db'>, id: string): Promise<JobDetail> {
  const job = await findJob(db, id);
  if (!job) throw noSuchJob();
  const payload = redact({ payload: await readJobPayload(db, id) })['payload'];
  const large = JSON.stringify(payload ?? null).length > runningLimits.jobPayloadBytesMax;
  return { ...summaryOf(job), payload: large ? { omitted: 'too large to show' } : payload };
}

/** A running one is told and ends when its handler does. Errors: `notFound` `no_such_job`; `conflict` `job_state`. */
export async function cancelJob(deps: Deps, asker: Asker, id: string, reason: string): Promise<JobDetail> {
  await deps.db.transaction(async (tx) => {
    const job = await findJob(tx, id);
    if (!job) throw noSuchJob();
    if (!allowed('cancel', job) || !(await deps.queue.cancel(tx, id, reason))) throw notNow(job.state, 'stop');
    await writeAudit(tx, {
      ...asker,
      action: 'job.cancelled',
      subject: id,
      before: { state: job.state },
      after: { reason },
    });
  });
  return showJob(deps, id);
}

/** A failed job once more, as a new one; a waiting one at once. Errors: as `cancelJob`. */
export async function retryJob(deps: Deps, asker: Asker, id: string): Promise<JobDetail> {
  const next = await deps.db.transaction(async (tx) => {
    const job = await findJob(tx, id);
    if (!job) throw noSuchJob();
    const again = allowed('retry', job) ? await deps.queue.revive(tx, id) : undefined;
    if (again === undefined && !(allowed('retryNow', job) && (await moveJob(tx, id, 'now'))))
      throw notNow(job.state, 'run again');
    await writeAudit(tx, {
      ...asker,
      action: 'job.retried',
      subject: id,
      before: { state: job.state },
      after: { job: again ?? id },
    });
    return again ?? id;
  });
  return showJob(deps, next);
}

/** Not before `until`. Errors: as `cancelJob`. */
export async function snoozeJob(deps: Deps, asker: Asker, id: string, until: Date): Promise<JobDetail> {
  await deps.db.transaction(async (tx) => {
    const job = await findJob(tx, id);
    if (!job) throw noSuchJob();
    if (!allowed('snooze', job) || !(await moveJob(tx, id, until))) throw notNow(job.state, 'wait');
    await writeAudit(tx, {
      ...asker,
      action: 'job.snoozed',
      subject: id,
      before: { runAt: job.runAt?.toISOString() ?? null },
      after: { runAt: until.toISOString() },
    });
  });
  return showJob(deps, id);
}

const allowed = (action: keyof typeof jobActions, { state }: JobView): boolean =>
  (jobActions[action] as readonly string[]).includes(state);

const iso = (time: Date | null): string | null => time?.toISOString() ?? null;
const summaryOf = (job: JobView): JobSummary => ({
  ...job,
  runAt: iso(job.runAt),
  enqueuedAt: job.enqueuedAt.toISOString(),
  claimedAt: iso(job.claimedAt),
  finishedAt: iso(job.finishedAt),
  leaseEndsAt: iso(job.leaseEndsAt),
});
