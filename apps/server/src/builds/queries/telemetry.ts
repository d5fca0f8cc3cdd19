import type { Diagnostics } from '@muster/protocol';
import { type Reader, sql, type Tx } from '#kernel/db';

/** What a build's machine did in one second. Absent values were not told. */
export type TelemetryPoint = {
  buildId: string;
  cpuPercent: number | null;
  memoryMb: number | null;
  diskPercent: number | null;
  processes: number | null;
  stage: string | null;
};

/** One point per build and second: a later one of the same second adds to it or replaces it. Says how many were new. */
export async function saveTelemetry(tx: Tx, points: readonly TelemetryPoint[]): Promise<number> {
  const rows = await tx.query<{ fresh: boolean }>(sql`
    -- save_telemetry: build_telemetry_pkey
    insert into build_telemetry (build_id, at, cpu_percent, memory_mb, disk_percent, processes, stage)
    select distinct on (p.build_id) p.build_id, date_trunc('second', now()), p.cpu, p.memory, p.disk, p.processes, p.stage
    from unnest(${points.map((p) => p.buildId)}::text[], ${points.map((p) => p.cpuPercent)}::real[],
                ${points.map((p) => p.memoryMb)}::real[], ${points.map((p) => p.diskPercent)}::real[],
                ${points.map((p) => p.processes)}::integer[], ${points.map((p) => p.stage)}::text[])
         with ordinality p(build_id, cpu, memory, disk, processes, stage, n)
    join builds b on b.id = p.build_id
    order by p.build_id, p.n desc
    on conflict (build_id, at) do update set
      cpu_percent = coalesce(excluded.cpu_percent, build_telemetry.cpu_percent),
      memory_mb = coalesce(excluded.memory_mb, build_telemetry.memory_mb),
      disk_percent = coalesce(excluded.disk_percent, build_telemetry.disk_percent),
      processes = coalesce(excluded.processes, build_telemetry.processes),
      stage = coalesce(excluded.stage, build_telemetry.stage)
    returning (xmax = 0) as fresh`);
  return rows.filter((row) => row.fresh).length;
}

export type StoredPoint = Omit<TelemetryPoint, 'buildId'> & { at: Date };

/** Points of a build after `after`, oldest first. */
export async function readTelemetry(
  reader: Reader,
  buildId: string,
  after: Date,
  limit: number,
): Promise<StoredPoint[]> {
  return reader.query<StoredPoint>(sql`
    -- read_telemetry: build_telemetry_pkey
    select at, cpu_percent as "cpuPercent", memory_mb as "memoryMb", disk_percent as "diskPercent", processes, stage
    from build_telemetry where build_id = ${buildId} and at > ${after} order by at limit ${limit}`);
}

export type DiagnosticsRow = {
  id: string;
  workerId: string;
  status: Diagnostics['status'];
  runAt: Date;
  durationMs: number;
  autoFixed: boolean;
  checks: Diagnostics['checks'];
  createdAt: Date;
};

export async function insertDiagnostics(
  tx: Tx,
  report: Omit<DiagnosticsRow, 'createdAt' | 'runAt'> & { projectId: string; runAt: string | null },
): Promise<DiagnosticsRow | undefined> {
  const [row] = await tx.query<DiagnosticsRow>(sql`
    -- insert_diagnostics: no look-up
    insert into worker_diagnostics (id, worker_id, project_id, status, run_at, duration_ms, auto_fixed, checks)
    values (${report.id}, ${report.workerId}, ${report.projectId}, ${report.status},
            coalesce(${report.runAt}::timestamptz, now()), ${report.durationMs}, ${report.autoFixed},
            ${JSON.stringify(report.checks)}::jsonb)
    returning id, worker_id as "workerId", status, run_at as "runAt", duration_ms as "durationMs",
              auto_fixed as "autoFixed", checks, created_at as "createdAt"`);
  return row;
}

/** Keeps the newest `keep` reports of a worker. */
export async function trimDiagnostics(tx: Tx, workerId: string, keep: number): Promise<void> {
  await tx.query(sql`
    -- trim_diagnostics: worker_diagnostics_latest
    delete from worker_diagnostics where worker_id = ${workerId} and id < (
      select id from worker_diagnostics where worker_id = ${workerId} order by id desc offset ${keep - 1} limit 1)`);
}

/** Reports of a worker, newest first, older than `before`. */
export async function readDiagnostics(
  reader: Reader,
  workerId: string,
  before: string | null,
  limit: number,
): Promise<DiagnosticsRow[]> {
  return reader.query<DiagnosticsRow>(sql`
    -- read_diagnostics: worker_diagnostics_latest
    select id, worker_id as "workerId", status, run_at as "runAt", duration_ms as "durationMs",
           auto_fixed as "autoFixed", checks, created_at as "createdAt"
    from worker_diagnostics where worker_id = ${workerId} and (${before}::text is null or id < ${before})
    order by id desc limit ${limit}`);
}

/** A worker of the project, also by the id a legacy client chose. */
export async function findWorker(
  reader: Reader,
  projectId: string,
  idOrAlias: string,
): Promise<{ id: string; name: string } | undefined> {
  const [row] = await reader.query<{ id: string; name: string }>(sql`
    -- find_worker: workers_pkey, workers_alias
    select id, name from workers
    where project_id = ${projectId} and removed_at is null and (id = ${idOrAlias} or alias = ${idOrAlias})
    order by id = ${idOrAlias} desc limit 1`);
  return row;
}
