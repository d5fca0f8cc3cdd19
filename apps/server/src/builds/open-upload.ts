import type { NewUpload, Upload } from '@muster/protocol';
import { holdsScopes, nameOf, type Principal } from '#kernel/auth';
import { exhausted, forbidden, invalid, newId } from '#kernel/base';
import type { Once } from '#kernel/http';
import { type BlobKind, newBlobKey } from './queries/blob-names.ts';
import { countOpenUploads, insertUpload, type UploadRow } from './queries/uploads.ts';
import { peekQuota } from './quota.ts';
import type { Room } from './room.ts';
import { newUploadKey } from './upload-cipher.ts';

/** Largest file of each purpose. */
const fileBytesMax = (room: Pick<Room, 'config'>, purpose: BlobKind): number =>
  ({ source: room.config.sourceBytesMax, certs: room.config.certsBytesMax, artifact: room.config.artifactBytesMax })[
    purpose
  ];

export const tooLarge = (purpose: BlobKind, bytesMax: number): ReturnType<typeof invalid> =>
  invalid(
    `${purpose}_too_large`,
    `${purpose === 'artifact' ? 'An artifact' : `The ${purpose} file`} may have at most ${bytesMax} bytes.`,
    {
      status: 413,
      extra: { bytesMax },
    },
  );

const retryMs = 10_000;

const notForRuns = (): Error =>
  forbidden('not_holder', 'A worker uploads artifacts; sources and credentials come from whoever submits.');

/**
 * A place for a file that comes in pieces and survives cuts. Errors: `forbidden` `not_holder`; `invalid` `<purpose>_too_large` (413); `exhausted`
 * `uploads_full`, `storage_full`; `unavailable` `disk_low`.
 */
export async function openUpload(room: Room, who: Principal, input: NewUpload, once: Once): Promise<Upload> {
  const { purpose, sizeBytes } = input;
  const { projectId } = who;
  if (purpose !== 'artifact' && !holdsScopes(who) && who.kind !== 'system') throw notForRuns();
  const bytesMax = fileBytesMax(room, purpose);
  if (sizeBytes > bytesMax) throw tooLarge(purpose, bytesMax);
  await room.intake.checkDisk(sizeBytes);
  await peekQuota(room, projectId, { builds: 0, bytes: sizeBytes });
  const { uploadsOpenMax, uploadTtlMs } = room.config;
  return await room.db.transaction((tx) =>
    once(tx, async () => {
      if ((await countOpenUploads(tx, projectId)) >= uploadsOpenMax) {
        throw exhausted('uploads_full', `${uploadsOpenMax} uploads of this project are open already.`, {
          retryAfterMs: retryMs,
        });
      }
      const id = newId('upload');
      const { expiresAt } = await insertUpload(tx, {
        id,
        projectId,
        purpose,
        sizeBytes,
        blob: newBlobKey(purpose === 'certs' ? 'staging' : purpose),
        wantedSha256: input.sha256 ?? null,
        sealedKey: purpose === 'certs' ? room.secrets.seal(newUploadKey()) : null,
        createdBy: nameOf(who),
        ttlMs: uploadTtlMs,
      });
      return showUpload(room, { id, purpose, state: 'open', sizeBytes, sha256: null, expiresAt }, 0);
    }),
  );
}

export const showUpload = (
  room: Pick<Room, 'config'>,
  row: Pick<UploadRow, 'id' | 'purpose' | 'state' | 'sizeBytes' | 'sha256' | 'expiresAt'>,
  offset: number,
): Upload => ({
  id: row.id,
  purpose: row.purpose,
  state: row.state,
  offset,
  sizeBytes: row.sizeBytes,
  chunkBytesMax: room.config.chunkBytesMax,
  expiresAt: row.expiresAt.toISOString(),
  sha256: row.sha256,
});
