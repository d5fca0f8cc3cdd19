import type { Principal } from '#kernel/auth';
import { conflict, invalid } from '#kernel/base';
import type { BlobKey } from '#kernel/blobs';
import { requireUpload } from './append-upload.ts';
import { checkStoredCerts, storeCerts } from './certs.ts';
import type { SourceFormat } from './queries/build-row.ts';
import { deleteUpload, completeUpload as markComplete, type UploadRow, uploadUsed } from './queries/uploads.ts';
import type { Room } from './room.ts';
import { MagicReader, magicBytes } from './source-format.ts';
import { crypted, readUploadKey } from './upload-cipher.ts';

export type CompletedUpload = { sha256: string; sizeBytes: number };
/** What the finished file is; for certs it is another file than the staged one. */
type Finished = { sha256: string; format: SourceFormat | null; blob: BlobKey; sealedKey: Uint8Array | null };

/**
 * Closes an upload whose bytes are all there, and checks what can be checked: digest, format of a source, content of a
 * bundle. What fails a check is removed. Again → the same answer. Errors: `notFound` `no_such_upload`; `conflict`
 * `upload_incomplete {offset}`, `upload_busy`, `upload_used`; `invalid` `digest_mismatch`, `source_format`, `certs_invalid`.
 */
export async function completeUpload(
  room: Room,
  who: Principal,
  id: string,
  sha256: string | undefined,
): Promise<CompletedUpload> {
  const row = await requireUpload(room, who, id);
  if (row.state === 'used') throw uploadUsed();
  if (row.state === 'complete') return await sameAgain(row, sha256);
  return await room.intake.alone(id, async () => {
    const part = await room.blobs.resumable(row.blob);
    const offset = await part.offset();
    if (offset < row.sizeBytes) {
      throw conflict('upload_incomplete', `${offset} of ${row.sizeBytes} bytes are here.`, { extra: { offset } });
    }
    const facts = await part.finish();
    let finished: Finished | undefined;
    try {
      finished = row.purpose === 'certs' ? await sealBundle(room, row) : await plainFile(room, row, facts.sha256);
      for (const wanted of [row.wantedSha256, sha256])
        if (wanted && wanted !== finished.sha256) throw digestMismatch(finished.sha256);
    } catch (error) {
      if (isRefusal(error)) await forget(room, row, finished);
      throw error;
    }
    const { blob, format, sealedKey } = finished;
    await room.db.transaction((tx) =>
      markComplete(tx, { id, sha256: finished.sha256, format, blob, sealedKey, ttlMs: room.config.uploadTtlMs }),
    );
    if (blob !== row.blob) await room.blobs.remove(row.blob);
    return { sha256: finished.sha256, sizeBytes: row.sizeBytes };
  });
}

/** Forgets an upload that is not part of anything yet. `conflict` `upload_used`, `upload_busy`. */
export async function dropUpload(room: Room, who: Principal, id: string): Promise<void> {
  const row = await requireUpload(room, who, id);
  if (row.state === 'used') throw uploadUsed();
  await room.intake.alone(id, () => forget(room, row, undefined));
}

async function sameAgain(row: UploadRow, sha256: string | undefined): Promise<CompletedUpload> {
  const stored = row.sha256 ?? '';
  if (sha256 && sha256 !== stored) throw digestMismatch(stored);
  return await Promise.resolve({ sha256: stored, sizeBytes: row.sizeBytes });
}

async function plainFile(room: Room, row: UploadRow, sha256: string): Promise<Finished> {
  const format = row.purpose === 'source' ? await formatOnDisk(room, row.blob) : null;
  return { sha256, format, blob: row.blob, sealedKey: null };
}

async function formatOnDisk(room: Room, blob: BlobKey): Promise<SourceFormat> {
  const magic = new MagicReader();
  for await (const chunk of magic.through(await room.blobs.read(blob, { start: 0, end: magicBytes - 1 }))) void chunk;
  return magic.format();
}

/** From the staged cipher to the final one; the plain bytes pass through memory only. */
async function sealBundle(room: Room, row: UploadRow): Promise<Finished> {
  if (!row.sealedKey) throw new Error('invariant broken: an upload of certs has a key');
  const plain = crypted(readUploadKey(room.secrets.open(row.sealedKey)), 0, await room.blobs.read(row.blob));
  const certs = await storeCerts(room, plain, room.config.certsBytesMax);
  try {
    await checkStoredCerts(room, certs);
  } catch (error) {
    await room.blobs.remove(certs.blob);
    throw error;
  }
  return { sha256: certs.sha256, format: null, blob: certs.blob, sealedKey: certs.wrappedKey };
}

const isRefusal = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'invalid';

const digestMismatch = (found: string): Error =>
  invalid('digest_mismatch', 'The bytes that arrived have another sha256. The upload is removed; start again.', {
    extra: { sha256: found },
  });

async function forget(room: Room, row: UploadRow, finished: Finished | undefined): Promise<void> {
  await room.db.transaction((tx) => deleteUpload(tx, row.projectId, row.id));
  await (await room.blobs.resumable(row.blob)).discard();
  await room.blobs.remove(row.blob);
  if (finished && finished.blob !== row.blob) await room.blobs.remove(finished.blob);
}
