import {
  activityPageSchema,
  activityQuery,
  cancelJobSchema,
  checklistSchema,
  configAnswerSchema,
  idSchema,
  jobDetailSchema,
  jobSummarySchema,
  jobsQuery,
  overviewQuery,
  overviewSchema,
  pageOf,
  resolvedSchema,
  searchAnswerSchema,
  searchQuery,
  seriesQuery,
  seriesSchema,
  snoozeJobSchema,
  systemSchema,
} from '@muster/protocol';
import { z } from 'zod';
import { type Principal, requireInstallation } from '#kernel/auth';
import type { Call, Routes } from '#kernel/http';
import type { RunningDeps } from './deps.ts';
import { resolveId, searchThings, showChecklist } from './find-things.ts';
import { cancelJob, retryJob, showJob, showJobs, snoozeJob } from './jobs.ts';
import { listActivity } from './list-activity.ts';
import type { ProjectEvents } from './project-events.ts';
import type { Sampler } from './sampler.ts';
import type { Overviews } from './show-overview.ts';
import { showSeries } from './show-series.ts';
import { showSystem } from './show-system.ts';

export type RunningRoom = RunningDeps & {
  sampler: Sampler;
  events: ProjectEvents;
  overviews: Overviews;
  startedAt: number;
};

const asker = ({ who, address, requestId }: Call<Principal>) => ({ who, address, requestId });
const jobParams = z.strictObject({ id: idSchema('job') });
const forInstallation =
  'For whoever administers the installation, and keys of the default project with accounts:admin.';

/** `/v1/overview`, `/v1/activity`, `/v1/search`, `/v1/resolve/:id`, `/v1/checklist`. */
export function projectRoutes(room: RunningRoom, routes: Routes): void {
  routes.route({
    method: 'GET',
    path: '/v1/overview',
    auth: 'member',
    summary: 'What runs, waits, failed and costs in the project, and what needs a person',
    description: 'Areas that the credential may not read are left out.',
    query: overviewQuery,
    answers: { 200: { description: 'One look at everything.', schema: overviewSchema } },
    handle: ({ who, input }) => room.overviews.show(who, input.query),
  });
  routes.route({
    method: 'GET',
    path: '/v1/activity',
    auth: 'member',
    summary: 'Everything that happened in the project, over all areas',
    description:
      'Newest first. `area` and `kind` take several words with commas, `kind` also `build.*`. What is named in `streams` can be followed from here on.',
    query: activityQuery,
    answers: { 200: { description: 'One page; follow nextCursor also when it is short.', schema: activityPageSchema } },
    handle: async ({ who, input }) => {
      await room.events.published();
      return listActivity(room.log, who, input.query);
    },
  });
  routes.route({
    method: 'GET',
    path: '/v1/search',
    auth: 'member',
    summary: 'Find things by id or name',
    query: searchQuery,
    answers: { 200: { description: 'Best first, only what the credential may see.', schema: searchAnswerSchema } },
    handle: ({ who, input }) => searchThings(room, who, input.query),
  });
  routes.route({
    method: 'GET',
    path: '/v1/resolve/:id',
    auth: 'member',
    summary: 'What an id of any kind is, and where it is shown',
    params: z.strictObject({ id: z.string().min(1).max(64) }),
    answers: { 200: { description: 'Its kind and places.', schema: resolvedSchema } },
    handle: ({ who, input }) => resolveId(room, who, input.params.id),
  });
  routes.route({
    method: 'GET',
    path: '/v1/checklist',
    auth: 'member',
    summary: 'First steps, by what there is already',
    answers: { 200: { description: 'Steps in their order.', schema: checklistSchema } },
    handle: ({ who }) => showChecklist(room, who),
  });
}

/** `/v1/system`, `/v1/system/series`, `/v1/jobs`, `/v1/config`. */
export function installationRoutes(room: RunningRoom, routes: Routes): void {
  routes.route({
    method: 'GET',
    path: '/v1/system',
    auth: 'member',
    summary: 'How this node, its database, its log and its rooms are',
    description: forInstallation,
    answers: { 200: { description: 'Numbers with thresholds and what to do.', schema: systemSchema } },
    handle: ({ who }) => {
      requireInstallation(who);
      return showSystem(room);
    },
  });
  routes.route({
    method: 'GET',
    path: '/v1/system/series',
    auth: 'member',
    summary: 'Numbers of this node over the last day, at most 500 points',
    description: `${forInstallation} The stream \`installation/samples\` has one record a second.`,
    query: seriesQuery,
    answers: { 200: { description: 'Columns; null where nothing was measured.', schema: seriesSchema } },
    handle: ({ who, input }) => {
      requireInstallation(who);
      return showSeries(room, input.query);
    },
  });
  routes.route({
    method: 'GET',
    path: '/v1/config',
    auth: 'member',
    summary: 'Every setting as it is in effect, and where it comes from',
    description: `${forInstallation} Secrets are said to be set or not.`,
    answers: { 200: { description: 'Settings in the order of the reference.', schema: configAnswerSchema } },
    handle: ({ who }) => {
      requireInstallation(who);
      return room.config();
    },
  });
  jobRoutes(room, routes);
}

function jobRoutes(room: RunningRoom, routes: Routes): void {
  routes.route({
    method: 'GET',
    path: '/v1/jobs',
    auth: 'member',
    summary: 'What the servers do for themselves: jobs of every kind',
    description: forInstallation,
    query: jobsQuery,
    answers: { 200: { description: 'Youngest first.', schema: pageOf(jobSummarySchema) } },
    handle: ({ who, input }) => {
      requireInstallation(who);
      return showJobs(room, input.query);
    },
  });
  routes.route({
    method: 'GET',
    path: '/v1/jobs/:id',
    auth: 'member',
    summary: 'One job with what it carries',
    description: forInstallation,
    params: jobParams,
    answers: { 200: { description: 'The job; secrets are masked.', schema: jobDetailSchema } },
    handle: ({ who, input }) => {
      requireInstallation(who);
      return showJob(room, input.params.id);
    },
  });
  const admin = { scope: 'accounts:admin' } as const;
  routes.route({
    method: 'POST',
    path: '/v1/jobs/:id/cancel',
    auth: admin,
    summary: 'Stop a job that is in line or running',
    description: forInstallation,
    params: jobParams,
    body: cancelJobSchema,
    answers: { 200: { description: 'The job; a running one ends when its handler does.', schema: jobDetailSchema } },
    handle: (call) => {
      requireInstallation(call.who);
      return cancelJob(room, asker(call), call.input.params.id, call.input.body.reason);
    },
  });
  routes.route({
    method: 'POST',
    path: '/v1/jobs/:id/retry',
    auth: admin,
    summary: 'Run a failed job once more, or a waiting one at once',
    description: forInstallation,
    params: jobParams,
    body: z.strictObject({}),
    answers: { 200: { description: 'The job that runs now: of a failed one a new one.', schema: jobDetailSchema } },
    handle: (call) => {
      requireInstallation(call.who);
      return retryJob(room, asker(call), call.input.params.id);
    },
  });
  routes.route({
    method: 'POST',
    path: '/v1/jobs/:id/snooze',
    auth: admin,
    summary: 'Let a job in line wait until a time',
    description: forInstallation,
    params: jobParams,
    body: snoozeJobSchema,
    answers: { 200: { description: 'The job.', schema: jobDetailSchema } },
    handle: (call) => {
      requireInstallation(call.who);
      return snoozeJob(room, asker(call), call.input.params.id, new Date(call.input.body.until));
    },
  });
}
