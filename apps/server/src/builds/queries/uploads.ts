import { conflict, notFound } from '#kernel/base';
import type { BlobKey } from '#kernel/blobs';
import { type Reader, sql, type Tx } from '#kernel/db';
import type { BlobKind } from './blob-names.ts';
import type { SourceFormat } from './build-row.ts';

const uploadLock = 7_104;

export type UploadState = 'open' | 'complete' | 'used';
export type UploadRow = {
  id: string;
  projectId: string;
  purpose: BlobKind;
  state: UploadState;
  blob: BlobKey;
  sizeBytes: number;
  wantedSha256: string | null;
  sha256: string | null;
  format: SourceFormat | null;
  sealedKey: Buffer | null;
  createdBy: string;
  expiresAt: Date;
  expired: boolean;
};

/** Only `upl_` ids reach this. Another project's upload is not there. */
export async function findUpload(reader: Reader, projectId: string, id: string): Promise<UploadRow | undefined> {
  const [row] = await reader.query<UploadRow>(sql`
    -- find_upload: build_uploads_pkey
    select id, project_id as "projectId", purpose, state, blob, size_bytes as "sizeBytes", wanted_sha256 as "wantedSha256",
           sha256, format, sealed_key as "sealedKey", created_by as "createdBy", expires_at as "expiresAt", expires_at <= now() as expired
      from build_uploads where id = ${id} and project_id = ${projectId}`);
  return row;
}

/** Open uploads of a project, exactly: one opener at a time. */
export async function countOpenUploads(tx: Tx, projectId: string): Promise<number> {
  await tx.query(sql`select pg_advisory_xact_lock(${uploadLock}, hashtext(${projectId}))`);
  const [row] = await tx.query<{ n: number }>(sql`
    -- count_open_uploads: build_uploads_open
    select count(*)::int as n from build_uploads where project_id = ${projectId} and state = 'open' and expires_at > now()`);
  return row?.n ?? 0;
}

export async function insertUpload(
  tx: Tx,
  upload: {
    id: string;
    projectId: string;
    purpose: BlobKind;
    blob: BlobKey;
    sizeBytes: number;
    wantedSha256: string | null;
    sealedKey: Uint8Array | null;
    createdBy: string;
    ttlMs: number;
  },
): Promise<{ expiresAt: Date }> {
  const [row] = await tx.query<{ expiresAt: Date }>(sql`
    -- insert_upload
    insert into build_uploads (id, project_id, purpose, blob, size_bytes, wanted_sha256, sealed_key, created_by, expires_at)
    values (${upload.id}, ${upload.projectId}, ${upload.purpose}, ${upload.blob}, ${upload.sizeBytes}, ${upload.wantedSha256},
            ${upload.sealedKey}, ${upload.createdBy}, now() + ${upload.ttlMs} * interval '1 millisecond')
    returning expires_at as "expiresAt"`);
  if (!row) throw new Error('invariant broken: an insert returned no row');
  return row;
}

/** Each byte that arrives moves the end. */
export async function extendUpload(tx: Tx, id: string, ttlMs: number): Promise<void> {
  await tx.query(sql`
    -- extend_upload: build_uploads_pkey
    update build_uploads set expires_at = now() + ${ttlMs} * interval '1 millisecond' where id = ${id} and state = 'open'`);
}

/** `blob` and `sealedKey` change for certs, whose file is written anew under its final key. */
export async function completeUpload(
  tx: Tx,
  upload: {
    id: string;
    sha256: string;
    format: SourceFormat | null;
    blob: BlobKey;
    sealedKey: Uint8Array | null;
    ttlMs: number;
  },
): Promise<UploadState | undefined> {
  const [row] = await tx.query<{ state: UploadState }>(sql`
    -- complete_upload: build_uploads_pkey
    update build_uploads set state = 'complete', sha256 = ${upload.sha256}, format = ${upload.format}, blob = ${upload.blob},
           sealed_key = ${upload.sealedKey}, expires_at = now() + ${upload.ttlMs} * interval '1 millisecond'
     where id = ${upload.id} and state = 'open' returning state`);
  return row?.state;
}

/** Marks a complete upload as used, once, in the transaction of what uses it. `notFound`, `conflict` `upload_used`. */
export async function useUpload(tx: Tx, upload: { projectId: string; id: string; purpose: BlobKind }): Promise<void> {
  const used = await tx.query(sql`
    -- use_upload: build_uploads_pkey
    update build_uploads set state = 'used'
     where id = ${upload.id} and project_id = ${upload.projectId} and purpose = ${upload.purpose}
       and state = 'complete' and expires_at > now() returning id`);
  if (used.length > 0) return;
  const found = await findUpload(tx, upload.projectId, upload.id);
  throw found?.state === 'used' ? uploadUsed() : noSuchUpload();
}

export const noSuchUpload = (): Error => notFound('no_such_upload', 'There is no such upload, or it has expired.');
export const uploadUsed = (): Error =>
  conflict('upload_used', 'This upload is already part of something; open a new one.');

export async function deleteUpload(tx: Tx, projectId: string, id: string): Promise<void> {
  await tx.query(sql`
    -- delete_upload: build_uploads_pkey
    delete from build_uploads where id = ${id} and project_id = ${projectId} and state <> 'used'`);
}

/** Uploads past their end, oldest first. Used ones of that age are only rows. */
export async function takeExpiredUploads(
  tx: Tx,
  limit: number,
): Promise<{ id: string; blob: BlobKey; state: UploadState }[]> {
  return await tx.query(sql`
    -- take_expired_uploads: build_uploads_expiry
    delete from build_uploads where id in (
      select id from build_uploads where expires_at <= now() order by expires_at limit ${limit} for update skip locked)
    returning id, blob, state`);
}
