import { type BuildStats, buildStates } from '@muster/protocol';
import type { Principal } from '#kernel/auth';
import { readStats, readWorkerMs, type StatsBy } from './queries/stats.ts';
import type { Room } from './room.ts';

/**
 * Counts, rates and times of the project's builds over a window that ends now. Measured only: what was not there is 0,
 * what cannot be said is null. Errors: `forbidden` `missing_scope`.
 */
export async function statsOfBuilds(
  room: Room,
  who: Principal,
  input: { windowMs: number; by?: StatsBy | undefined },
): Promise<BuildStats> {
  const { windowMs, by } = input;
  const rows = await readStats(room.db, who.projectId, windowMs, by);
  const workerMs = new Map(
    (await readWorkerMs(room.db, who.projectId, windowMs, by)).map((row) => [row.group, row.workerMs]),
  );
  // A worker may have worked in the window on builds that others hold now.
  const missing = [...workerMs.keys()].filter((group) => !rows.some((row) => row.group === group));
  const groups = [
    ...rows.map(({ succeeded, states, ...row }) => ({
      ...row,
      states: allStates(states),
      successRate: row.finished === 0 ? null : succeeded / row.finished,
      workerMs: workerMs.get(row.group) ?? 0,
    })),
    ...missing.map((group) => ({ ...nothing, group, workerMs: workerMs.get(group) ?? 0 })),
  ];
  return {
    windowMs,
    by: by ?? null,
    groups: groups.length === 0 && by === undefined ? [{ ...nothing, group: null, workerMs: 0 }] : groups,
  };
}

const allStates = (counts: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(buildStates.map((state) => [state, counts[state] ?? 0]));

const nothing = {
  states: allStates({}),
  submitted: 0,
  finished: 0,
  successRate: null,
  waitMsP50: null,
  waitMsP95: null,
  runMsP50: null,
  runMsP95: null,
};
