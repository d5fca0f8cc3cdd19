import { asError, MusterError, notFound, unavailable } from '#kernel/base';
import type { BlobKey } from './blobs.ts';

/** When a client should try again after the disk was full; room comes back by retention, not by the second. */
export const diskFullRetryMs = 30_000;
export const storageErrorRetryMs = 5_000;

const noRoom: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

export const codeOf = (error: unknown): string | undefined => {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' ? code : undefined;
};

/** Turns a failure of the file system into the code that callers branch on; our own errors pass. */
export function storeFault(error: unknown): MusterError {
  if (error instanceof MusterError) return error;
  const code = codeOf(error);
  return code !== undefined && noRoom.has(code)
    ? unavailable('disk_full', 'The disk is full. Nothing of this write was kept.', {
        retryAfterMs: diskFullRetryMs,
        cause: error,
      })
    : unavailable('storage_error', `The blob store failed: ${code ?? asError(error).message}.`, {
        retryAfterMs: storageErrorRetryMs,
        cause: error,
      });
}

export const gone = (key: BlobKey): MusterError => notFound('blob_gone', `There is no blob ${key}.`);
