import {
  abandonSchema,
  buildLimits,
  buildStates,
  changeWorkerSchema,
  claimAnswerSchema,
  claimSchema,
  durationSchema,
  failSchema,
  heartbeatAnswerSchema,
  heartbeatSchema,
  idSchema,
  pageOf,
  pageQuery,
  registeredSchema,
  registerWorkerSchema,
  resultSchema,
  startSchema,
  stoppedSchema,
  workerSchema,
} from '@muster/protocol';
import { z } from 'zod';
import type { Routes } from '#kernel/http';
import { abandonBuild } from './abandon-build.ts';
import { noSuchWorker } from './arrive-worker.ts';
import { changeWorker } from './change-worker.ts';
import { confirmStop } from './confirm-stop.ts';
import { drainWorker, resumeWorker } from './drain-worker.ts';
import { evictBuild } from './evict-build.ts';
import { failBuild } from './fail-build.ts';
import { listWorkers, readWorker } from './queries/workers.ts';
import { asked } from './receive-submit.ts';
import { registerWorker } from './register-worker.ts';
import { removeWorker } from './remove-worker.ts';
import type { Room } from './room.ts';
import { replaceToken, rotateToken } from './rotate-token.ts';
import { startBuild } from './start-build.ts';
import { storeResult } from './store-result.ts';
import { unregisterWorker } from './unregister-worker.ts';
import { claimCall, heartbeatCall } from './worker-calls.ts';
import { workerEvents } from './worker-events.ts';
import { showWorker } from './worker-shape.ts';

const build = z.strictObject({ id: idSchema('build') });
const workerId = z.strictObject({ id: idSchema('worker') });
const waitQuery = z.object({ wait: durationSchema(buildLimits.waitMsMax).optional() });
const drainBody = z.strictObject({ reason: z.string().max(500).default(''), exit: z.boolean().default(true) });
const resumeBody = z.strictObject({ reason: z.string().max(500).default('') });
const stateAnswer = z.object({ state: z.enum(buildStates) });
const startedAnswer = stateAnswer.extend({ leaseUntil: z.iso.datetime(), stopReason: z.string().nullable() });

/** What a worker calls about itself and its attempts: `/v1/workers/me/…`. */
export function workerRoutes(room: Room): (http: Routes) => void {
  return (http) => {
    operatorRoutes(room, http);
    selfRoutes(room, http);
    attemptRoutes(room, http);
  };
}

function selfRoutes(room: Room, http: Routes): void {
  http.route({
    method: 'POST',
    path: '/v1/workers/me/claim',
    auth: 'worker',
    summary: 'Wait for a build',
    query: waitQuery,
    body: claimSchema,
    rate: 'exempt',
    answers: { 200: { description: 'A job, or nothing and when to ask again.', schema: claimAnswerSchema } },
    handle: (call) => claimCall(room, call, call.input.body, call.input.query.wait ?? 0),
  });
  http.route({
    method: 'POST',
    path: '/v1/workers/me/heartbeat',
    auth: 'worker',
    summary: 'Extend the leases of builds, and hear what there is to be told',
    query: waitQuery,
    body: heartbeatSchema,
    rate: 'exempt',
    answers: { 200: { description: 'Leases and instructions.', schema: heartbeatAnswerSchema } },
    handle: (call) => heartbeatCall(room, call, call.input.body.leases, call.input.query.wait ?? 0),
  });
  http.route({
    method: 'GET',
    path: '/v1/workers/me/events',
    auth: 'worker',
    summary: 'Jobs and instructions as server-sent events',
    rate: 'exempt',
    answers: {
      200: { description: 'Events `job`, `cancel`, `drain`, `resume`, `ping`.', contentType: 'text/event-stream' },
    },
    handle: (call) => workerEvents(room, call),
  });
  http.route({
    method: 'POST',
    path: '/v1/workers/me/token',
    auth: 'worker',
    summary: 'Another token; the present one stays valid for 60 s',
    answers: { 200: { description: 'The worker and its new token, shown once.', schema: registeredSchema } },
    handle: (call) => rotateToken(room, call.who),
  });
  http.route({
    method: 'PATCH',
    path: '/v1/workers/me',
    auth: 'worker',
    summary: 'Change own labels or seats',
    body: changeWorkerSchema,
    answers: { 200: { description: 'The worker.', schema: workerSchema } },
    handle: (call) => changeWorker(room, call.who, call.input.body),
  });
  http.route({
    method: 'POST',
    path: '/v1/workers/me/unregister',
    auth: 'worker',
    summary: 'Leave; builds that are held are in line again at once',
    answers: { 200: { description: 'How many builds went back.', schema: z.object({ released: z.number().int() }) } },
    handle: (call) => unregisterWorker(room, call.who),
  });
  http.route({
    method: 'POST',
    path: '/v1/workers/me/drain',
    auth: 'worker',
    summary: 'Take no new builds, and hear `exit` after the last one',
    body: drainBody,
    answers: { 200: { description: 'The worker.', schema: workerSchema } },
    handle: (call) => drainWorker(room, call.who, call.who.workerId, call.input.body),
  });
  http.route({
    method: 'POST',
    path: '/v1/workers/me/resume',
    auth: 'worker',
    summary: 'Take builds again',
    body: resumeBody,
    answers: { 200: { description: 'The worker.', schema: workerSchema } },
    handle: (call) => resumeWorker(room, call.who, call.who.workerId, call.input.body),
  });
}

function attemptRoutes(room: Room, http: Routes): void {
  const path = (verb: string): string => `/v1/workers/me/builds/:id/${verb}`;
  const answers = { 200: { description: 'Where the build stands.', schema: stateAnswer } };
  http.route({
    method: 'POST',
    path: path('start'),
    auth: 'worker',
    summary: 'The attempt began',
    params: build,
    body: startSchema,
    answers: { 200: { description: 'Where the build stands; `cancelling` means stop.', schema: startedAnswer } },
    handle: async (call) => {
      const { leaseUntil, ...started } = await startBuild(room, call.who, {
        buildId: call.input.params.id,
        term: call.input.body.term,
      });
      return { ...started, leaseUntil: leaseUntil.toISOString() };
    },
  });
  http.route({
    method: 'POST',
    path: path('result'),
    auth: 'worker',
    summary: 'The attempt succeeded',
    params: build,
    body: resultSchema,
    answers,
    handle: async (call) => {
      const { state } = await storeResult(room, call.who, { buildId: call.input.params.id, ...call.input.body });
      return { state };
    },
  });
  http.route({
    method: 'POST',
    path: path('fail'),
    auth: 'worker',
    summary: 'The attempt failed',
    params: build,
    body: failSchema,
    answers,
    handle: async (call) => {
      const { state } = await failBuild(room, call.who, { buildId: call.input.params.id, ...call.input.body });
      return { state };
    },
  });
  http.route({
    method: 'POST',
    path: path('abandon'),
    auth: 'worker',
    summary: 'Give the build back; it is in line again at its old place',
    params: build,
    body: abandonSchema,
    answers,
    handle: (call) => abandonBuild(room, call.who, { buildId: call.input.params.id, ...call.input.body }),
  });
  http.route({
    method: 'POST',
    path: path('stopped'),
    auth: 'worker',
    summary: 'Confirm that a stopped build has ended',
    params: build,
    body: stoppedSchema,
    answers,
    handle: (call) => confirmStop(room, call.who, { buildId: call.input.params.id, term: call.input.body.term }),
  });
}

function operatorRoutes(room: Room, http: Routes): void {
  http.route({
    method: 'POST',
    path: '/v1/workers',
    auth: { scope: 'builds:operate' },
    summary: 'Register a worker',
    body: registerWorkerSchema,
    status: 201,
    answers: { 201: { description: 'The worker and its token, shown once.', schema: registeredSchema } },
    handle: (call) => registerWorker(room, call.who, call.input.body, call.once()),
  });
  http.route({
    method: 'GET',
    path: '/v1/workers',
    auth: { scope: 'builds:read' },
    summary: 'Workers, newest first',
    query: pageQuery,
    answers: { 200: { description: 'A page of workers.', schema: pageOf(workerSchema) } },
    handle: async ({ who, input: { query } }) => {
      const rows = await listWorkers(room.db, {
        projectId: who.projectId,
        before: query.cursor ?? null,
        limit: query.limit + 1,
      });
      const items = rows.slice(0, query.limit);
      return {
        items: items.map(showWorker),
        nextCursor: rows.length > query.limit ? (items.at(-1)?.id ?? null) : null,
      };
    },
  });
  http.route({
    method: 'GET',
    path: '/v1/workers/:id',
    auth: { scope: 'builds:read' },
    summary: 'One worker',
    params: workerId,
    answers: { 200: { description: 'The worker.', schema: workerSchema } },
    handle: async ({ who, input }) => {
      const row = await readWorker(room.db, who.projectId, input.params.id);
      if (!row) throw noSuchWorker();
      return showWorker(row);
    },
  });
  http.route({
    method: 'POST',
    path: '/v1/workers/:id/drain',
    auth: { scope: 'builds:admin' },
    summary: 'Let a worker take no new builds',
    params: workerId,
    body: drainBody,
    answers: { 200: { description: 'The worker.', schema: workerSchema } },
    handle: (call) => drainWorker(room, call.who, call.input.params.id, call.input.body),
  });
  http.route({
    method: 'POST',
    path: '/v1/workers/:id/resume',
    auth: { scope: 'builds:admin' },
    summary: 'Let a worker take builds again',
    params: workerId,
    body: resumeBody,
    answers: { 200: { description: 'The worker.', schema: workerSchema } },
    handle: (call) => resumeWorker(room, call.who, call.input.params.id, call.input.body),
  });
  http.route({
    method: 'POST',
    path: '/v1/workers/:id/token',
    auth: { scope: 'builds:admin' },
    summary: 'Another token for a worker; the present one stays valid for 60 s',
    params: workerId,
    body: z.strictObject({}),
    answers: { 200: { description: 'The worker and its new token, shown once.', schema: registeredSchema } },
    handle: (call) => replaceToken(room, call.who, call.input.params.id, asked(call)),
  });
  http.route({
    method: 'POST',
    path: '/v1/workers/:id/evict',
    auth: { scope: 'builds:admin' },
    summary: 'Take a build from a worker',
    params: workerId,
    body: z.strictObject({ buildId: idSchema('build') }),
    answers: { 200: { description: 'Where the build stands.', schema: stateAnswer } },
    handle: (call) => evictBuild(room, call.who, call.input.params.id, call.input.body.buildId),
  });
  http.route({
    method: 'DELETE',
    path: '/v1/workers/:id',
    auth: { scope: 'builds:admin' },
    summary: 'Remove a worker that holds nothing; its history stays',
    params: workerId,
    handle: (call) => removeWorker(room, call.who, call.input.params.id),
  });
}
