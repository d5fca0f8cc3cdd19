import type { BuildState } from '@muster/protocol';
import { type Decided, endTold, stopped } from './end-of-attempt.ts';
import { type Attempt, checkEvent, type Holder } from './holder.ts';
import type { HeldRow } from './queries/finish.ts';
import type { Room } from './room.ts';

/**
 * The worker says that it stopped. Said again it answers as before. Errors: `conflict` `not_cancelling finished
 * stale_term`; `forbidden` `not_holder`; `notFound` `no_such_build`.
 */
export async function confirmStop(room: Room, holder: Holder, attempt: Attempt): Promise<{ state: BuildState }> {
  return await room.live.endings.end<{ state: BuildState }>(holder, attempt, { call: 'stopped' }, (row) => {
    const over = row.state === 'cancelled' || (row.state === 'failed' && row.stopReason === 'timed_out');
    if (over) return { answer: { state: row.state } };
    checkEvent(room, row, 'confirmStop');
    const ending = stopEnding(row);
    return { answer: { state: ending.state }, ending };
  });
}

/** The end of a build that is being stopped: its worker said so, or its grace is over. */
export const stopEnding = (row: HeldRow): Decided => endTold(row, 'confirmStop', stopped(row));
