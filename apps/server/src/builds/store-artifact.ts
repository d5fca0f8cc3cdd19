import { buildLimits, isTerminal } from '@muster/protocol';
import type { Principal } from '#kernel/auth';
import { conflict, exhausted, invalid, MusterError, newId, reach } from '#kernel/base';
import { type BlobFacts, type BlobKey, putBlob } from '#kernel/blobs';
import type { Tx } from '#kernel/db';
import { noSuchBuild, requireBuild, staleTerm } from './access.ts';
import { requireUpload } from './append-upload.ts';
import { tooLarge } from './open-upload.ts';
import * as artifacts from './queries/artifacts.ts';
import { newBlobKey } from './queries/blob-names.ts';
import type { BuildRow } from './queries/build-row.ts';
import { addBlob } from './queries/storage.ts';
import { noSuchUpload, useUpload } from './queries/uploads.ts';
import { checkQuota, peekQuota } from './quota.ts';
import type { Room } from './room.ts';

export type NewArtifact = { buildId: string; term: number; name: string; contentType?: string };
export type StoredArtifact = { artifact: artifacts.ArtifactRow; created: boolean };

const contentTypePattern = /^[\w.+-]+\/[\w.+-]+(?:;[\x20-\x7e]*)?$/;
const contentTypeCharsMax = 200;

/**
 * Streams one artifact of the attempt that holds the build. The same name with the same bytes is the same artifact.
 * `sha256` = what the sender says it is. Errors: `invalid` `bad_name`, `artifact_too_large` (413), `digest_mismatch`;
 * `conflict` `stale_term`, `finished`, `artifact_differs`; `exhausted` `artifacts_full`, `storage_full`; `forbidden`
 * `not_holder`; `unavailable` `disk_low`, `disk_full`.
 */
export async function storeArtifact(
  room: Room,
  who: Principal,
  input: NewArtifact & { sizeBytes?: number; sha256?: string },
  body: AsyncIterable<Uint8Array>,
): Promise<StoredArtifact> {
  const row = await admitted(room, who, input, input.sizeBytes ?? 0);
  const { artifactBytesMax } = room.config;
  const blob = newBlobKey('artifact');
  const facts = await putBlob(room.blobs, blob, limited(body, artifactBytesMax), artifactBytesMax);
  room.metrics.uploadBytes.add({ purpose: 'artifact' }, facts.bytes);
  await reach('result.renamed');
  try {
    if (input.sha256 !== undefined && input.sha256 !== facts.sha256) {
      throw invalid('digest_mismatch', 'The bytes that arrived have another sha256; send the artifact again.', {
        extra: { sha256: facts.sha256 },
      });
    }
    const stored = await room.db.transaction((tx) => insertInTx(room, tx, row, input, { ...facts, blob }));
    if (!stored.created) await room.blobs.remove(blob);
    return stored;
  } catch (error) {
    if (error instanceof MusterError && error.code !== 'unavailable' && error.code !== 'internal')
      await room.blobs.remove(blob);
    throw error;
  }
}

/** The same of a complete upload. Also `notFound` `no_such_upload`, `conflict` `upload_used`. */
export async function storeArtifactUpload(
  room: Room,
  who: Principal,
  input: NewArtifact & { uploadId: string },
): Promise<StoredArtifact> {
  const row = await admitted(room, who, input, 0);
  const upload = await requireUpload(room, who, input.uploadId);
  const { sha256 } = upload;
  if (upload.purpose !== 'artifact' || sha256 === null) throw noSuchUpload();
  return await room.db.transaction(async (tx) => {
    const stored = await insertInTx(room, tx, row, input, { bytes: upload.sizeBytes, sha256, blob: upload.blob });
    // A repeat of the same call finds the row; the upload it names is the one that made it, or expires.
    if (stored.created) await useUpload(tx, { projectId: who.projectId, id: upload.id, purpose: 'artifact' });
    return stored;
  });
}

/** What can be refused before the first byte. */
async function admitted(room: Room, who: Principal, input: NewArtifact, sizeBytes: number): Promise<BuildRow> {
  if (!buildLimits.artifactNamePattern.test(input.name)) throw badName(input.name);
  const row = await requireBuild(room, room.db, who, input.buildId, 'holder');
  if (row.term !== input.term) throw staleTerm(row);
  refuseEnded(row);
  if (sizeBytes > room.config.artifactBytesMax) throw tooLarge('artifact', room.config.artifactBytesMax);
  refuseFull(room, await artifacts.artifactTotals(room.db, row.id), sizeBytes);
  await peekQuota(room, row.projectId, { builds: 0, bytes: sizeBytes });
  await room.intake.checkDisk(sizeBytes);
  return row;
}

async function insertInTx(
  room: Room,
  tx: Tx,
  { id: buildId, projectId, workerId }: BuildRow,
  input: NewArtifact,
  file: BlobFacts & { blob: BlobKey },
): Promise<StoredArtifact> {
  const now = await artifacts.lockForArtifact(tx, buildId);
  if (!now) throw noSuchBuild();
  if (now.term !== input.term || now.workerId !== workerId) throw staleTerm(now);
  const found = await artifacts.findArtifact(tx, buildId, input.name, input.term);
  if (found) {
    if (found.sha256 === file.sha256) return { artifact: found, created: false };
    throw conflict('artifact_differs', `This attempt already stored other bytes as ${input.name}.`, {
      extra: { sha256: found.sha256 },
    });
  }
  refuseEnded(now);
  refuseFull(room, await artifacts.artifactTotals(tx, buildId), file.bytes);
  await checkQuota(room, tx, projectId, { builds: 0, bytes: file.bytes });
  const artifact = await artifacts.insertArtifact(tx, {
    id: newId('artifact'),
    buildId,
    term: input.term,
    name: input.name,
    blob: file.blob,
    sizeBytes: file.bytes,
    sha256: file.sha256,
    contentType: contentTypeOf(input.contentType),
  });
  if (!artifact) throw new Error('invariant broken: the build was locked and the name was free');
  await addBlob(tx, { blob: file.blob, projectId, kind: 'artifact', bytes: file.bytes });
  await room.emit(tx, [
    {
      projectId,
      type: 'artifact_stored',
      buildId,
      term: input.term,
      queue: now.queue,
      ...(workerId === null ? {} : { workerId }),
      data: { artifactId: artifact.id, name: artifact.name, sizeBytes: file.bytes, sha256: file.sha256 },
    },
  ]);
  return { artifact, created: true };
}

function refuseEnded(row: Pick<BuildRow, 'state' | 'term'>): void {
  if (row.state === 'queued') throw staleTerm(row);
  if (isTerminal(row.state))
    throw conflict('finished', `The build is ${row.state}; nothing can be added to it.`, {
      extra: { state: row.state },
    });
}

function refuseFull(room: Room, present: { count: number; bytes: number }, more: number): void {
  const { artifactsBytesMax } = room.config;
  if (present.count < buildLimits.artifactsPerBuildMax && present.bytes + more <= artifactsBytesMax) return;
  throw exhausted(
    'artifacts_full',
    `A build may have ${buildLimits.artifactsPerBuildMax} artifacts with ${artifactsBytesMax} bytes together.`,
    {
      retryAfterMs: 60_000,
    },
  );
}

/** The same refusal whether the size was declared or found out. */
async function* limited(body: AsyncIterable<Uint8Array>, bytesMax: number): AsyncGenerator<Uint8Array, void, void> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw tooLarge('artifact', bytesMax);
    yield chunk;
  }
}

/** A label for whoever downloads; what does not look like one is plain bytes. */
const contentTypeOf = (given: string | undefined): string =>
  given !== undefined && given.length <= contentTypeCharsMax && contentTypePattern.test(given)
    ? given
    : 'application/octet-stream';

const badName = (name: string): Error =>
  invalid(
    'bad_name',
    `An artifact name has 1 to 120 of A-Z a-z 0-9 . _ - and no leading dot; ${JSON.stringify(name.slice(0, 120))} has not.`,
    {
      errors: [{ pointer: '/name', detail: 'not an artifact name' }],
    },
  );
