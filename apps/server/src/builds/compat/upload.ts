import { MusterError } from '#kernel/base';
import { putBlob } from '#kernel/blobs';
import type { Call, Part, RequestHead } from '#kernel/http';
import { adoptResult } from '../adopt-result.ts';
import { failBuild } from '../fail-build.ts';
import { findArtifact } from '../queries/artifacts.ts';
import { newBlobKey } from '../queries/blob-names.ts';
import type { BuildRow } from '../queries/build-row.ts';
import type { Room } from '../room.ts';
import { storeArtifact } from '../store-artifact.ts';
import { storeResult } from '../store-result.ts';
import { attachResult, type StoredResult } from './attach-result.ts';
import {
  type ByKey,
  type ByName,
  type ByVm,
  type ByWorker,
  byKey,
  byVm,
  byWorkerToken,
  findOldWorker,
  type Held,
  headerOf,
  openProjectId,
  requireHeld,
  requireLegacyBuild,
  workerNameOf,
} from './auth.ts';
import { cleanText } from './body.ts';
import { because, refuse, texts } from './legacy-error.ts';
import type { Declare } from './legacy-routes.ts';
import { findHeld, type LegacyWorker, setPrimaryResult } from './queries.ts';
import { resultName } from './shapes.ts';
import { whileUploading } from './signs.ts';
import { attemptOf } from './vm.ts';

type Uploader = ByWorker | ByKey | ByName;

/** Results: of a worker, whose file often comes before it says whose it is; and of a virtual machine. */
export function uploadRoutes(room: Room, declare: Declare): void {
  for (const path of ['/api/workers/upload', '/api/workers/result']) {
    declare(
      'POST',
      path,
      (head) => uploader(room, head),
      async (call) => workerResult(room, call),
    );
  }
  declare(
    'POST',
    '/api/builds/:id/artifact',
    (head) => vmOf(room, head),
    async (call) => {
      const { who } = call;
      const row = await requireLegacyBuild(room, who.projectId, call.params['id'] ?? '');
      const held = requireHeld(row, who);
      const found = await whileUploading(room, held, () => storeVmArtifact(room, call, row, held));
      if (!found) throw refuse(400, 'No artifact file provided');
      await stopAs409(() => storeResult(room, held, { ...held, artifacts: [found] }));
      return { success: true };
    },
  );
}

/** W or K; nothing but names when workers without a key may register. */
async function uploader(room: Room, head: RequestHead): Promise<Uploader> {
  const token = headerOf(head, 'x-worker-token');
  if (token !== undefined) return byWorkerToken(room, token);
  if (room.config.legacyOpenRegistration && headerOf(head, 'x-api-key') === undefined) {
    return { kind: 'name', name: workerNameOf(head) ?? '' };
  }
  return byKey(room, head, 'builds:operate');
}

async function vmOf(room: Room, head: RequestHead): Promise<ByVm> {
  const token = headerOf(head, 'x-vm-token');
  if (token === undefined) throw refuse(401, 'Missing X-VM-Token header (unauthorized)');
  return byVm(room, head.params['id'] ?? '', token, {});
}

async function storeVmArtifact(room: Room, call: Call<ByVm>, row: BuildRow, held: Held): Promise<string | undefined> {
  let id: string | undefined;
  for await (const part of partsOf(room, call, 'artifact')) {
    if (part.kind !== 'file') continue;
    const input = { buildId: row.id, term: held.term, name: resultName(row) };
    const { artifact } = await stopAs409(() => storeArtifact(room, attemptOf(held), input, part.stream));
    id = artifact.id;
  }
  return id;
}

function partsOf(room: Room, call: Call, file: string): AsyncIterable<Part> {
  if (call.contentType !== 'multipart/form-data') throw refuse(400, texts.notMultipart);
  const { artifactBytesMax } = room.config;
  return call.multipart({
    bytesMax: artifactBytesMax + 2 ** 20,
    fileBytesMax: (name) => (name === file ? artifactBytesMax : undefined),
    fileTooLarge: () => refuse(413, 'Result file too large'),
  });
}

/** What came; `used` once a row refers to the file. */
type Said = { fields: ReadonlyMap<string, string>; file: StoredResult | undefined; used: boolean };

async function workerResult(room: Room, call: Call<Uploader>): Promise<Record<string, unknown>> {
  if (Number(call.headers['content-length'] ?? 0) > room.config.artifactBytesMax + 2 ** 20)
    throw refuse(413, 'Result file too large');
  const known = call.who.kind === 'worker' ? await heldBy(room, call.who.worker) : undefined;
  const said = await whileUploading(room, known, () => receive(room, call));
  try {
    const answer = await settle(room, call, said);
    await dropUnused(room, said);
    return answer;
  } catch (error) {
    // Where the database did not say no, it may have said yes: the file is left to the sweep.
    const saidNo = error instanceof MusterError && error.code !== 'unavailable' && error.code !== 'internal';
    if (saidNo) await dropUnused(room, said);
    throw error;
  }
}

async function dropUnused(room: Room, { file, used }: Said): Promise<void> {
  if (file && !used) await room.blobs.remove(file.blob);
}

async function heldBy(room: Room, worker: LegacyWorker): Promise<Held | undefined> {
  const held = await findHeld(room.db, worker.id);
  if (!held || held.state === 'cancelling') return undefined;
  return { buildId: held.id, term: held.term, workerId: worker.id, projectId: worker.projectId };
}

/** Stores the file under a name of ours, whoever it will turn out to belong to. A worker without a credential may send none. */
async function receive(room: Room, call: Call<Uploader>): Promise<Said> {
  const fields = new Map<string, string>();
  let file: StoredResult | undefined;
  try {
    for await (const part of partsOf(room, call, 'result')) {
      if (part.kind === 'field') {
        fields.set(part.name, part.value);
        continue;
      }
      if (call.who.kind === 'name') throw refuse(401, texts.noKey);
      await room.intake.checkDisk(Number(call.headers['content-length'] ?? 0));
      const blob = newBlobKey('artifact');
      file = { blob, ...(await putBlob(room.blobs, blob, part.stream, room.config.artifactBytesMax)) };
      room.metrics.uploadBytes.add({ purpose: 'artifact' }, file.bytes);
    }
  } catch (error) {
    if (file) await room.blobs.remove(file.blob);
    throw error;
  }
  return { fields, file, used: false };
}

async function settle(room: Room, call: Call<Uploader>, said: Said): Promise<Record<string, unknown>> {
  const { fields, file } = said;
  const buildId = fields.get('build_id');
  const worker = await workerOf(room, call, fields.get('worker_id'));
  if (!buildId || worker === 'unnamed') throw refuse(400, 'build_id and worker_id required');
  const projectId = call.who.kind === 'name' ? openProjectId : call.who.projectId;
  const row = await requireLegacyBuild(room, projectId, buildId);
  if (!worker) throw refuse(404, texts.noWorker);
  const succeeded = (fields.get('success') ?? 'true').toLowerCase() === 'true';
  const text = cleanText(fields.get('error_message') ?? '') || 'Build failed';
  const held: Held = { buildId: row.id, term: row.term, workerId: worker.id, projectId };

  if (row.state === 'queued') {
    if (call.who.kind !== 'key') throw refuse(403, texts.notHolder);
    if (succeeded && !file) throw refuse(400, 'Missing result file');
    await adopt(room, row, held, succeeded ? undefined : text, said);
    return answerOf(succeeded);
  }
  requireHeld(row, { kind: 'worker', worker, projectId });
  if (row.state === 'cancelling' || row.state === 'cancelled') {
    // Tells the machine that it stopped, and the worker that its result came too late.
    if (row.state === 'cancelling') await stopAs409(() => storeResult(room, held, { ...held, artifacts: [] }));
    throw refuse(409, texts.cancelled);
  }
  if (!succeeded) {
    await failBuild(room, held, { ...held, failure: { code: 'worker_reported', detail: text } });
    return answerOf(false);
  }
  if (!file) {
    // The virtual machine has brought the artifact already; its worker only says that all is well.
    if (row.state === 'succeeded') return answerOf(true);
    throw refuse(400, 'Missing result file');
  }
  await succeed(room, row, held, { said, file });
  return answerOf(true);
}

async function succeed(
  room: Room,
  row: BuildRow,
  held: Held,
  { said, file }: { said: Said; file: StoredResult },
): Promise<void> {
  if (row.state === 'failed') throw refuse(409, 'Build already finished');
  if (row.state === 'succeeded') {
    const found = await findArtifact(room.db, row.id, resultName(row), held.term);
    if (found?.sha256 === file.sha256) return;
    throw refuse(409, 'Build already has a different result');
  }
  said.used = await room.db.transaction((tx) => attachResult(room, tx, held, resultName(row), file));
  await stopAs409(() => storeResult(room, held, { ...held, artifacts: [] }));
}

/** Nobody holds it: claimed and ended in one transaction, by a worker the key's project knows. */
async function adopt(
  room: Room,
  row: BuildRow,
  held: Held,
  failureText: string | undefined,
  said: Said,
): Promise<void> {
  const { file } = said;
  const name = resultName(row);
  try {
    await adoptResult(room, held, {
      buildId: row.id,
      ...(failureText === undefined ? {} : { failureText }),
      also: async (tx, term) => {
        if (!file || failureText !== undefined) return;
        await attachResult(room, tx, { ...held, term }, name, file);
        await setPrimaryResult(tx, row.id, term, name);
      },
    });
    said.used = file !== undefined && failureText === undefined;
  } catch (error) {
    if (because(error, 'taken')) throw refuse(403, texts.notHolder);
    throw error;
  }
}

/** The worker a result is of: the one of the token, or the named one. */
async function workerOf(
  room: Room,
  call: Call<Uploader>,
  field: string | undefined,
): Promise<LegacyWorker | undefined | 'unnamed'> {
  const name = field || workerNameOf(call);
  const { who } = call;
  if (who.kind === 'worker') {
    if (name && name !== who.worker.id && name !== who.worker.alias) throw refuse(403, texts.notHolder);
    return who.worker;
  }
  if (!name) return 'unnamed';
  return findOldWorker(room, who.kind === 'key' ? who.projectId : openProjectId, name);
}

const answerOf = (succeeded: boolean): Record<string, unknown> => ({
  status: succeeded ? 'success' : 'failed',
  success: true,
  message: succeeded ? 'Result uploaded successfully' : 'Build marked as failed',
});

/** A build that was stopped says so in the words of the old API. */
async function stopAs409<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (because(error, 'build_cancelled')) throw refuse(409, texts.cancelled);
    throw error;
  }
}
