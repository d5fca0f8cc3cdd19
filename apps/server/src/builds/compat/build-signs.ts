import { isTerminal, type Metrics, metricsSchema } from '@muster/protocol';
import type { RequestHead } from '#kernel/http';
import { appendLegacyLines } from '../append-log.ts';
import type { NewLine } from '../log-lines.ts';
import { recordTelemetry } from '../record-telemetry.ts';
import type { Room } from '../room.ts';
import {
  type ByKey,
  type ByName,
  type ByVm,
  type ByWorker,
  byHolder,
  byKey,
  byVm,
  byWorkerToken,
  findOldWorker,
  type Held,
  headerOf,
  queryOf,
  requireHeld,
  requireLegacyBuild,
  workerNameOf,
} from './auth.ts';
import { type LegacyBody, numberOf, objectOf, readBody, textOf } from './body.ts';
import { refuse, texts } from './legacy-error.ts';
import type { Declare } from './legacy-routes.ts';
import { signOfLife } from './signs.ts';
import { checkBuildHeader, line } from './vm.ts';
import { beat } from './worker-routes.ts';

const logBodyBytesMax = 3 * 2 ** 20;
const logEntriesMax = 5_000;
const levels = ['info', 'warn', 'error'] as const;

/** What an attempt says of itself while it runs: log lines, heartbeats, telemetry. */
export function signRoutes(room: Room, declare: Declare): void {
  declare(
    'POST',
    '/api/builds/:id/logs',
    (head) => byHolder(room, head, { late: true }),
    async (call) => {
      const body = await readBody(call, logBodyBytesMax);
      const { entries, batch } = entriesOf(body, call.who.kind === 'vm' ? 'vm' : 'worker');
      const row = await requireLegacyBuild(room, call.who.projectId, call.params['id'] ?? '');
      const held = requireHeld(row, call.who);
      if (!isTerminal(row.state)) await signOfLife(room, held, 'other');
      const count = await appendLegacyLines(room, row, held.term, entries);
      return batch ? { success: true, count } : { success: true };
    },
  );
  declare(
    'POST',
    '/api/builds/:id/heartbeat',
    (head) => beater(room, head),
    async (call) => {
      const body = await readBody(call);
      const { who } = call;
      const name = who.kind === 'key' ? workerNameOf(call) : undefined;
      if (who.kind === 'key' && name === undefined) throw refuse(400, 'worker_id required');
      const row = await requireLegacyBuild(room, who.projectId, call.params['id'] ?? '');
      const text = 'Build not assigned to this worker';
      const caller = who.kind === 'key' ? await workerOf(room, who.projectId, name ?? '', text) : who;
      const held = requireHeld(row, caller, text);
      await beat(room, held, progressOf(body));
      return { status: 'ok', timestamp: room.clock.now() };
    },
  );
  declare(
    'POST',
    '/api/builds/:id/telemetry',
    (head) => teller(room, head),
    async (call) => {
      const { point, monitor } = telemetryOf(room, await readBody(call));
      const { who } = call;
      const row = await requireLegacyBuild(
        room,
        who.kind === 'name' ? undefined : who.projectId,
        call.params['id'] ?? '',
      );
      const caller = who.kind === 'name' ? await workerOf(room, row.projectId, who.name) : who;
      const held = requireHeld(row, caller);
      if (isTerminal(row.state)) {
        room.metrics.telemetryDropped.add({ cause: 'ended' });
        return { status: 'ok' };
      }
      // A name is not a secret: it may tell, but it never keeps a lease alive.
      if (who.kind !== 'name') await noteTelemetry(room, held, monitor);
      if (point) {
        const { stage, ...metrics } = point;
        await room.db.transaction((tx) => recordTelemetry(room, tx, [{ buildId: row.id, metrics, stage }]));
      }
      return { status: 'ok' };
    },
  );
}

async function noteTelemetry(room: Room, held: Held, monitor: boolean): Promise<void> {
  const { signs } = await signOfLife(room, held, 'telemetry', { monitor });
  if (!monitor || signs.monitorSaid) return;
  await room.db.transaction((tx) => room.emit(tx, [line(held, 'VM monitoring started')]));
}

async function workerOf(
  room: Room,
  projectId: string,
  name: string,
  text: string = texts.notHolder,
): Promise<ByWorker> {
  const worker = await findOldWorker(room, projectId, name);
  if (!worker) throw refuse(403, text);
  return { kind: 'worker', worker, projectId };
}

/** V, HB, W, or K (whose worker the query names). */
async function beater(room: Room, head: RequestHead): Promise<ByVm | ByWorker | ByKey> {
  const vm = headerOf(head, 'x-vm-token');
  if (vm !== undefined) return byVm(room, head.params['id'] ?? '', vm, { heartbeat: true, succeeded: true });
  const token = headerOf(head, 'x-worker-token');
  if (token !== undefined) return byWorkerToken(room, token);
  return byKey(room, head, 'builds:operate');
}

/** V; or a worker's name, with or without K, and the build named a second time. */
async function teller(room: Room, head: RequestHead): Promise<ByVm | ByWorker | ByName> {
  const vm = headerOf(head, 'x-vm-token');
  if (vm !== undefined) return byVm(room, head.params['id'] ?? '', vm, { succeeded: true });
  const name = headerOf(head, 'x-worker-id') ?? queryOf(head, 'worker_id');
  if (name === undefined) throw refuse(401, texts.noWorkerId);
  checkBuildHeader(head);
  if (headerOf(head, 'x-api-key') === undefined) return { kind: 'name', name };
  const key = await byKey(room, head, 'builds:operate');
  return workerOf(room, key.projectId, name);
}

/** One line, or many. Entries without text or with a level nobody knows are skipped in a batch, refused alone. */
function entriesOf(body: LegacyBody, source: 'vm' | 'worker'): { entries: NewLine[]; batch: boolean } {
  const list = body['logs'];
  if (Array.isArray(list)) {
    const entries = list.slice(0, logEntriesMax).flatMap((entry: unknown): NewLine[] => {
      if (typeof entry !== 'object' || entry === null) return [];
      const line = entryOf(entry as LegacyBody, source);
      return typeof line === 'string' ? [] : [line];
    });
    return { entries, batch: true };
  }
  const entry = entryOf(body, source);
  if (entry === 'no text') throw refuse(400, 'Invalid body. Expected { level, message } or { logs: [...] }');
  if (entry === 'no level') throw refuse(400, 'Invalid log level. Must be: info, warn, or error');
  return { entries: [entry], batch: false };
}

function entryOf(entry: LegacyBody, source: 'vm' | 'worker'): NewLine | 'no text' | 'no level' {
  const text = entry['message'];
  if (typeof text !== 'string' || !('level' in entry)) return 'no text';
  const level = levels.find((known) => known === entry['level']);
  return level ? { level, source, text } : 'no level';
}

function progressOf(body: LegacyBody): number | undefined {
  const progress = numberOf(body, 'progress');
  return progress === undefined || progress < 0 || progress > 100 ? undefined : progress;
}

type Told = { point: (Metrics & { stage?: string }) | undefined; monitor: boolean };
const fields = {
  cpuPercent: 'cpu_percent',
  memoryMb: 'memory_mb',
  diskPercent: 'disk_percent',
  processes: 'processes',
} as const satisfies Record<keyof Metrics, string>;

/** A value out of range is dropped and counted; the rest of the point stays. */
function telemetryOf(room: Room, body: LegacyBody): Told {
  const type = body['type'];
  const data = objectOf(body, 'data');
  if (!data || (type !== 'monitor_started' && type !== 'heartbeat' && type !== 'cpu_snapshot')) {
    throw refuse(400, 'Invalid telemetry data');
  }
  if (type === 'monitor_started') return { point: undefined, monitor: true };
  const source = type === 'heartbeat' ? (objectOf(data, 'metrics') ?? {}) : data;
  const metrics: Metrics = {};
  for (const [ours, theirs] of Object.entries(fields)) {
    if (source[theirs] === undefined || source[theirs] === null) continue;
    const value = metricsSchema.safeParse({ [ours]: source[theirs] });
    if (value.success) Object.assign(metrics, value.data);
    else room.metrics.telemetryDropped.add({ cause: 'out_of_range' });
  }
  const stage = textOf(data, 'stage')?.slice(0, 64);
  return { point: { ...metrics, ...(stage === undefined ? {} : { stage }) }, monitor: false };
}
