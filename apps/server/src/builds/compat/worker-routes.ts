import { MusterError } from '#kernel/base';
import { type Call, type RequestHead } from '#kernel/http';
import { abandonBuild } from '../abandon-build.ts';
import { arriveWorker } from '../arrive-worker.ts';
import { failBuild } from '../fail-build.ts';
import { readBuildRow } from '../queries/build-row.ts';
import type { Room } from '../room.ts';
import { unregisterWorker } from '../unregister-worker.ts';
import {
  type ByKey,
  type ByVm,
  type ByWorker,
  byKey,
  byVm,
  byWorkerToken,
  findOldWorker,
  type Held,
  headerOf,
  queryOf,
  requireHeld,
  requireLegacyBuild,
  workerNameOf,
} from './auth.ts';
import { readBody, textOf } from './body.ts';
import { refuse, texts } from './legacy-error.ts';
import type { Declare } from './legacy-routes.ts';
import { findWorker, readWorkerStats } from './queries.ts';
import { jobAnswer, workerStatsAnswer } from './shapes.ts';
import { signOfLife } from './signs.ts';
import { newOtp, tokenForPoll } from './tokens.ts';

const holdMsMax = 25_000;

/** What a worker itself says: asks for work, gives it back, fails, lives, leaves. */
export function workerRoutes(room: Room, declare: Declare): void {
  declare(
    'GET',
    '/api/workers/poll',
    (head) => poller(room, head),
    async (call) => {
      const { token, worker } = call.who;
      const job = await pollForJob(room, call, call.who);
      return { job, access_token: await room.db.transaction((tx) => tokenForPoll(tx, worker.id, token)) };
    },
  );
  declare(
    'POST',
    '/api/workers/fail',
    (head) => reporter(room, head),
    async (call) => {
      const body = await readBody(call);
      const held = await requireNamed(room, call.who, textOf(body, 'build_id'));
      const text = textOf(body, 'error') ?? textOf(body, 'error_message') ?? 'Build failed';
      await failBuild(room, held, { ...held, failure: { code: 'worker_reported', detail: text } });
      return { success: true, message: 'Build marked as failed' };
    },
  );
  declare(
    'POST',
    '/api/workers/heartbeat',
    (head) => reporter(room, head),
    async (call) => {
      const held = await requireNamed(room, call.who, textOf(await readBody(call), 'build_id'));
      await beat(room, held, undefined);
      return { success: true };
    },
  );
  declare(
    'POST',
    '/api/workers/abandon',
    (head) => workerOnly(room, head),
    async (call) => {
      const body = await readBody(call);
      const held = await requireNamed(room, call.who, textOf(body, 'build_id'));
      await abandonBuild(room, held, { ...held, reason: (textOf(body, 'reason') ?? '').slice(0, 500) });
      return { success: true, message: 'Build requeued successfully' };
    },
  );
  declare(
    'POST',
    '/api/workers/unregister',
    (head) => workerOnly(room, head),
    async (call) => leave(room, call.who),
  );
  declare(
    'POST',
    '/api/workers/:id/unregister',
    (head) => byKey(room, head, 'builds:operate'),
    async (call) => leave(room, await namedWorker(room, call)),
  );
  declare(
    'GET',
    '/api/workers/:id/stats',
    (head) => byKey(room, head, 'builds:read'),
    async (call) => {
      const stats = await readWorkerStats(room.db, (await namedWorker(room, call)).worker.id);
      if (!stats) throw refuse(404, texts.noWorker);
      return workerStatsAnswer(stats);
    },
  );
}

/** W; or K and I. A worker id that is not known is 404 here, so that its worker registers anew. */
async function poller(room: Room, head: RequestHead): Promise<ByWorker> {
  const token = headerOf(head, 'x-worker-token');
  if (token !== undefined) return byWorkerToken(room, token, true);
  if (headerOf(head, 'x-api-key') === undefined) throw refuse(401, texts.noPollCredential);
  const key = await byKey(room, head, 'builds:operate');
  const name = workerNameOf(head);
  if (name === undefined) throw refuse(400, 'worker_id required');
  const worker = await findOldWorker(room, key.projectId, name);
  if (!worker) throw refuse(404, texts.noWorker);
  return { kind: 'worker', worker, projectId: key.projectId };
}

/** The held build once more with a fresh password; else the next in line, or nothing. Never a second one. */
export async function pollForJob(
  room: Room,
  call: Pick<Call, 'query' | 'afterAnswer' | 'signal'> & RequestHead,
  { worker }: ByWorker,
): Promise<unknown> {
  const row = await arriveWorker(room, { workerId: worker.id, projectId: worker.projectId });
  const active = row.held.find(({ state }) => state !== 'cancelling');
  if (active) {
    const held = { buildId: active.buildId, term: active.term, workerId: worker.id, projectId: worker.projectId };
    await extend(room, held);
    return jobOf(room, held);
  }
  // Its one seat is taken by a build that is being stopped.
  if (row.held.length > 0) return null;
  const waitMs = waitOf(call, room.config.legacyPollHoldMs);
  const { job } = await room.live.dispatch.park(row, { held: [], free: 1, waitMs, signal: call.signal });
  if (!job) return null;
  call.afterAnswer((sent) => {
    if (!sent) void room.live.dispatch.lost(job);
  });
  return jobOf(room, { buildId: job.build.id, term: job.build.term });
}

/** A repeat of the poll is not yet a sign of work: an assigned build stays assigned. */
async function extend(room: Room, held: Held): Promise<void> {
  await room.live.leases.ask(held, { buildId: held.buildId, term: held.term });
}

async function jobOf(room: Room, { buildId, term }: { buildId: string; term: number }): Promise<unknown> {
  const row = await readBuildRow(room.db, buildId);
  if (!row) return null;
  const otp = await room.db.transaction((tx) => newOtp(tx, { id: buildId, term }));
  return jobAnswer(row, otp, room.config.baseImage);
}

function waitOf(call: Pick<Call, 'query'> & RequestHead, otherwise: number): number {
  const found = /^(\d{1,6})(ms|s)?$/.exec(queryOf(call, 'wait') ?? '');
  const asked = found ? Number(found[1]) * (found[2] === 's' ? 1_000 : 1) : otherwise;
  return Math.min(asked, holdMsMax);
}

/** W, K or V, whichever is there. K speaks for whoever holds the build. */
async function reporter(
  room: Room,
  head: RequestHead,
): Promise<ByWorker | ByKey | { kind: 'vm-token'; token: string }> {
  const vm = headerOf(head, 'x-vm-token');
  if (vm !== undefined) return { kind: 'vm-token', token: vm };
  const token = headerOf(head, 'x-worker-token');
  if (token !== undefined) return byWorkerToken(room, token);
  return byKey(room, head, 'builds:operate');
}

type Reporter = Awaited<ReturnType<typeof reporter>>;

/** The attempt of the build a body names. 400, 404, 403. */
async function requireNamed(room: Room, who: Reporter, buildId: string | undefined): Promise<Held> {
  if (buildId === undefined) throw refuse(400, 'build_id required');
  if (who.kind === 'vm-token') {
    // Its token says which build it is; the body must say the same, or the token is not known there.
    const vm: ByVm = await byVm(room, buildId, who.token, { succeeded: true });
    return requireHeld(await requireLegacyBuild(room, vm.projectId, buildId), vm);
  }
  const row = await requireLegacyBuild(room, who.projectId, buildId);
  if (who.kind === 'worker') return requireHeld(row, who);
  const worker = row.workerId === null ? undefined : await findOldWorker(room, who.projectId, row.workerId);
  if (!worker) throw refuse(403, texts.notHolder);
  return requireHeld(row, { kind: 'worker', worker, projectId: who.projectId });
}

/**
 * The attempt lives. After success it is answered as if it went on: anything else makes the worker tear a good build down.
 * 409 once it was stopped or ended otherwise: an unmodified worker stops at anything but 200.
 */
export async function beat(room: Room, held: Held, progress: number | undefined): Promise<void> {
  const row = await requireLegacyBuild(room, held.projectId, held.buildId);
  if (row.state === 'succeeded') return;
  if (row.state === 'cancelled' || row.state === 'cancelling') throw refuse(409, texts.cancelled);
  try {
    const { state } = await signOfLife(room, held, 'heartbeat', { progress });
    if (state === 'cancelling') throw refuse(409, texts.cancelled);
  } catch (error) {
    if (error instanceof MusterError && error.reason === 'finished') throw refuse(409, 'Build already finished');
    throw error;
  }
}

const workerOnly = async (room: Room, head: RequestHead): Promise<ByWorker> => {
  const token = headerOf(head, 'x-worker-token');
  if (token === undefined) throw refuse(401, 'Missing X-Worker-Token header (unauthorized)');
  return byWorkerToken(room, token);
};

async function namedWorker(room: Room, call: Call<ByKey>): Promise<ByWorker> {
  const { projectId } = call.who;
  const worker = await findWorker(room.db, projectId, call.params['id'] ?? '');
  if (!worker) throw refuse(404, texts.noWorker);
  return { kind: 'worker', worker, projectId };
}

async function leave(room: Room, { worker }: ByWorker): Promise<Record<string, unknown>> {
  const { released } = await unregisterWorker(room, { workerId: worker.id, projectId: worker.projectId });
  return { success: true, message: 'Worker unregistered', builds_reassigned: released };
}
