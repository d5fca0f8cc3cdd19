import { type BuildEvent, buildTable, refusalOf, statesAllowing } from '@muster/protocol';
import { conflict, forbidden } from '#kernel/base';
import type { Reader } from '#kernel/db';
import { everHeld, noSuchBuild, staleTerm } from './access.ts';
import type { HeldRow } from './queries/finish.ts';
import type { Room } from './room.ts';

/** The worker that speaks for an attempt. Its credential was checked; whether the attempt is its own is checked here. */
export type Holder = { workerId: string; projectId: string };
export type Attempt = { buildId: string; term: number };

/**
 * Refuses unless this attempt of the build is the present one and this worker's. Errors: `notFound` `no_such_build`,
 * `forbidden` `not_holder`, `conflict` `stale_term {term, state}` (I4).
 */
export async function checkAttempt(
  room: Room,
  reader: Reader,
  holder: Holder,
  row: Pick<HeldRow, 'projectId' | 'workerId' | 'term' | 'state'> | undefined,
  { buildId, term }: Attempt,
  call: string,
): Promise<void> {
  if (!row || row.projectId !== holder.projectId) throw noSuchBuild();
  const own = row.workerId === holder.workerId;
  if (own && row.term === term) return;
  if (!own && !(await everHeld(reader, buildId, holder.workerId))) {
    throw forbidden('not_holder', 'Only the worker that holds this build may do that.');
  }
  room.metrics.staleWrites.add({ call });
  throw staleTerm(row);
}

/** `conflict` with the table's reason when the machine refuses `event` in the state the row is in. */
export function checkEvent(room: Room, row: Pick<HeldRow, 'state' | 'term'>, event: BuildEvent): void {
  if (statesAllowing(buildTable, event).includes(row.state)) return;
  throw refused(room, row, event);
}

export function refused(room: Room, row: Pick<HeldRow, 'state' | 'term'>, event: BuildEvent): Error {
  const reason = refusalOf(buildTable, row.state, event);
  if (reason === undefined) room.metrics.impossible.add({});
  if (reason === 'stale_term') return staleTerm(row);
  return conflict(
    reason ?? 'impossible',
    refusals[reason ?? ''] ?? `That cannot be done while the build is ${row.state}.`,
    {
      extra: { state: row.state, term: row.term },
    },
  );
}

const refusals: Record<string, string> = {
  finished: 'The build is over; what it ended as does not change.',
  taken: 'Another worker holds this build.',
  not_cancelling: 'Nobody asked this build to stop.',
  not_queued: 'The build is no longer in line.',
  not_finished: 'The build is not finished.',
};
