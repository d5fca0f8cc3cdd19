import type { GalleryTask } from '@muster/protocol';
import { type Reader, sql, type Tx } from '#kernel/db';

export type TaskKind = GalleryTask['kind'];
export type TaskRow = {
  id: string;
  projectId: string;
  kind: TaskKind;
  input: unknown;
  total: number;
  done: number;
  changed: number;
  refused: GalleryTask['refused'];
  confirmed: boolean | null;
  error: string | null;
  result: Record<string, unknown> | null;
  state: 'running' | 'done' | 'failed';
  createdAt: Date;
  finishedAt: Date | null;
};

const columns = sql`
  id, project_id as "projectId", kind, input, total, done, changed, refused, confirmed, error, result, state,
  created_at as "createdAt", finished_at as "finishedAt"`;

export async function insertTask(
  tx: Tx,
  task: {
    id: string;
    projectId: string;
    kind: TaskKind;
    input: object;
    ids?: readonly string[];
    total: number;
    by: string;
    at: Date;
  },
): Promise<void> {
  await tx.query(sql`
    -- insert_gallery_task
    insert into gallery_tasks (id, project_id, kind, input, ids, total, asked_by, created_at)
    values (${task.id}, ${task.projectId}, ${task.kind}, ${JSON.stringify(task.input)}::jsonb, ${task.ids ?? []}::text[],
      ${task.total}, ${task.by}, ${task.at})`);
}

export async function readTask(reader: Reader, projectId: string, id: string): Promise<TaskRow | undefined> {
  const [row] = await reader.query<TaskRow>(sql`
    -- read_gallery_task: gallery_tasks_pkey
    select ${columns} from gallery_tasks where id = ${id} and project_id = ${projectId}`);
  return row;
}

/** For the job that works it off. */
export async function readTaskById(reader: Reader, id: string): Promise<TaskRow | undefined> {
  const [row] = await reader.query<TaskRow>(sql`
    -- read_gallery_task_by_id: gallery_tasks_pkey
    select ${columns} from gallery_tasks where id = ${id}`);
  return row;
}

export async function listTasks(
  reader: Reader,
  projectId: string,
  page: { before: Date | null; limit: number },
): Promise<TaskRow[]> {
  return reader.query<TaskRow>(sql`
    -- list_gallery_tasks: gallery_tasks_project
    select ${columns} from gallery_tasks
    where project_id = ${projectId} and (${page.before}::timestamptz is null or created_at < ${page.before})
    order by created_at desc limit ${page.limit}`);
}

/** The task and its next ids; nobody else works on it meanwhile. `undefined`: it is over. */
export async function takeTask(tx: Tx, id: string, count: number): Promise<(TaskRow & { next: string[] }) | undefined> {
  const [row] = await tx.query<TaskRow & { next: string[] }>(sql`
    -- take_gallery_task: gallery_tasks_pkey
    select ${columns}, ids[done + 1 : done + ${count}] as next
    from gallery_tasks where id = ${id} and state = 'running' for update`);
  return row;
}

export async function advanceTask(
  tx: Tx,
  id: string,
  step: { done: number; changed: number; refused: GalleryTask['refused'] },
): Promise<void> {
  await tx.query(sql`
    -- advance_gallery_task: gallery_tasks_pkey
    update gallery_tasks set done = done + ${step.done}, changed = changed + ${step.changed},
      refused = ${JSON.stringify(step.refused)}::jsonb
    where id = ${id}`);
}

export async function finishTask(
  tx: Tx,
  id: string,
  end: { confirmed?: boolean | null; error?: string; result?: object; at: Date },
): Promise<void> {
  await tx.query(sql`
    -- finish_gallery_task: gallery_tasks_pkey
    update gallery_tasks set state = ${end.error === undefined ? 'done' : 'failed'}, finished_at = ${end.at},
      confirmed = ${end.confirmed ?? null}::boolean, error = ${end.error ?? null}::text,
      result = ${end.result === undefined ? null : JSON.stringify(end.result)}::jsonb
    where id = ${id} and state = 'running'`);
}

export async function removeOldTasks(tx: Tx, before: Date): Promise<void> {
  await tx.query(sql`
    -- remove_old_gallery_tasks: gallery_tasks_finished
    delete from gallery_tasks where finished_at < ${before}`);
}
