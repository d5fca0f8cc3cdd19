import type { Platform, RegisterWorkerInput } from '@muster/protocol';
import { registerWorkerSchema } from '@muster/protocol';
import { defaultProjectId } from '#kernel/auth';
import { newId } from '#kernel/base';
import { sql } from '#kernel/db';
import type { Holder } from '../../src/builds/holder.ts';
import { readWorkers, type WorkerRow } from '../../src/builds/queries/workers.ts';
import { registerWorker } from '../../src/builds/register-worker.ts';
import type { Room } from '../../src/builds/room.ts';
import { operator } from './builds-room.ts';

export type Seed = {
  queue?: string;
  platform?: Platform;
  requires?: Record<string, string>;
  priority?: number;
  key?: string;
  keyLimit?: number;
  attemptsMax?: number;
  maxRunMs?: number;
  retryOn?: string[];
  expects?: 'artifact' | 'nothing';
  notBeforeMs?: number;
  queueDeadlineMs?: number;
  projectId?: string;
};

/** Builds in line, written as rows: for tests of what happens after a submit. Ids in the order of the line. */
export async function seedBuilds(room: Pick<Room, 'db'>, count: number, seed: Seed = {}): Promise<string[]> {
  const { queue = 'default', platform = 'linux', requires = {}, projectId = defaultProjectId } = seed;
  const ids = Array.from({ length: count }, () => newId('build'));
  await room.db.transaction(async (tx) => {
    await tx.query(sql`insert into queues (project_id, name) values (${projectId}, ${queue}) on conflict do nothing`);
    await tx.query(sql`insert into demands (project_id, queue, platform, requires)
      values (${projectId}, ${queue}, ${platform}, ${JSON.stringify(requires)}::jsonb) on conflict do nothing`);
    await tx.query(sql`
      insert into builds (id, project_id, sig, queue, platform, priority, ckey, key_limit, attempts_max, max_run_ms, eligible_at, wait_cause, queue_deadline_at)
      select x.id, ${projectId}, d.sig, ${queue}, ${platform}, ${seed.priority ?? 0}, ${seed.key ?? null}, ${seed.key ? (seed.keyLimit ?? 1) : null},
        ${seed.attemptsMax ?? 3}, ${seed.maxRunMs ?? 60_000}, now() + make_interval(secs => ${seed.notBeforeMs ?? 0}::int / 1000.0),
        ${seed.notBeforeMs ? 'not_before' : null}, now() + make_interval(secs => ${seed.queueDeadlineMs ?? null}::int / 1000.0)
      from unnest(${ids}::text[]) with ordinality x(id, n)
      join demands d on d.project_id = ${projectId} and d.queue = ${queue} and d.platform = ${platform} and d.requires = ${JSON.stringify(requires)}::jsonb
      order by x.n`);
    await tx.query(sql`
      insert into build_specs (build_id, requires, retry_on, expects, submitted_by, access_token_hash, source_blob, source_bytes, source_sha256, source_format)
      select id, ${JSON.stringify(requires)}::jsonb, ${seed.retryOn ?? ['host', 'system']}::text[], ${seed.expects ?? 'nothing'}, 'test',
        sha256(id::bytea), 'builds/source/' || id, 10, repeat('0', 64), 'zip'
      from unnest(${ids}::text[]) id`);
  });
  return ids;
}

export async function seedWorker(
  room: Room,
  input: Partial<RegisterWorkerInput> = {},
): Promise<Holder & { token: string }> {
  const { worker, token } = await registerWorker(
    room,
    operator,
    registerWorkerSchema.parse({ name: 'mac-1', platforms: ['linux'], ...input }),
  );
  return { workerId: worker.id, projectId: operator.projectId, token };
}

export async function workerRow(room: Pick<Room, 'db'>, { workerId }: Pick<Holder, 'workerId'>): Promise<WorkerRow> {
  const [row] = await readWorkers(room.db, [workerId]);
  if (!row) throw new Error(`no worker ${workerId}`);
  return row;
}
