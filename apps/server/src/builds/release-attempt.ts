import { activeBuildStates, type BuildState } from '@muster/protocol';
import type { Tx } from '#kernel/db';
import { applyEndings } from './end-attempts.ts';
import { type Cause, endBroken } from './end-of-attempt.ts';
import { type HeldRow, lockBuilds } from './queries/finish.ts';
import type { Room } from './room.ts';

/**
 * An attempt ended without a result: its build is in line again at its old place, or over when its attempts are used up or
 * it was being stopped. Answers the new state; `undefined` when that attempt was over already, which changes nothing.
 */
export async function releaseAttempt(
  room: Room,
  tx: Tx,
  { buildId, term, cause }: { buildId: string; term: number; cause: Cause },
): Promise<BuildState | undefined> {
  const [row] = await lockBuilds(tx, [buildId]);
  if (row?.term !== term || !isActive(row)) return undefined;
  const ending = endBroken(row, cause, room.random);
  await applyEndings(room, tx, [ending]);
  return ending.state;
}

/** The same for several attempts of one cause. Those that were over already are left out of the answer. */
export async function releaseAttempts(
  room: Room,
  tx: Tx,
  attempts: readonly { buildId: string; term: number }[],
  cause: Cause,
): Promise<string[]> {
  if (attempts.length === 0) return [];
  const terms = new Map(attempts.map(({ buildId, term }) => [buildId, term]));
  const rows = (await lockBuilds(tx, [...terms.keys()])).filter(
    (row) => isActive(row) && row.term === terms.get(row.id),
  );
  await applyEndings(
    room,
    tx,
    rows.map((row) => endBroken(row, cause, room.random)),
  );
  return rows.map((row) => row.id);
}

const isActive = (row: HeldRow): boolean => (activeBuildStates as readonly BuildState[]).includes(row.state);
