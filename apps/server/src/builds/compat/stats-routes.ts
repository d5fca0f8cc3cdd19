import { diagnosticsSchema } from '@muster/protocol';
import { answer, type RequestHead } from '#kernel/http';
import type { DiagnosticsRow } from '../queries/telemetry.ts';
import { listDiagnostics, reportDiagnostics } from '../report-diagnostics.ts';
import type { Room } from '../room.ts';
import { type ByKey, byKey, queryOf } from './auth.ts';
import { type LegacyBody, numberOf, readBody, textOf } from './body.ts';
import { refuse } from './legacy-error.ts';
import { type Declare, open } from './legacy-routes.ts';
import { type PublicStats, readPublicStats } from './queries.ts';

const statsKeptMs = 10_000;
const reportsDefault = 10;

/** Public counts, and what workers find out about themselves. */
export function statsRoutes(room: Room, declare: Declare): void {
  const stats = cached(room);
  for (const path of ['/api/stats', '/public/stats']) {
    const headers = { 'cache-control': 'public, max-age=10', 'access-control-allow-origin': '*' };
    declare('GET', path, open, async () => answer(200, await stats(), headers), { cors: 'public' });
  }
  const operator = (head: RequestHead): Promise<ByKey> => byKey(room, head, 'builds:operate');
  const reader = (head: RequestHead): Promise<ByKey> => byKey(room, head, 'builds:read');
  declare('POST', '/api/diagnostics/report', operator, async (call) => {
    const { workerId, report } = reportOf(await readBody(call));
    const row = await reportDiagnostics(room, call.who.projectId, workerId, report);
    return { id: row.id, status: 'stored' };
  });
  declare('GET', '/api/diagnostics/:worker_id', reader, async (call) => {
    const name = call.params['worker_id'] ?? '';
    const given = queryOf(call, 'limit');
    if (given !== undefined && !/^[1-9]\d{0,5}$/.test(given)) throw refuse(400, 'Invalid limit');
    const limit = Math.min(given === undefined ? reportsDefault : Number(given), 100);
    const { items } = await listDiagnostics(room, call.who.projectId, name, { limit });
    return { worker_id: name, reports: items.map((row) => show(row, name)) };
  });
  declare('GET', '/api/diagnostics/:worker_id/latest', reader, async (call) => {
    const name = call.params['worker_id'] ?? '';
    const { items } = await listDiagnostics(room, call.who.projectId, name, { limit: 1 });
    if (!items[0]) throw refuse(404, 'No diagnostics found for worker');
    return show(items[0], name);
  });
}

/** One reading serves everybody for ten seconds; who comes while it is read waits for the same. */
function cached(room: Room): () => Promise<PublicStats> {
  let last: { at: number; stats: Promise<PublicStats> } | undefined;
  return () => {
    const now = room.clock.monotonic();
    if (!last || now - last.at >= statsKeptMs) {
      const reading = { at: now, stats: readPublicStats(room.db) };
      last = reading;
      reading.stats.catch(() => {
        if (last === reading) last = undefined;
      });
    }
    return last.stats;
  };
}

function reportOf(body: LegacyBody): { workerId: string; report: ReturnType<typeof diagnosticsSchema.parse> } {
  const workerId = textOf(body, 'worker_id');
  const status = textOf(body, 'status');
  if (workerId === undefined) throw refuse(400, 'worker_id required');
  if (status === undefined) throw refuse(400, 'status required');
  const runAt = runAtOf(body['run_at']);
  const report = diagnosticsSchema.safeParse({
    status,
    durationMs: Math.max(0, Math.round(numberOf(body, 'duration_ms') ?? 0)),
    autoFixed: body['auto_fixed'] === true || body['auto_fixed'] === 1,
    checks: checksOf(body['checks']),
    ...(runAt === undefined ? {} : { runAt }),
  });
  if (report.success) return { workerId, report: report.data };
  const onStatus = report.error.issues.some((issue) => issue.path[0] === 'status');
  throw refuse(400, onStatus ? 'Invalid status. Must be: healthy, warning, or critical' : 'Invalid diagnostics report');
}

/** Milliseconds or ISO; anything else is as if it had not been sent, and the report counts as run now. */
function runAtOf(value: unknown): string | undefined {
  if (typeof value !== 'number' && typeof value !== 'string') return undefined;
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

function checksOf(value: unknown): unknown {
  if (!Array.isArray(value)) return [];
  return value.map((check: unknown) => {
    if (typeof check !== 'object' || check === null) return check;
    const { name, status, message, duration_ms, durationMs, auto_fixed, autoFixed, details } = check as LegacyBody;
    return {
      name,
      status,
      ...(typeof message === 'string' ? { message } : {}),
      durationMs: duration_ms ?? durationMs ?? 0,
      autoFixed: auto_fixed === true || autoFixed === true,
      ...(typeof details === 'object' && details !== null && !Array.isArray(details) ? { details } : {}),
    };
  });
}

const show = (row: DiagnosticsRow, workerId: string): Record<string, unknown> => ({
  id: row.id,
  worker_id: workerId,
  status: row.status,
  run_at: row.runAt.getTime(),
  duration_ms: row.durationMs,
  auto_fixed: row.autoFixed,
  checks: row.checks.map(({ durationMs, autoFixed, ...check }) => ({
    ...check,
    duration_ms: durationMs,
    auto_fixed: autoFixed,
  })),
});
