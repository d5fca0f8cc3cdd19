import { newId } from '#kernel/base';
import type { BlobFacts, BlobKey } from '#kernel/blobs';
import type { Tx } from '#kernel/db';
import { findArtifact, insertArtifact } from '../queries/artifacts.ts';
import { addBlob } from '../queries/storage.ts';
import { checkQuota } from '../quota.ts';
import type { Room } from '../room.ts';
import type { Held } from './auth.ts';
import { refuse } from './legacy-error.ts';

export type StoredResult = BlobFacts & { blob: BlobKey };

/**
 * Makes a file that came before anybody knew whose it is the result of an attempt. The same bytes again are the same
 * artifact, and `false` says that the file is not needed; other bytes are 409.
 */
export async function attachResult(room: Room, tx: Tx, held: Held, name: string, file: StoredResult): Promise<boolean> {
  const { buildId, term, workerId, projectId } = held;
  const found = await findArtifact(tx, buildId, name, term);
  if (found && found.sha256 !== file.sha256) throw refuse(409, 'Build already has a different result');
  if (found) return false;
  await checkQuota(room, tx, projectId, { builds: 0, bytes: file.bytes });
  const id = newId('artifact');
  const { blob, bytes: sizeBytes, sha256 } = file;
  await insertArtifact(tx, {
    id,
    buildId,
    term,
    name,
    blob,
    sizeBytes,
    sha256,
    contentType: 'application/octet-stream',
  });
  await addBlob(tx, { blob, projectId, kind: 'artifact', bytes: sizeBytes });
  const data = { artifactId: id, name, sizeBytes, sha256 };
  await room.emit(tx, [{ projectId, type: 'artifact_stored', buildId, term, workerId, data }]);
  return true;
}
