import type { NewUpload, Upload } from '@muster/protocol';
import { MusterError } from '@muster/protocol/errors';
import type { Connection } from './base/connection.ts';
import { defaultPatience, isPassing, type Patience, patiently } from './base/patience.ts';

export type UploadOptions = {
  signal?: AbortSignal;
  /** Bytes the server has acknowledged so far; acknowledged bytes are on its disk. */
  onProgress?: (offset: number, sizeBytes: number) => void;
  patience?: Partial<Patience>;
};

/**
 * Sends a file in chunks, each acknowledged by the server before the next, and resolves with the upload's id. A cut
 * connection, or a server that restarts, costs at most the chunk on its way: the offset is asked and the rest is sent.
 */
export async function upload(
  connection: Connection,
  purpose: NewUpload['purpose'],
  content: Blob,
  options: UploadOptions = {},
): Promise<{ id: string; sha256: string; sizeBytes: number }> {
  const patience = { ...defaultPatience, ...options.patience, signal: options.signal };
  const { signal } = options;
  const opened = await patiently(patience, () =>
    connection.call<Pick<Upload, 'id' | 'offset' | 'chunkBytesMax'>>('POST', '/v1/uploads', {
      json: { purpose, sizeBytes: content.size },
      signal,
    }),
  );
  const path = `/v1/uploads/${opened.id}`;
  let { offset } = opened;
  options.onProgress?.(offset, content.size);
  while (offset < content.size) {
    offset = await patiently(patience, () =>
      sendChunk(connection, path, content, offset, opened.chunkBytesMax, options),
    );
    options.onProgress?.(offset, content.size);
  }
  const stored = await patiently(patience, () =>
    connection
      .call<{ sha256: string; sizeBytes: number }>('POST', `${path}/complete`, { json: {}, signal })
      .catch(notBusy),
  );
  return { id: opened.id, ...stored };
}

/** Sends one chunk; after any doubt asks how far the server got. Resolves with the acknowledged offset. */
async function sendChunk(
  connection: Connection,
  path: string,
  content: Blob,
  offset: number,
  chunkBytesMax: number,
  options: UploadOptions,
): Promise<number> {
  const end = Math.min(content.size, offset + chunkBytesMax);
  try {
    const answer = await connection.send('PATCH', path, {
      headers: { 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream' },
      body: content.slice(offset, end),
      signal: options.signal,
    });
    return Number(answer.headers.get('upload-offset') ?? end);
  } catch (error) {
    const lost = isPassing(error) || (error instanceof MusterError && error.reason === 'offset_mismatch');
    if (!lost) return notBusy(error);
    const head = await connection.send('HEAD', path, { signal: options.signal });
    const acknowledged = Number(head.headers.get('upload-offset'));
    // No byte got through: let the caller's patience decide about another try.
    if (acknowledged === offset && isPassing(error)) throw error;
    return acknowledged;
  }
}

/** The server may still be writing what came before the cut: that passes. */
function notBusy(error: unknown): never {
  if (!(error instanceof MusterError) || error.reason !== 'upload_busy') throw error;
  throw new MusterError('unavailable', { reason: error.reason, detail: error.message, cause: error });
}
