import type { Diagnostics, Page } from '@muster/protocol';
import { must, newId, notFound } from '#kernel/base';
import {
  type DiagnosticsRow,
  findWorker,
  insertDiagnostics,
  readDiagnostics,
  trimDiagnostics,
} from './queries/telemetry.ts';
import type { Room } from './room.ts';

/** Reports kept per worker. */
const diagnosticsKept = 100;

/** Stores what a worker found out about itself; the newest hundred are kept. `notFound` `no_such_worker`. */
export async function reportDiagnostics(
  room: Pick<Room, 'db'>,
  projectId: string,
  workerId: string,
  input: Diagnostics,
): Promise<DiagnosticsRow> {
  const worker = await requireWorker(room, projectId, workerId);
  return room.db.transaction(async (tx) => {
    const { status, durationMs, autoFixed, checks } = input;
    const report = { id: newId('diagnostics'), workerId: worker.id, projectId, status, durationMs, autoFixed, checks };
    const row = must(await insertDiagnostics(tx, { ...report, runAt: input.runAt ?? null }), 'the stored report');
    await trimDiagnostics(tx, worker.id, diagnosticsKept);
    return row;
  });
}

/** Reports of a worker, newest first. `notFound` `no_such_worker`. */
export async function listDiagnostics(
  room: Pick<Room, 'db'>,
  projectId: string,
  workerId: string,
  page: { limit: number; cursor?: string | undefined },
): Promise<Page<DiagnosticsRow>> {
  const worker = await requireWorker(room, projectId, workerId);
  const rows = await readDiagnostics(room.db, worker.id, page.cursor ?? null, page.limit + 1);
  const items = rows.slice(0, page.limit);
  return { items, nextCursor: rows.length > page.limit ? (items.at(-1)?.id ?? null) : null };
}

async function requireWorker(
  room: Pick<Room, 'db'>,
  projectId: string,
  workerId: string,
): Promise<{ id: string; name: string }> {
  const worker = await findWorker(room.db, projectId, workerId);
  if (!worker) throw notFound('no_such_worker', 'There is no such worker.');
  return worker;
}
