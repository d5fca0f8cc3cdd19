import { invalid, must, newId } from '#kernel/base';
import type { Tx } from '#kernel/db';
import { jobDefaults, queueLimits } from './limits.ts';
import { findUnique, insertJobs, type NewJob } from './queries.ts';
import type { JobInput } from './queue.ts';

/** How often a unique key may be found taken and then free before that is called a bug. */
const uniqueTriesMax = 5;

export type Enqueued = { ids: string[]; added: { job: NewJob; due: boolean }[] };

/** Inserts jobs in the caller's transaction; answers with their ids in order, and with those that are new. */
export async function insertAll(tx: Tx, inputs: readonly JobInput[]): Promise<Enqueued> {
  const jobs = inputs.map(parse);
  const enqueued: Enqueued = { ids: [], added: [] };
  for (let at = 0; at < jobs.length; at += queueLimits.enqueueBatchMax) {
    const batch = jobs.slice(at, at + queueLimits.enqueueBatchMax);
    const rows = new Map((await insertJobs(tx, batch)).map((row) => [row.id, row]));
    for (const job of batch) {
      const row = rows.get(job.id);
      if (row) enqueued.added.push({ job, due: row.due });
      enqueued.ids.push(row ? job.id : await existing(tx, job, enqueued));
    }
  }
  return enqueued;
}

/** The job that has the unique key; when it has just ended, ours takes the key after all. */
async function existing(tx: Tx, job: NewJob, enqueued: Enqueued): Promise<string> {
  const key = must(job.uniqueKey, 'the unique key of a job that was not inserted');
  for (let attempt = 0; attempt < uniqueTriesMax; attempt++) {
    const id = await findUnique(tx, job.kind, key);
    if (id !== undefined) return id;
    const [row] = await insertJobs(tx, [job]);
    if (!row) continue;
    enqueued.added.push({ job, due: row.due });
    return row.id;
  }
  throw new Error(`the unique key of a ${job.kind} job stays neither taken nor free`);
}

function parse(input: JobInput): NewJob {
  const { kind, runAt, priority = 0, uniqueKey, attemptsMax = jobDefaults.attemptsMax, projectId } = input;
  if (kind === '' || kind.length > queueLimits.kindCharsMax) throw bad('kind', 'has 1 to 100 characters');
  if (!Number.isInteger(priority) || priority < -100 || priority > 100) throw bad('priority', 'is from -100 to 100');
  if (!Number.isInteger(attemptsMax) || attemptsMax < 1 || attemptsMax > queueLimits.attemptsMax) {
    throw bad('attemptsMax', `is from 1 to ${queueLimits.attemptsMax}`);
  }
  if (uniqueKey !== undefined && (uniqueKey === '' || uniqueKey.length > queueLimits.uniqueKeyCharsMax)) {
    throw bad('uniqueKey', 'has 1 to 200 characters');
  }
  if ([kind, uniqueKey, projectId].some((text) => text?.includes('\0'))) throw bad('text', 'has no NUL character');
  if (runAt && Number.isNaN(runAt.getTime())) throw bad('runAt', 'is a time');
  return {
    id: newId('job'),
    kind,
    payload: encode(input.payload),
    runAt: runAt ?? null,
    priority,
    uniqueKey: uniqueKey ?? null,
    attemptsMax,
    projectId: projectId ?? null,
  };
}

function encode(payload: unknown): string | null {
  if (payload === undefined || payload === null) return null;
  const text = JSON.stringify(payload);
  if (Buffer.byteLength(text) > queueLimits.payloadBytesMax) {
    throw invalid('payload_too_large', `The payload of a job has at most ${queueLimits.payloadBytesMax} bytes.`);
  }
  return text;
}

const bad = (field: string, rule: string): Error =>
  invalid('bad_job', `The ${field} of a job ${rule}.`, { errors: [{ pointer: `/${field}`, detail: rule }] });
