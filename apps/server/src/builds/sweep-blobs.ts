import { blobListMax } from '#kernel/blobs';
import { blobPrefix } from './queries/blob-names.ts';
import { knownBlobs } from './queries/storage.ts';
import { takeExpiredUploads } from './queries/uploads.ts';
import type { Room } from './room.ts';

/** A file may lie this long before its row: a submit writes the file first, and an upload's row comes before its file. */
const orphanAfterMs = 86_400_000;
const batch = 500;

/**
 * Removes files that belong to nothing: what a crash left between file and row, and staged parts nobody goes on with.
 * A database that cannot be asked ends the sweep with its error; nothing is removed on a guess (I6).
 */
export async function sweepBlobs(
  room: Pick<Room, 'blobs' | 'clock' | 'config' | 'db'>,
  signal?: AbortSignal,
): Promise<{ removed: number; bytes: number }> {
  const swept = await room.blobs.sweepStaging(room.config.uploadTtlMs + orphanAfterMs);
  let after: string | undefined;
  for (;;) {
    const page = await room.blobs.list(blobPrefix, after);
    const old = page.filter((entry) => room.clock.now() - entry.modifiedAt > orphanAfterMs);
    const known =
      old.length > 0
        ? await knownBlobs(
            room.db,
            old.map((entry) => entry.key),
          )
        : new Set<string>();
    for (const { key, bytes } of old) {
      if (known.has(key)) continue;
      await room.blobs.remove(key);
      swept.removed += 1;
      swept.bytes += bytes;
    }
    after = page.at(-1)?.key;
    if (page.length < blobListMax || signal?.aborted) return swept;
  }
}

/** Uploads whose time is over: their rows, then their bytes unless something uses them. */
export async function expireUploads(room: Pick<Room, 'blobs' | 'db'>, signal?: AbortSignal): Promise<number> {
  let expired = 0;
  for (;;) {
    const taken = await room.db.transaction((tx) => takeExpiredUploads(tx, batch));
    for (const { blob, state } of taken) {
      if (state === 'used') continue;
      await (await room.blobs.resumable(blob)).discard();
      await room.blobs.remove(blob);
    }
    expired += taken.length;
    if (taken.length < batch || signal?.aborted) return expired;
  }
}
