import { Readable } from 'node:stream';
import { answer, type Call } from '#kernel/http';
import { cancelBuild } from '../cancel-build.ts';
import { sendBlob } from '../open-blob.ts';
import { type ArtifactRow, readArtifacts } from '../queries/artifacts.ts';
import type { BuildRow } from '../queries/build-row.ts';
import { readLog } from '../read-log.ts';
import { retryBuild } from '../retry-build.ts';
import type { Room } from '../room.ts';
import { type ByBuild, type ByKey, byKey, byKeyOrBuild, queryOf, requireLegacyBuild } from './auth.ts';
import { because, refuse, texts } from './legacy-error.ts';
import type { Declare } from './legacy-routes.ts';
import { countBuilds, countStates, findWorker, type ListFilter, listBuilds } from './queries.ts';
import { activeElement, listElement, resultName, statesOf, statisticsOf, statusAnswer } from './shapes.ts';

const listMax = 1_000;

/** What the old CLI and dashboards read, and cancel and retry. */
export function readRoutes(room: Room, declare: Declare): void {
  const reader = (head: Parameters<typeof byKey>[1]): Promise<ByKey> => byKey(room, head, 'builds:read');
  const either = (head: Parameters<typeof byKey>[1]): Promise<ByKey | ByBuild> =>
    byKeyOrBuild(room, head, 'builds:read');
  const operator = (head: Parameters<typeof byKey>[1]): Promise<ByKey | ByBuild> =>
    byKeyOrBuild(room, head, 'builds:operate');

  declare('GET', '/api/builds', reader, async (call) => {
    const { projectId } = call.who;
    const filter = await filterOf(room, projectId, call);
    const builds = filter === 'none' ? [] : (await listBuilds(room.db, projectId, filter)).map(listElement);
    const total = filter === 'none' ? 0 : await countBuilds(room.db, projectId, filter);
    const body = queryOf(call, 'shape') === 'object' ? { builds, total } : builds;
    return answer(200, body, { 'x-total-count': String(total) });
  });
  declare('GET', '/api/builds/active', reader, async (call) => {
    const filter: ListFilter = { states: ['assigned', 'running'], workerId: null, platform: null, limit: listMax };
    return { builds: (await listBuilds(room.db, call.who.projectId, filter)).map(activeElement) };
  });
  declare('GET', '/api/builds/statistics', reader, async (call) =>
    statisticsOf(await countStates(room.db, call.who.projectId)),
  );
  declare('GET', '/api/builds/:id', either, async (call) => listElement(await listedBuild(room, call)));
  declare('GET', '/api/builds/:id/status', either, async (call) => statusAnswer(await listedBuild(room, call)));
  declare('GET', '/api/builds/:id/logs', either, async (call) => {
    const limit = limitOf(call, Number.POSITIVE_INFINITY);
    const row = await requireLegacyBuild(room, call.who.projectId, call.params['id'] ?? '');
    const body = Readable.from(logsBody(room, row, limit), { objectMode: false });
    return answer(200, body, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
  });
  declare('GET', '/api/builds/:id/download', either, (call) => download(room, call, undefined));
  declare('GET', '/api/builds/:id/download/:type', either, (call) => download(room, call, call.params['type']));
  declare('POST', '/api/builds/:id/cancel', operator, async (call) => {
    const row = await requireLegacyBuild(room, call.who.projectId, call.params['id'] ?? '');
    try {
      await cancelBuild(room, call.who.who, row.id, {});
    } catch (error) {
      if (because(error, 'finished')) throw refuse(400, 'Build already finished: cannot be cancelled in current state');
      throw error;
    }
    return { success: true, status: 'cancelled' };
  });
  declare('POST', '/api/builds/:id/retry', operator, async (call) => {
    const row = await requireLegacyBuild(room, call.who.projectId, call.params['id'] ?? '');
    try {
      const { build, accessToken } = await retryBuild(room, call.who.who, row.id, { unfinished: true });
      return {
        id: build.id,
        status: 'pending',
        submitted_at: build.submittedAt.getTime(),
        access_token: accessToken,
        original_build_id: row.id,
      };
    } catch (error) {
      if (!because(error, 'source_expired')) throw error;
      throw refuse(400, 'Original build source no longer available. Please submit a new build.');
    }
  });
}

async function filterOf(room: Room, projectId: string, call: Call<ByKey>): Promise<ListFilter | 'none'> {
  const status = queryOf(call, 'status');
  const states = status === undefined ? null : statesOf(status);
  if (states === undefined) throw refuse(400, 'Invalid status filter');
  const platform = queryOf(call, 'platform') ?? null;
  const limit = Math.min(limitOf(call, listMax), listMax);
  const name = queryOf(call, 'worker_id');
  const worker = name === undefined ? undefined : await findWorker(room.db, projectId, name);
  if (name !== undefined && !worker) return 'none';
  return { states, workerId: worker?.id ?? null, platform, limit };
}

function limitOf(call: Call, otherwise: number): number {
  const given = queryOf(call, 'limit');
  if (given === undefined) return otherwise;
  if (!/^\d{1,9}$/.test(given)) throw refuse(400, 'Invalid limit');
  return Number(given);
}

async function listedBuild(
  room: Room,
  call: Call<ByKey | ByBuild>,
): Promise<Awaited<ReturnType<typeof listBuilds>>[number]> {
  const id = call.params['id'] ?? '';
  const filter: ListFilter = { states: null, workerId: null, platform: null, id, limit: 1 };
  const [build] = await listBuilds(room.db, call.who.projectId, filter);
  if (!build) throw refuse(404, texts.noBuild);
  return build;
}

const chunkChars = 64 * 1024;

/** `{build_id, logs: […]}` written while it is read: oldest first, the first `limit` lines. Parts of a cut line are one line. */
async function* logsBody(room: Room, row: BuildRow, limit: number): AsyncGenerator<string, void, void> {
  let chunk = `{"build_id":${JSON.stringify(row.id)},"logs":[`;
  let open: { timestamp: number; level: string; message: string } | undefined;
  let written = 0;
  const close = (): string => {
    if (!open || written >= limit) return '';
    return `${written++ > 0 ? ',' : ''}${JSON.stringify(open)}`;
  };
  if (limit > 0) {
    for await (const record of readLog(room, row)) {
      if (record.cont === true && open) {
        open.message += record.text;
        continue;
      }
      chunk += close();
      if (written >= limit) break;
      open = { timestamp: Date.parse(record.at), level: record.level, message: record.text };
      if (chunk.length < chunkChars) continue;
      yield chunk;
      chunk = '';
    }
    chunk += close();
  }
  yield `${chunk}]}`;
}

async function download(room: Room, call: Call<ByKey | ByBuild>, type: string | undefined): Promise<unknown> {
  if (type !== undefined && type !== 'result' && type !== 'source') throw refuse(400, 'Invalid file type');
  const row = await requireLegacyBuild(room, call.who.projectId, call.params['id'] ?? '');
  if (type === 'source')
    return sendSource(room, call, row, { contentType: 'application/octet-stream', missing: 'Build or file not found' });
  const finishedOtherwise = row.state === 'failed' || row.state === 'cancelled' || row.state === 'cancelling';
  if (type === undefined && finishedOtherwise) throw refuse(400, 'Build not completed');
  const artifact = row.state === 'succeeded' ? await resultOf(room, row) : undefined;
  if (!artifact) throw refuse(404, 'Build or file not found');
  const file = { blob: artifact.blob, bytes: artifact.sizeBytes, sha256: artifact.sha256 };
  const label = {
    fileName: resultName(row),
    contentType: 'application/octet-stream',
    buildId: row.id,
    projectId: row.projectId,
  };
  return missingAs('Build or file not found', () => sendBlob(room, call, file, label));
}

async function resultOf(room: Room, row: BuildRow): Promise<ArtifactRow | undefined> {
  const artifacts = (await readArtifacts(room.db, row.id)).filter(
    (artifact) => artifact.removedAt === null && artifact.term === row.term,
  );
  return artifacts.find((artifact) => artifact.primary) ?? artifacts[0];
}

/** The source as it was sent; also for the holder, under its own headers. */
export async function sendSource(
  room: Room,
  call: Call,
  row: BuildRow,
  how: { contentType: string; missing: string },
): Promise<unknown> {
  if (row.inputsRemovedAt) throw refuse(404, how.missing);
  const file = { blob: row.sourceBlob, bytes: row.sourceBytes, sha256: row.sourceSha256 };
  const label = { fileName: `${row.id}.zip`, contentType: how.contentType, buildId: row.id, projectId: row.projectId };
  return missingAs(how.missing, () => sendBlob(room, call, file, label));
}

async function missingAs<T>(text: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (because(error, 'artifact_gone')) throw refuse(404, text);
    throw error;
  }
}
