import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { MusterError, type Upload, uploadSchema } from '@muster/protocol';
import type { AttemptApi } from './api.ts';
import { BuildFailure } from './build-failure.ts';
import { untilAnswered } from './retrying.ts';
import type { OutcomeFile } from './state-file.ts';
import type { Log } from './worker-log.ts';

/** One piece in memory per running upload; also how much a cut connection can cost. */
const pieceBytes = 8 * 1024 * 1024;
const pieceTimeoutMs = 300_000;
/** An upload that the server lost, or whose digest came out wrong, begins anew this often. */
const uploadsMax = 4;

/**
 * Stores one file as an artifact of the attempt and returns its id. Pieces acknowledged by the server are never sent
 * again; after any trouble it asks how far the server is. Throws `BuildFailure` `artifact_too_large`.
 */
export async function uploadArtifact(
  api: AttemptApi,
  file: OutcomeFile,
  log: Log,
  signal: AbortSignal,
): Promise<string> {
  // A link put there between the search and now is not followed.
  const handle = await open(file.path, constants.O_RDONLY | constants.O_NOFOLLOW);
  const again: Again = (what, call) => untilAnswered(`${what} ${file.name}`, log, signal, () => patiently(call));
  try {
    const { size } = await handle.stat();
    if (size === 0) return (await again('storing', () => api.putEmptyArtifact(file.name, signal))).id;
    const sha256 = await digest(handle, size);
    for (let round = 1; ; round += 1) {
      try {
        const idempotencyKey = randomUUID();
        const upload = await again('uploading', () => create(api, { sizeBytes: size, sha256 }, idempotencyKey, signal));
        await sendPieces(api, handle, size, upload, again, signal);
        await again('completing', () => complete(api, upload.id, sha256, signal));
        return (await again('storing', () => api.addArtifact(upload.id, file.name, signal))).id;
      } catch (error) {
        if (round >= uploadsMax || !beginsAnew(error)) throw error;
        log.warn(`uploading ${file.name} begins anew`, { error });
      }
    }
  } catch (error) {
    throw asFailure(error, file.name);
  } finally {
    await handle.close();
  }
}

type Again = <T>(what: string, call: () => Promise<T>) => Promise<T>;

function create(
  api: AttemptApi,
  file: { sizeBytes: number; sha256: string },
  idempotencyKey: string,
  signal: AbortSignal,
): Promise<Upload> {
  const headers = { 'idempotency-key': idempotencyKey };
  const body = { purpose: 'artifact', ...file };
  return api.http.json(uploadSchema, 'POST', '/v1/uploads', { token: api.token, body, headers, signal });
}

async function complete(api: AttemptApi, id: string, sha256: string, signal: AbortSignal): Promise<void> {
  const anything = { parse: (value: unknown) => value };
  await api.http.json(anything, 'POST', `/v1/uploads/${id}/complete`, {
    token: api.token,
    body: { sha256 },
    signal,
    timeoutMs: pieceTimeoutMs,
  });
}

async function sendPieces(
  api: AttemptApi,
  handle: FileHandle,
  size: number,
  upload: Upload,
  again: Again,
  signal: AbortSignal,
): Promise<void> {
  let offset = upload.offset;
  // Whether `offset` is the server's word; after a failed piece it may have stored any part of it.
  let sure = true;
  const piece = new Uint8Array(Math.min(pieceBytes, upload.chunkBytesMax, size));
  while (offset < size) {
    offset = await again('uploading', async () => {
      if (!sure) offset = await offsetOf(api, upload.id, signal);
      sure = false;
      if (offset >= size) return offset;
      const { bytesRead } = await handle.read(piece, 0, Math.min(piece.length, size - offset), offset);
      if (bytesRead === 0)
        throw new BuildFailure('artifact_missing', 'an artifact became shorter while it was uploaded');
      const next = await patch(api, upload.id, offset, piece.subarray(0, bytesRead), signal);
      sure = true;
      return next;
    });
  }
}

async function patch(
  api: AttemptApi,
  id: string,
  offset: number,
  data: Uint8Array<ArrayBuffer>,
  signal: AbortSignal,
): Promise<number> {
  try {
    const answer = await api.http.open('PATCH', `/v1/uploads/${id}`, {
      token: api.token,
      bytes: { data, type: 'application/offset+octet-stream' },
      headers: { 'upload-offset': String(offset) },
      signal: AbortSignal.any([signal, AbortSignal.timeout(pieceTimeoutMs)]),
    });
    await answer.body?.cancel();
    return offsetIn(answer) ?? offset + data.length;
  } catch (error) {
    // It says how far it is.
    if (
      error instanceof MusterError &&
      error.reason === 'offset_mismatch' &&
      typeof error.extra['offset'] === 'number'
    ) {
      return error.extra['offset'];
    }
    throw error;
  }
}

async function offsetOf(api: AttemptApi, id: string, signal: AbortSignal): Promise<number> {
  const answer = await api.http.open('HEAD', `/v1/uploads/${id}`, {
    token: api.token,
    signal: AbortSignal.any([signal, AbortSignal.timeout(30_000)]),
  });
  const offset = offsetIn(answer);
  if (offset === undefined)
    throw new MusterError('unavailable', {
      reason: 'bad_answer',
      detail: 'the server did not say how far the upload is',
    });
  return offset;
}

function offsetIn(answer: Response): number | undefined {
  const text = answer.headers.get('upload-offset');
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** The upload itself is gone or spoilt; the file is not. */
const spoilt = new Set([
  'no_such_upload',
  'digest_mismatch',
  'size_exceeded',
  'upload_used',
  'upload_complete',
  'upload_incomplete',
]);
const beginsAnew = (error: unknown): boolean => error instanceof MusterError && spoilt.has(error.reason);

/** What the server says of the file, as the failure of the build that it is. */
function asFailure(error: unknown, name: string): unknown {
  if (!(error instanceof MusterError)) return error;
  const detail = `${name}: ${error.message}`;
  if (error.status === 413 || error.reason === 'artifacts_full')
    return new BuildFailure('artifact_too_large', detail, { cause: error });
  if (error.reason === 'artifact_differs') return new BuildFailure('command_failed', detail, { cause: error });
  return error;
}

/** Refusals that pass by themselves: an earlier piece, taken for lost, is still being stored. */
async function patiently<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof MusterError)) throw error;
    // Full for good, unlike other refusals of this kind: waiting does not make it less.
    if (error.reason === 'artifacts_full') throw asFailure(error, 'the artifacts');
    if (!['upload_busy', 'upload_stalled', 'client_gone'].includes(error.reason)) throw error;
    throw new MusterError('unavailable', { reason: error.reason, detail: error.message, cause: error });
  }
}

async function digest(handle: FileHandle, size: number): Promise<string> {
  const hash = createHash('sha256');
  const piece = Buffer.alloc(Math.min(1024 * 1024, size));
  for (let at = 0; at < size; ) {
    const { bytesRead } = await handle.read(piece, 0, Math.min(piece.length, size - at), at);
    if (bytesRead === 0) throw new BuildFailure('artifact_missing', 'an artifact became shorter while it was read');
    hash.update(piece.subarray(0, bytesRead));
    at += bytesRead;
  }
  return hash.digest('hex');
}
