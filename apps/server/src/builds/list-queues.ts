import type { BuildQueue, BuildSummary, Page, PageQuery } from '@muster/protocol';
import type { Principal } from '#kernel/auth';
import { invalid, notFound } from '#kernel/base';
import type { Reader } from '#kernel/db';
import { showSummaries } from './build-shape.ts';
import { type QueueRow, readDemands, readLine, readQueue, readQueues } from './queries/queues.ts';
import { readRunTimes, readWorkerLines } from './queries/waiting.ts';
import type { Room } from './room.ts';
import { canTake, etaMs, freeSeats, takesNow } from './waiting-reason.ts';

/** Queues by name, each with what waits per demand, who could take it, and when a build submitted now would start. */
export async function listQueues(room: Room, who: Principal, page: PageQuery): Promise<Page<BuildQueue>> {
  room.auth.requireScope(who, 'builds:read');
  const rows = await readQueues(room.db, who.projectId, page.cursor ?? '', page.limit + 1);
  const shown = rows.slice(0, page.limit);
  return {
    items: await showQueues(room.db, who.projectId, shown),
    nextCursor: rows.length > page.limit ? (shown.at(-1)?.name ?? null) : null,
  };
}

/** One queue. `notFound` `no_such_queue`. */
export async function showQueue(reader: Reader, projectId: string, name: string): Promise<BuildQueue> {
  const row = await readQueue(reader, projectId, name);
  const [queue] = row ? await showQueues(reader, projectId, [row]) : [];
  if (!queue) throw notFound('no_such_queue', `There is no queue ${name} in this project.`);
  return queue;
}

/**
 * What waits in a queue, in the order it will be taken; which build a worker gets also depends on what it may take.
 * Errors: `invalid` `bad_cursor`.
 */
export async function listLine(
  room: Room,
  who: Principal,
  queue: string,
  page: PageQuery,
): Promise<Page<BuildSummary>> {
  room.auth.requireScope(who, 'builds:read');
  const after = page.cursor === undefined ? undefined : placeOf(page.cursor);
  const rows = await readLine(room.db, who.projectId, queue, { after, limit: page.limit + 1 });
  const shown = rows.slice(0, page.limit);
  const last = shown.at(-1);
  const nextCursor = rows.length > page.limit && last ? `${last.priority}:${last.queueSeq}` : null;
  return { items: await showSummaries(room, room.db, shown), nextCursor };
}

function placeOf(cursor: string): { priority: number; queueSeq: number } {
  const [, priority, queueSeq] = /^(-?\d{1,5}):(\d{1,15})$/.exec(cursor) ?? [];
  if (priority === undefined || queueSeq === undefined)
    throw invalid('bad_cursor', 'The cursor is not one that a line answered.', {
      errors: [{ pointer: '?cursor', detail: 'not a cursor' }],
    });
  return { priority: Number(priority), queueSeq: Number(queueSeq) };
}

async function showQueues(reader: Reader, projectId: string, rows: readonly QueueRow[]): Promise<BuildQueue[]> {
  const names = rows.map((row) => row.name);
  const demands = await readDemands(reader, projectId, names);
  const workers = demands.length > 0 ? await readWorkerLines(reader, [projectId]) : [];
  const runs = await readRunTimes(reader, demands);
  return rows.map((row) => {
    const mine = demands.filter((demand) => demand.queue === row.name);
    const waits = mine.flatMap((demand) => (demand.oldestWaitMs === null ? [] : [demand.oldestWaitMs]));
    return {
      name: row.name,
      depth: sum(mine.map((demand) => demand.depth)),
      running: sum(mine.map((demand) => demand.running)),
      oldestWaitMs: waits.length === 0 ? null : Math.round(Math.max(...waits)),
      paused: pauseOf(row),
      demands: mine.map((demand) => {
        const matching = workers.filter((worker) => canTake(worker, demand));
        const open = matching.filter(takesNow);
        const times = runs.get(demand.sig);
        return {
          platform: demand.platform,
          requires: demand.requires,
          depth: demand.depth,
          running: demand.running,
          oldestWaitMs: demand.oldestWaitMs === null ? null : Math.round(demand.oldestWaitMs),
          workersOnline: matching.filter((worker) => worker.state === 'online').length,
          seatsFree: sum(open.map(freeSeats)),
          runMsP50: rounded(times?.p50),
          runMsP95: rounded(times?.p95),
          etaMs: row.pausedAt ? null : etaMs(demand.depth, matching, times),
        };
      }),
    };
  });
}

function pauseOf(row: QueueRow): BuildQueue['paused'] {
  if (!row.pausedAt) return null;
  return {
    at: row.pausedAt.toISOString(),
    by: row.pausedBy ?? '',
    reason: row.pauseReason ?? '',
    resumesAt: row.resumesAt?.toISOString() ?? null,
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
const rounded = (ms: number | null | undefined): number | null =>
  ms === null || ms === undefined ? null : Math.round(ms);
