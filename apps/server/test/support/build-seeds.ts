import { createHash, randomBytes } from 'node:crypto';
import { newId } from '#kernel/base';
import { type Db, sql } from '#kernel/db';

export const projectId = 'prj_00000000000000000000000000';

export type Seed = {
  id?: string;
  projectId?: string;
  state?: 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';
  queue?: string;
  platform?: string;
  requires?: Record<string, string>;
  tags?: Record<string, string>;
  name?: string;
  ckey?: string;
  /** Days since its end; for a finished one. */
  endedDays?: number;
  sourceBlob?: string;
  sourceBytes?: number;
};

/** Rows of a build in some state, as the operations would have left them, for tests of statements. */
export async function seedBuild(db: Db, seed: Seed = {}): Promise<string> {
  const id = seed.id ?? newId('build');
  const project = seed.projectId ?? projectId;
  const { state = 'queued', queue = 'default', platform = 'any', endedDays = 0 } = seed;
  const finished = state === 'succeeded' || state === 'failed' || state === 'cancelled';
  const requires = JSON.stringify(seed.requires ?? {});
  const blob = seed.sourceBlob ?? `builds/source/${newId('blob')}`;
  await db.transaction(async (tx) => {
    await tx.query(sql`insert into queues (project_id, name) values (${project}, ${queue}) on conflict do nothing`);
    const [demand] = await tx.query<{ sig: number }>(sql`
      insert into demands (project_id, queue, platform, requires) values (${project}, ${queue}, ${platform}, ${requires}::jsonb)
      on conflict (project_id, queue, platform, requires) do update set used_at = now() returning sig`);
    const worker = state === 'running' ? await seedWorker(db, { projectId: project }) : null;
    await tx.query(sql`
      insert into builds (id, project_id, sig, queue, platform, state, ckey, key_limit, max_run_ms, worker_id, worker_seat, key_seat,
                          lease_until, term, finished_at, failure)
      values (${id}, ${project}, ${demand?.sig}, ${queue}, ${platform}, ${state}, ${seed.ckey ?? null}, ${seed.ckey ? 1 : null}, 1000,
              ${worker}, ${worker ? 0 : null}, ${worker && seed.ckey ? 0 : null}, case when ${worker}::text is not null then now() + interval '1 hour' end,
              ${worker ? 1 : 0}, case when ${finished} then now() - ${endedDays}::float8 * interval '1 day' end,
              ${state === 'failed' ? '{"code":"command_failed","detail":"","attribution":"user","remedy":"","docsUrl":""}' : null})`);
    await tx.query(sql`
      insert into build_specs (build_id, name, tags, requires, retry_on, expects, submitted_by, access_token_hash, source_blob, source_bytes, source_sha256, source_format)
      values (${id}, ${seed.name ?? null}, ${JSON.stringify(seed.tags ?? {})}::jsonb, ${requires}::jsonb, '{}', 'artifact', 'test',
              ${randomBytes(32)}, ${blob}, ${seed.sourceBytes ?? 10}, ${createHash('sha256').update(blob).digest('hex')}, 'zip')`);
    await tx.query(sql`
      with file as (insert into build_blobs (blob, project_id, kind, bytes) values (${blob}, ${project}, 'source', ${seed.sourceBytes ?? 10})
                    on conflict do nothing returning bytes)
      insert into build_storage (project_id, kind, shard, bytes) select ${project}::text, 'source', 1, bytes from file
      on conflict (project_id, kind, shard) do update set bytes = build_storage.bytes + excluded.bytes`);
  });
  return id;
}

export async function seedWorker(
  db: Db,
  worker: { projectId?: string; platforms?: string[]; labels?: Record<string, string> } = {},
): Promise<string> {
  const id = newId('worker');
  await db.query(sql`
    insert into workers (id, project_id, kind, name, platforms, labels, seats)
    values (${id}, ${worker.projectId ?? projectId}, 'v1', 'seeded', ${worker.platforms ?? ['linux']}, ${JSON.stringify(worker.labels ?? {})}::jsonb, 1)`);
  return id;
}

export async function seedProject(db: Db): Promise<string> {
  const id = newId('project');
  await db.query(sql`insert into projects (id, name) values (${id}, ${id})`);
  return id;
}
