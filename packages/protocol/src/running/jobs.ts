import { z } from 'zod';
import { pageQuery } from '../base/paging.ts';
import { jobStates } from './job-states.ts';

const time = z.iso.datetime();
const count = z.number().int();

export const jobsQuery = pageQuery.extend({
  /** One or more with commas. */
  state: z.string().max(100).optional(),
  kind: z.string().max(100).optional(),
});

export const jobSummarySchema = z.object({
  id: z.string(),
  kind: z.string(),
  state: z.enum(jobStates),
  priority: count.nullable(),
  attempt: count,
  attemptsMax: count.nullable(),
  term: count,
  projectId: z.string().nullable(),
  runAt: time.nullable(),
  enqueuedAt: time,
  claimedAt: time.nullable(),
  finishedAt: time.nullable(),
  leaseEndsAt: time.nullable(),
  /** The node that runs it. */
  holder: z.string().nullable(),
  /** Why it ended so, or why it is asked to end. */
  reason: z.string().nullable(),
  lastError: z.string().nullable(),
});
export type JobSummary = z.infer<typeof jobSummarySchema>;
/** With what it carries; values under the names of secrets are masked. */
export const jobDetailSchema = jobSummarySchema.extend({ payload: z.unknown() });
export type JobDetail = z.infer<typeof jobDetailSchema>;

export const cancelJobSchema = z.strictObject({ reason: z.string().trim().min(1).max(200) });
export const snoozeJobSchema = z.strictObject({ until: z.iso.datetime({ offset: true }) });
