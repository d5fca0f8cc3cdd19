import type { BlobKey } from '#kernel/blobs';
import { type Reader, sql, type Tx } from '#kernel/db';
import type { BlobKind } from './blob-names.ts';

const shards = 8;
/** Spreads the rows that one project's submits add to; which one a file counts in does not matter, only the sum does. */
const shardOf = (blob: BlobKey): number => blob.charCodeAt(blob.length - 1) % shards;

export type NewBlob = { blob: BlobKey; projectId: string; kind: BlobKind; bytes: number };

/** A stored file that got its first user, in the transaction that makes the user. */
export const addBlob = (tx: Tx, file: NewBlob): Promise<void> => addBlobs(tx, [file]);

/** Several of them. Counters are taken in one order, sources first, so that two transactions never wait for each other. */
export async function addBlobs(tx: Tx, files: readonly NewBlob[]): Promise<void> {
  await tx.query(sql`
    -- add_blobs: build_blobs_pkey, build_storage_pkey
    with file as (
      select * from unnest(${files.map(({ blob }) => blob)}::text[], ${files.map(({ projectId }) => projectId)}::text[],
        ${files.map(({ kind }) => kind)}::text[], ${files.map(({ bytes }) => bytes)}::bigint[],
        ${files.map(({ blob }) => shardOf(blob))}::smallint[]) f(blob, project_id, kind, bytes, shard)),
    kept as (insert into build_blobs (blob, project_id, kind, bytes) select blob, project_id, kind, bytes from file)
    insert into build_storage (project_id, kind, shard, bytes)
    select project_id, kind, shard, sum(bytes) from file group by project_id, kind, shard
     order by project_id, kind desc, shard
    on conflict (project_id, kind, shard) do update set bytes = build_storage.bytes + excluded.bytes`);
}

/** Forgets those of `blobs` that no build uses any more and resolves with their keys: remove them after the commit. */
export async function dropUnusedBlobs(tx: Tx, blobs: readonly BlobKey[]): Promise<BlobKey[]> {
  const gone = await tx.query<{ blob: BlobKey }>(sql`
    -- drop_unused_blobs: build_blobs_pkey; build_specs_source, build_specs_certs, build_artifacts_blob (live users only)
    with gone as (
      delete from build_blobs k
       where k.blob = any(${blobs}::text[])
         and not exists (select 1 from build_specs s where s.source_blob = k.blob and s.inputs_removed_at is null)
         and not exists (select 1 from build_specs s where s.certs_blob = k.blob and s.inputs_removed_at is null)
         and not exists (select 1 from build_artifacts a where a.blob = k.blob and a.removed_at is null)
      returning k.blob, k.project_id, k.kind, k.bytes),
    counted as (
      insert into build_storage (project_id, kind, shard, bytes)
      select project_id, kind, 0, -sum(bytes) from gone group by project_id, kind order by project_id, kind desc
      on conflict (project_id, kind, shard) do update set bytes = build_storage.bytes + excluded.bytes)
    select blob from gone`);
  return gone.map((row) => row.blob);
}

/** Which of these keys have a row or belong to an upload; the others are nobody's. */
export async function knownBlobs(reader: Reader, blobs: readonly BlobKey[]): Promise<Set<BlobKey>> {
  const known = await reader.query<{ blob: BlobKey }>(sql`
    -- known_blobs: build_blobs_pkey, build_uploads_blob
    select blob from build_blobs where blob = any(${blobs}::text[])
    union all
    select blob from build_uploads where blob = any(${blobs}::text[])`);
  return new Set(known.map((row) => row.blob));
}

export type StoredBytes = { projectId: string; kind: BlobKind; bytes: number };

export async function readStorage(reader: Reader): Promise<StoredBytes[]> {
  return await reader.query<StoredBytes>(sql`
    -- read_storage: 24 rows per project, all of them
    select project_id as "projectId", kind, sum(bytes)::bigint as bytes from build_storage
     group by project_id, kind having sum(bytes) > 0`);
}

/** Bytes of a build's files that went out to somebody. */
export async function addSentBytes(tx: Tx, buildId: string, bytes: number): Promise<void> {
  await tx.query(sql`
    -- add_sent_bytes: build_transfers_pkey, builds_pkey
    insert into build_transfers (build_id, sent_bytes)
    select id, ${bytes}::bigint from builds where id = ${buildId}
    on conflict (build_id) do update set sent_bytes = build_transfers.sent_bytes + excluded.sent_bytes`);
}
