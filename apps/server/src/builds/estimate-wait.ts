import type { Reader } from '#kernel/db';
import {
  positionMax,
  readKeyHolders,
  readPositions,
  readQueuedLines,
  readRunTimes,
  readWorkerLines,
} from './queries/waiting.ts';
import type { Room } from './room.ts';
import { type Estimate, explain } from './waiting-reason.ts';

/**
 * Why each of these builds waits, its position and when it starts. Builds that are not queued are left out. The number of
 * statements does not depend on the number of builds.
 */
export async function waitingOf(
  room: Pick<Room, 'metrics'>,
  reader: Reader,
  rows: readonly { id: string; state?: string }[],
): Promise<Map<string, Estimate>> {
  const ids = rows.filter((row) => row.state === undefined || row.state === 'queued').map((row) => row.id);
  if (ids.length === 0) return new Map();
  const lines = await readQueuedLines(reader, ids);
  if (lines.length === 0) return new Map();
  const demands = unique(lines, (line) => String(line.sig));
  const keys = unique(lines, (line) => `${line.projectId} ${line.ckey ?? ''}`).flatMap(({ projectId, ckey }) =>
    ckey === null ? [] : [{ projectId, ckey }],
  );
  const projects = unique(lines, (line) => line.projectId).map((line) => line.projectId);
  // Asked at once: inside a transaction it is one trip.
  const [positions, holders, workers, runs] = await Promise.all([
    readPositions(reader, demands, ids),
    readKeyHolders(reader, keys),
    readWorkerLines(reader, projects),
    readRunTimes(reader, demands),
  ]);
  return new Map(
    lines.map((line) => {
      const facts = {
        position: positions.get(line.id) ?? positionMax,
        workers: workers.filter((worker) => worker.projectId === line.projectId),
        holders: holders.filter((holder) => holder.ckey === line.ckey && holder.projectId === line.projectId),
        runs: runs.get(line.sig),
      };
      const estimate = explain(line, facts);
      room.metrics.etaErrorRatio.told(line.id, estimate.etaMs);
      return [line.id, estimate];
    }),
  );
}

function unique<T>(list: readonly T[], keyOf: (item: T) => string): T[] {
  return [...new Map(list.map((item) => [keyOf(item), item])).values()];
}
