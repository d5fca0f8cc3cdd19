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

/** What never changes while a build waits, but for its demand: then it is a moment's wrong number. */
type Asked = {
  id: string;
  projectId: string;
  sig: number;
  platform: string;
  ckey: string | null;
  state?: string;
};

/**
 * Why each of these builds waits, its position and when it starts. Builds that are not queued are left out. The number of
 * statements does not depend on the number of builds; on one connection they are one trip.
 */
export async function waitingOf(
  room: Pick<Room, 'metrics'>,
  reader: Reader,
  rows: readonly Asked[],
): Promise<Map<string, Estimate>> {
  const asked = rows.filter((row) => row.state === undefined || row.state === 'queued');
  if (asked.length === 0) return new Map();
  const ids = asked.map((row) => row.id);
  const demands = unique(asked, (row) => String(row.sig));
  const keys = unique(asked, (row) => `${row.projectId} ${row.ckey ?? ''}`).flatMap(({ projectId, ckey }) =>
    ckey === null ? [] : [{ projectId, ckey }],
  );
  const projects = unique(asked, (row) => row.projectId).map((row) => row.projectId);
  const [lines, positions, holders, workers, runs] = await Promise.all([
    readQueuedLines(reader, ids),
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
