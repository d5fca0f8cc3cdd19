import { type Readable, Transform } from 'node:stream';
import { asError, invalid, MusterError, notFound } from '#kernel/base';
import { type BlobKey, verified } from '#kernel/blobs';
import { type Answer, answer, type Call, problemOf } from '#kernel/http';
import { portionOf } from './http-range.ts';
import { addSentBytes } from './queries/storage.ts';
import type { Room } from './room.ts';

export type StoredFile = { blob: BlobKey; bytes: number; sha256: string };
/** Whose file it is, for the count of what was sent; `fileName` is made by us or passed the artifact name's pattern. */
export type FileLabel = { fileName: string; contentType: string; buildId: string; projectId: string };
type Asked = Pick<Call, 'method' | 'headers' | 'afterAnswer' | 'requestId'>;

/**
 * A stored file as an answer: `ETag`, `If-None-Match` → 304, one `Range` → 206 or 416, `If-Range`, `HEAD`; always an
 * attachment that browsers do not guess about. Streams from the store. A whole file is checked on its way: bytes that do
 * not match its digest break the connection before the last one leaves. `notFound` `artifact_gone` when the file is missing.
 */
export async function sendBlob(room: Room, call: Asked, file: StoredFile, label: FileLabel): Promise<Answer> {
  const etag = `"sha256-${file.sha256}"`;
  const portion = portionOf(call.headers, file.bytes, etag);
  const headers = { etag, 'accept-ranges': 'bytes', 'cache-control': 'private, no-cache' };
  if (portion.kind === 'same') return answer(304, undefined, headers);
  if (portion.kind === 'outside') return outside(call, file.bytes);
  const part = portion.kind === 'part' ? portion.range : undefined;
  const length = part ? part.end - part.start + 1 : file.bytes;
  const all = {
    ...headers,
    'content-type': label.contentType,
    'content-length': String(length),
    'content-disposition': `attachment; filename="${label.fileName}"`,
    'x-content-type-options': 'nosniff',
    ...(part ? { 'content-range': `bytes ${part.start}-${part.end}/${file.bytes}` } : {}),
  };
  const status = part ? 206 : 200;
  if (call.method === 'HEAD') {
    if (!(await room.blobs.stat(file.blob))) throw gone(room);
    return answer(status, undefined, all);
  }
  const stored = await opened(room, file, part);
  const source = part ? stored : verified(stored, file, (error) => corrupt(room, file, label, error));
  const counter = new ByteCounter();
  call.afterAnswer(() => void recordSent(room, label, call.requestId, counter.bytes));
  source.on('error', (error) => counter.destroy(error));
  counter.on('close', () => source.destroy());
  return answer(status, source.pipe(counter), all);
}

async function opened(
  room: Room,
  file: StoredFile,
  part: { start: number; end: number } | undefined,
): Promise<Readable> {
  try {
    return await room.blobs.read(file.blob, part);
  } catch (error) {
    if (error instanceof MusterError && error.reason === 'blob_gone') throw gone(room, error);
    throw error;
  }
}

function gone(room: Room, cause?: unknown): Error {
  room.metrics.artifactGone.add({});
  return notFound('artifact_gone', 'The file is no longer in the store, although its row says so.', { cause });
}

/** An error by its form, an answer by its header: how big the file is. */
function outside(call: Asked, bytes: number): Answer {
  const error = invalid('range_outside', `The range is outside the ${bytes} bytes of this file.`, {
    status: 416,
    extra: { bytes },
  });
  return answer(416, problemOf(error, call.requestId), {
    'content-type': 'application/problem+json',
    'content-range': `bytes */${bytes}`,
  });
}

function corrupt(room: Room, file: StoredFile, { buildId, projectId }: FileLabel, error: Error): void {
  room.metrics.blobCorrupt.add({});
  room.telemetry.logger.error(
    { room: 'builds', event: 'blob_corrupt', blob: file.blob, buildId, projectId, err: error },
    'a stored file does not match its digest',
  );
}

class ByteCounter extends Transform {
  bytes = 0;

  override _transform(chunk: Buffer, _encoding: BufferEncoding, pass: (error: null, chunk: Buffer) => void): void {
    this.bytes += chunk.length;
    pass(null, chunk);
  }
}

/** What went out costs, whether the other end read it all or not. */
async function recordSent(
  room: Room,
  { buildId, projectId }: FileLabel,
  requestId: string,
  bytes: number,
): Promise<void> {
  if (bytes === 0) return;
  try {
    await room.db.transaction(async (tx) => {
      await addSentBytes(tx, buildId, bytes);
      await room.meter.record(tx, [
        {
          projectId,
          meter: 'build.transfer',
          quantity: bytes,
          at: new Date(room.clock.now()),
          source: `build:${buildId}`,
          part: `sent:${requestId}`,
        },
      ]);
    });
  } catch (error) {
    room.telemetry.logger.warn({ room: 'builds', buildId, bytes, err: asError(error) }, 'sent bytes were not counted');
  }
}
