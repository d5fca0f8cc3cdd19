import type { BuildState } from '@muster/protocol';
import type { BlobKey } from '#kernel/blobs';
import { type Reader, sql, type Tx } from '#kernel/db';

export type ArtifactRow = {
  id: string;
  buildId: string;
  term: number;
  name: string;
  blob: BlobKey;
  sizeBytes: number;
  sha256: string;
  contentType: string;
  primary: boolean;
  createdAt: Date;
  removedAt: Date | null;
};

export async function readArtifacts(reader: Reader, buildId: string): Promise<ArtifactRow[]> {
  return await reader.query<ArtifactRow>(sql`
    -- read_artifacts: build_artifacts_build_id_term_name_key
    select id, build_id as "buildId", term, name, blob, size_bytes as "sizeBytes", sha256, content_type as "contentType",
           is_primary as "primary", created_at as "createdAt", removed_at as "removedAt"
      from build_artifacts where build_id = ${buildId} order by term desc, is_primary desc, created_at, id`);
}

/** The one a name stands for: of that term, else of the newest successful one, else of the newest. */
export async function findArtifact(
  reader: Reader,
  buildId: string,
  name: string,
  term: number | undefined,
): Promise<ArtifactRow | undefined> {
  const [row] = await reader.query<ArtifactRow>(sql`
    -- find_artifact: build_artifacts_build_id_term_name_key, build_attempts_pkey
    select a.id, a.build_id as "buildId", a.term, a.name, a.blob, a.size_bytes as "sizeBytes", a.sha256,
           a.content_type as "contentType", a.is_primary as "primary", a.created_at as "createdAt", a.removed_at as "removedAt"
      from build_artifacts a left join build_attempts t on t.build_id = a.build_id and t.term = a.term
     where a.build_id = ${buildId} and a.name = ${name} and (${term ?? null}::integer is null or a.term = ${term ?? null}::integer)
     order by t.outcome = 'succeeded' desc nulls last, a.term desc limit 1`);
  return row;
}

/** The build as an artifact's writer needs it; the row stays locked, so no result can come between. */
export async function lockForArtifact(
  tx: Tx,
  buildId: string,
): Promise<{ state: BuildState; term: number; workerId: string | null; queue: string } | undefined> {
  const [row] = await tx.query<{ state: BuildState; term: number; workerId: string | null; queue: string }>(sql`
    -- lock_for_artifact: builds_pkey
    select state, term, worker_id as "workerId", queue from builds where id = ${buildId} for share`);
  return row;
}

export async function artifactTotals(reader: Reader, buildId: string): Promise<{ count: number; bytes: number }> {
  const [row] = await reader.query<{ count: number; bytes: number }>(sql`
    -- artifact_totals: build_artifacts_build_id_term_name_key
    select count(*)::int as count, coalesce(sum(size_bytes), 0)::bigint as bytes
      from build_artifacts where build_id = ${buildId} and removed_at is null`);
  return row ?? { count: 0, bytes: 0 };
}

/** `undefined` when that name of that term is there already. */
export async function insertArtifact(
  tx: Tx,
  artifact: Omit<ArtifactRow, 'createdAt' | 'removedAt' | 'primary'>,
): Promise<ArtifactRow | undefined> {
  const [row] = await tx.query<ArtifactRow>(sql`
    -- insert_artifact: build_artifacts_build_id_term_name_key
    insert into build_artifacts (id, build_id, term, name, blob, size_bytes, sha256, content_type)
    values (${artifact.id}, ${artifact.buildId}, ${artifact.term}, ${artifact.name}, ${artifact.blob},
            ${artifact.sizeBytes}, ${artifact.sha256}, ${artifact.contentType})
    on conflict (build_id, term, name) do nothing
    returning id, build_id as "buildId", term, name, blob, size_bytes as "sizeBytes", sha256,
              content_type as "contentType", is_primary as "primary", created_at as "createdAt", removed_at as "removedAt"`);
  return row;
}
