import { type Reader, sql, type Tx } from '#kernel/db';

export type ImageRow = {
  id: string;
  projectId: string;
  accountId: string | null;
  form: 'svg' | 'png' | null;
  sha256: string | null;
  width: number | null;
  height: number | null;
  uploadType: string | null;
  uploadBytes: number | null;
  uploadHash: Buffer | null;
  expiresAt: Date | null;
};

export async function readImage(reader: Reader, id: string): Promise<ImageRow | undefined> {
  const [row] = await reader.query<ImageRow>(sql`
    -- sandbox_image: sandbox_images_pkey
    select id, project_id as "projectId", account_id as "accountId", form, sha256, width, height,
           upload_type as "uploadType", upload_bytes as "uploadBytes", upload_hash as "uploadHash", expires_at as "expiresAt"
    from sandbox_images where id = ${id}`);
  return row;
}

export type StoredImage = {
  id: string;
  projectId: string;
  accountId: string | null;
  form: 'svg' | 'png';
  sha256: string;
  width: number | null;
  height: number | null;
};

/** A picture that is there. The same one again changes nothing. */
export function insertImage(tx: Tx, image: StoredImage & { at: Date }): void {
  tx.send(sql`
    -- sandbox_new_image: sandbox_images_pkey
    insert into sandbox_images (id, project_id, account_id, form, sha256, width, height, created_at)
    values (${image.id}, ${image.projectId}, ${image.accountId}, ${image.form}, ${image.sha256}, ${image.width},
            ${image.height}, ${image.at}) on conflict (id) do nothing`);
}

/** Announces an upload; `false` when too many of this project wait. Those whose time is over leave first. */
export async function insertUpload(
  tx: Tx,
  upload: {
    id: string;
    projectId: string;
    accountId: string;
    type: string;
    bytes: number;
    hash: Uint8Array;
    at: Date;
    expiresAt: Date;
    waitingMax: number;
  },
): Promise<boolean> {
  tx.send(sql`
    -- sandbox_drop_uploads: sandbox_images_waiting
    delete from sandbox_images where sha256 is null and expires_at < ${upload.at}`);
  const rows = await tx.query(sql`
    -- sandbox_new_upload: sandbox_images_waiting, sandbox_images_pkey
    insert into sandbox_images (id, project_id, account_id, upload_type, upload_bytes, upload_hash, expires_at, created_at)
    select ${upload.id}, ${upload.projectId}, ${upload.accountId}, ${upload.type}, ${upload.bytes}::int, ${upload.hash}::bytea,
           ${upload.expiresAt}::timestamptz, ${upload.at}::timestamptz
    where (select count(*) from sandbox_images where sha256 is null and project_id = ${upload.projectId}) < ${upload.waitingMax}
    returning id`);
  return rows.length > 0;
}

export async function completeUpload(
  tx: Tx,
  image: { id: string; sha256: string; width: number; height: number },
): Promise<void> {
  await tx.query(sql`
    -- sandbox_upload_done: sandbox_images_pkey
    update sandbox_images set form = 'png', sha256 = ${image.sha256}, width = ${image.width}, height = ${image.height},
                              upload_hash = null
    where id = ${image.id} and sha256 is null`);
}
