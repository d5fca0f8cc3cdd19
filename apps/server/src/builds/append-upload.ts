import { idPattern } from '@muster/protocol';
import { holdsScopes, nameOf, type Principal } from '#kernel/auth';
import { conflict, reach } from '#kernel/base';
import { extendUpload, findUpload, noSuchUpload, type UploadRow, uploadUsed } from './queries/uploads.ts';
import type { Room } from './room.ts';
import { crypted, readUploadKey } from './upload-cipher.ts';

/** An upload of the caller's project that has not expired; a run token sees its own only. `notFound` `no_such_upload`. */
export async function requireUpload(room: Pick<Room, 'db'>, who: Principal, id: string): Promise<UploadRow> {
  const row = idPattern('upload').test(id) ? await findUpload(room.db, who.projectId, id) : undefined;
  if (!row || row.expired) throw noSuchUpload();
  if (!holdsScopes(who) && who.kind !== 'system' && row.createdBy !== nameOf(who)) throw noSuchUpload();
  return row;
}

/** How many bytes are kept and synced. */
export async function uploadOffset(room: Pick<Room, 'blobs'>, row: UploadRow): Promise<number> {
  return row.state === 'open' ? await (await room.blobs.resumable(row.blob)).offset() : row.sizeBytes;
}

/**
 * Adds bytes at `offset` and resolves with the new offset; what it counts is synced (I1). A sender that breaks off gets
 * the error of its break, and what came so far stays. Errors: `notFound` `no_such_upload`; `conflict` `offset_mismatch
 * {offset}`, `upload_busy`, `upload_complete`, `upload_used`; `invalid` `size_exceeded`, `upload_stalled`, `client_gone`;
 * `unavailable` `disk_low`, `disk_full`.
 */
export async function appendUpload(
  room: Room,
  who: Principal,
  id: string,
  offset: number,
  body: AsyncIterable<Uint8Array>,
): Promise<number> {
  const row = await requireUpload(room, who, id);
  if (row.state === 'used') throw uploadUsed();
  if (row.state === 'complete')
    throw conflict('upload_complete', 'This upload is complete; nothing can be added to it.');
  await room.intake.checkDisk(Math.min(row.sizeBytes - offset, room.config.chunkBytesMax));
  return await room.intake.alone(id, async () => {
    const part = await room.blobs.resumable(row.blob);
    const present = await part.offset();
    if (present !== offset) {
      throw conflict('offset_mismatch', `The upload stands at ${present} bytes, not ${offset}; go on from there.`, {
        extra: { offset: present },
      });
    }
    const bytes = halfway(body);
    const source = row.sealedKey ? crypted(readUploadKey(room.secrets.open(row.sealedKey)), offset, bytes) : bytes;
    try {
      const appended = await part.append(source, row.sizeBytes - offset);
      if (appended.ended === 'cut') throw appended.cause;
      return appended.offset;
    } finally {
      const now = await part.offset();
      room.metrics.uploadBytes.add({ purpose: row.purpose }, now - offset);
      if (now > offset) await room.db.transaction((tx) => extendUpload(tx, id, room.config.uploadTtlMs));
    }
  });
}

/** Where crash tests stop the world: some of the chunk is on its way to the disk, none of it acknowledged. */
async function* halfway(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  for await (const chunk of body) {
    yield chunk;
    await reach('chunk.half');
  }
}
