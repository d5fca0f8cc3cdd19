import { MusterError } from '@muster/protocol/errors';
import type { Connection } from './base/connection.ts';
import { defaultPatience, type Patience, patiently } from './base/patience.ts';

export type DownloadOptions = {
  signal?: AbortSignal;
  onProgress?: (bytes: number, sizeBytes: number | undefined) => void;
  patience?: Partial<Patience>;
};

/**
 * Streams a stored file into `write`, going on by Range where a connection broke off. The entity tag guards the seam: when
 * the file changed in between, the download fails (`conflict` `file_changed`) rather than mix two files.
 * Resolves with the number of bytes and the SHA-256 that the server states for them.
 */
export async function download(
  connection: Connection,
  path: string,
  write: (chunk: Uint8Array) => void | Promise<void>,
  options: DownloadOptions = {},
): Promise<{ bytes: number; sha256: string | undefined }> {
  const patience = { ...defaultPatience, ...options.patience, signal: options.signal };
  let bytes = 0;
  let etag: string | null = null;
  let sizeBytes: number | undefined;
  return patiently(patience, async () => {
    const resume: Record<string, string> =
      bytes > 0 ? { range: `bytes=${bytes}-`, ...(etag ? { 'if-range': etag } : {}) } : {};
    const answer = await connection.send('GET', path, { headers: resume, signal: options.signal });
    if (bytes > 0 && answer.status !== 206) {
      await answer.body?.cancel();
      throw new MusterError('conflict', {
        reason: 'file_changed',
        detail: 'The file changed while it was downloaded.',
      });
    }
    if (bytes === 0) {
      etag = answer.headers.get('etag');
      const length = answer.headers.get('content-length');
      sizeBytes = length === null ? undefined : Number(length);
    }
    const body = answer.body;
    if (!body) throw new MusterError('internal', { reason: 'no_body', detail: 'The server sent no content.' });
    try {
      for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
        await write(chunk);
        bytes += chunk.byteLength;
        options.onProgress?.(bytes, sizeBytes);
      }
    } catch (error) {
      if (options.signal?.aborted) throw options.signal.reason;
      throw new MusterError('unavailable', {
        reason: 'download_cut',
        detail: 'The connection broke off.',
        cause: error,
      });
    }
    if (sizeBytes !== undefined && bytes < sizeBytes) {
      throw new MusterError('unavailable', { reason: 'download_cut', detail: `Got ${bytes} of ${sizeBytes} bytes.` });
    }
    return { bytes, sha256: /^"sha256-([0-9a-f]{64})"$/.exec(etag ?? '')?.[1] };
  });
}
