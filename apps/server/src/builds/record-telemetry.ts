import type { Metrics } from '@muster/protocol';
import type { Principal } from '#kernel/auth';
import type { Tx } from '#kernel/db';
import { requireBuild } from './access.ts';
import { readTelemetry, type StoredPoint, saveTelemetry } from './queries/telemetry.ts';
import type { Room } from './room.ts';

export type NewPoint = { buildId: string; metrics: Metrics; stage?: string | undefined };

/**
 * Stores what machines measured, by the database's clock. More than one point per build and second become one; what was
 * merged away is counted. The caller has checked who sends them and that values are in range.
 */
export async function recordTelemetry(room: Pick<Room, 'metrics'>, tx: Tx, points: readonly NewPoint[]): Promise<void> {
  const told = points.filter(
    ({ metrics, stage }) => stage !== undefined || Object.values(metrics).some((value) => value !== undefined),
  );
  if (told.length === 0) return;
  const fresh = await saveTelemetry(
    tx,
    told.map(({ buildId, metrics, stage }) => ({
      buildId,
      cpuPercent: metrics.cpuPercent ?? null,
      memoryMb: metrics.memoryMb ?? null,
      diskPercent: metrics.diskPercent ?? null,
      processes: metrics.processes ?? null,
      stage: stage ?? null,
    })),
  );
  if (fresh < told.length) room.metrics.telemetryDropped.add({ cause: 'merged' }, told.length - fresh);
}

/** Points told at once; a whole day of a build is read page by page. */
const telemetryPageMax = 5_000;

/** The build's curve after `after`, oldest first, at most `telemetryPageMax` points. */
export async function showTelemetry(
  room: Room,
  who: Principal,
  buildId: string,
  after: Date,
): Promise<{ items: (Omit<StoredPoint, 'at'> & { at: string })[] }> {
  await requireBuild(room, room.db, who, buildId, 'read');
  const points = await readTelemetry(room.db, buildId, after, telemetryPageMax);
  return { items: points.map(({ at, ...point }) => ({ at: at.toISOString(), ...point })) };
}
