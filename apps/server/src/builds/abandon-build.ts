import type { BuildState } from '@muster/protocol';
import { endBroken } from './end-of-attempt.ts';
import { type Attempt, checkEvent, type Holder } from './holder.ts';
import type { Room } from './room.ts';

/**
 * The worker gives the build back: in line again at its old place, at once, and not to this worker for a minute.
 * Errors: `conflict` `finished stale_term`; `forbidden` `not_holder`; `notFound` `no_such_build`.
 */
export async function abandonBuild(
  room: Room,
  holder: Holder,
  { reason, ...attempt }: Attempt & { reason: string },
): Promise<{ state: BuildState }> {
  return await room.live.endings.end<{ state: BuildState }>(holder, attempt, { call: 'abandon' }, (row) => {
    checkEvent(room, row, 'breakOff');
    const ending = endBroken(row, { kind: 'abandoned', reason }, room.random);
    return { answer: { state: ending.state }, ending };
  });
}
