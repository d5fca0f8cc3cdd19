import {
  buildLimits,
  buildSchema,
  buildSummarySchema,
  bulkAnswerSchema,
  bulkSchema,
  cancelBuildSchema,
  changeBuildSchema,
  durationSchema,
  pageOf,
  pageQuery,
  retrySchema,
  submitJsonSchema,
  submittedSchema,
} from '@muster/protocol';
import { z } from 'zod';
import type { Principal } from '#kernel/auth';
import { invalid } from '#kernel/base';
import { answer, type Call, type Routes } from '#kernel/http';
import { noSuchBuild, requireBuild } from './access.ts';
import { showBuild } from './build-shape.ts';
import { bulkBuilds, readBulk, stopBulk } from './bulk-builds.ts';
import { cancelBuild } from './cancel-build.ts';
import { changeBuild } from './change-build.ts';
import { countRefusals } from './count-refusals.ts';
import { countProjectBuilds, listProjectBuilds } from './list-builds.ts';
import { readBuildRow } from './queries/build-row.ts';
import { admitSmall, asked, onceOf, submitJson, submitMultipart } from './receive-submit.ts';
import { retryOnce } from './retry-build.ts';
import type { Room } from './room.ts';
import { sourceMissing } from './store-source.ts';
import { waitForBuild, waitGoals } from './wait-build.ts';

const oneBuild = z.object({ id: z.string() });
const word = z.string().max(330).optional();
const filters = z.object({
  state: word,
  queue: word,
  platform: word,
  tag: word,
  worker: word,
  key: word,
  since: word,
  until: word,
  ids: z.string().max(8_192).optional(),
  attribution: word,
  failure: word,
  retried: z
    .enum(['true', 'false'])
    .transform((word) => word === 'true')
    .optional(),
  q: z.string().min(1).max(200).optional(),
});
const waiting = z.object({
  wait: durationSchema(buildLimits.waitMsMax).default(0),
  until: z.enum(waitGoals).default('finished'),
});
/** Who submits without a source is told so, rather than which union did not match. */
const jsonSubmit = submitJsonSchema.partial({ source: true });
const theBuild = { description: 'The build', schema: buildSchema };

/** `/v1/builds`: submit, look, cancel, retry, change, bulk. */
export function buildRoutes(room: Room): (http: Routes) => void {
  const show = async (id: string): Promise<z.output<typeof buildSchema>> => {
    const row = await readBuildRow(room.db, id);
    if (!row) throw noSuchBuild();
    return await showBuild(room, room.db, row);
  };

  return (http) => {
    http.route({
      method: 'POST',
      path: '/v1/builds',
      auth: { scope: 'builds:operate' },
      summary: 'Submit a build',
      description:
        'Multipart with the files `source` and `certs` and the JSON field `build`, in any order; or JSON that names files which are here already. With an `Idempotency-Key` a repeat of the same fields and contents gets the first answer.',
      accepts: {
        'multipart/form-data': 'source, certs?, build',
        'application/json': 'what a build needs, source and certs by reference',
      },
      status: 201,
      answers: { 201: { description: 'The build, and its access token once', schema: submittedSchema } },
      handle: (call) => countRefusals(room, () => submit(room, call)),
    });
    http.route({
      method: 'GET',
      path: '/v1/builds',
      auth: { scope: 'builds:read' },
      summary: 'Builds, newest first',
      description:
        '`state` takes several, with commas. `tag` is a name or `name=value`. `attribution` and `failure` are those of a failed build, `retried=true` asks for a second attempt. A page may be empty and still lead on: follow `nextCursor`.',
      query: pageQuery.extend(filters.shape),
      answers: { 200: { description: 'One page', schema: pageOf(buildSummarySchema) } },
      handle: ({ who, input }) => listProjectBuilds(room, who, input.query),
    });
    http.route({
      method: 'GET',
      path: '/v1/builds/count',
      auth: { scope: 'builds:read' },
      summary: 'How many builds match, up to 10,000',
      query: z.object(filters.shape),
      answers: {
        200: {
          description: 'The count; not `exact` when there are more',
          schema: z.object({ count: z.number().int(), exact: z.boolean() }),
        },
      },
      handle: ({ who, input }) => countProjectBuilds(room, who, input.query),
    });
    http.route({
      method: 'GET',
      path: '/v1/builds/:id',
      auth: { scope: 'builds:read', or: ['build', 'attempt', 'worker'] },
      summary: 'One build, whole; with `wait` as soon as it is running or finished',
      params: oneBuild,
      query: waiting,
      rate: 'exempt',
      answers: { 200: theBuild },
      handle: async (call) => {
        const { id } = call.input.params;
        const row = await requireBuild(room, room.db, call.who, id, 'read');
        const { wait, until } = call.input.query;
        if (wait === 0) return await showBuild(room, room.db, row);
        await waitForBuild(room, call, id, until, wait);
        return await show(id);
      },
    });
    http.route({
      method: 'POST',
      path: '/v1/builds/:id/cancel',
      auth: { scope: 'builds:operate', or: ['build'] },
      summary: 'Stop a build',
      params: oneBuild,
      body: cancelBuildSchema,
      answers: {
        200: { description: 'It is cancelled', schema: buildSchema },
        202: { description: 'Its worker is being told', schema: buildSchema },
      },
      handle: async ({ who, input }) => {
        const { state } = await cancelBuild(room, who, input.params.id, { reason: input.body.reason });
        return answer(state === 'cancelling' ? 202 : 200, await show(input.params.id));
      },
    });
    http.route({
      method: 'POST',
      path: '/v1/builds/:id/retry',
      auth: { scope: 'builds:operate', or: ['build'] },
      summary: 'A new build of the same files; `env` is laid over the old one',
      params: oneBuild,
      body: retrySchema,
      status: 201,
      answers: { 201: { description: 'The new build, and its access token once', schema: submittedSchema } },
      handle: (call) =>
        countRefusals(room, () =>
          retryOnce(
            room,
            call.who,
            call.input.params.id,
            { ...call.input.body, asked: asked(call) },
            onceOf(call, [call.input.params.id, call.input.body]),
          ),
        ),
    });
    http.route({
      method: 'PATCH',
      path: '/v1/builds/:id',
      auth: { scope: 'builds:operate', or: ['build'] },
      summary: 'Change name and tags; of a queued build also priority, requires, notBefore',
      params: oneBuild,
      body: changeBuildSchema,
      answers: { 200: theBuild },
      handle: async (call) => {
        const { id } = call.input.params;
        await changeBuild(room, call.who, id, call.input.body, {
          ifMatch: (version) => call.ifMatch(version),
          asked: asked(call),
        });
        return await show(id);
      },
    });
    http.route({
      method: 'POST',
      path: '/v1/builds/bulk',
      auth: { scope: 'builds:operate' },
      summary: 'The same change to many builds',
      body: bulkSchema,
      bodyBytesMax: 8 * 2 ** 20,
      status: 202,
      answers: { 202: { description: 'How many match, and the job that works them off', schema: bulkAnswerSchema } },
      handle: (call) => bulkBuilds(room, call.who, call.input.body, call.once(), asked(call)),
    });
    http.route({
      method: 'GET',
      path: '/v1/builds/bulk/:id',
      auth: { scope: 'builds:read' },
      summary: 'How far a bulk action is',
      params: oneBuild,
      answers: { 200: { description: 'Progress and refusals', schema: bulkAnswerSchema } },
      handle: ({ who, input }) => readBulk(room, who, input.params.id),
    });
    http.route({
      method: 'POST',
      path: '/v1/builds/bulk/:id/stop',
      auth: { scope: 'builds:operate' },
      summary: 'Leave the rest of a bulk action undone',
      params: oneBuild,
      body: z.strictObject({}),
      answers: { 200: { description: 'How far it came', schema: bulkAnswerSchema } },
      handle: (call) => stopBulk(room, call.who, call.input.params.id, asked(call)),
    });
  };
}

async function submit(room: Room, call: Call<Principal>): Promise<z.output<typeof submittedSchema>> {
  switch (call.contentType) {
    case 'multipart/form-data':
      return await submitMultipart(room, call);
    case 'application/json':
    case '': {
      await admitSmall(room, call.who);
      const { source, ...input } = await call.json(jsonSubmit);
      if (!source) throw sourceMissing();
      return await submitJson(room, call, { ...input, source });
    }
    default:
      throw invalid(
        'wrong_content_type',
        `This call takes multipart/form-data or application/json, not ${call.contentType.slice(0, 100)}.`,
        {
          status: 415,
          extra: { expected: ['multipart/form-data', 'application/json'] },
        },
      );
  }
}
