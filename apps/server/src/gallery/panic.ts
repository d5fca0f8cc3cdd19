import type { GalleryFleet, PanicAnswered } from '@muster/protocol';
import { nameOf, writeAudit } from '#kernel/auth';
import type { Asker, Room } from './room.ts';
import { showFleet } from './show-fleet.ts';

/**
 * The kill switch: nothing new begins anywhere. What was on the wire finishes and is listed; a node that could not be reached
 * loses its right within its lease, and the answer names it. The audit comes behind: nothing may stand before the stop.
 */
export async function panicFleet(room: Room, asker: Asker, reason: string): Promise<PanicAnswered> {
  const { who } = asker;
  room.auth.requireScope(who, 'gallery:operate');
  await room.ready(who.projectId);
  const { stoppedAt, bots, inFlight, nodes } = await room.loop.panic(who.projectId, nameOf(who), reason);
  await room.db.transaction((tx) =>
    writeAudit(tx, { ...asker, action: 'gallery.fleet.panic', subject: who.projectId, after: { reason, bots } }),
  );
  return {
    stoppedAt: new Date(stoppedAt).toISOString(),
    bots,
    inFlight: [...inFlight],
    nodes: [...nodes],
  };
}

/** `paused`: every bot is paused, then the gate opens. `asBefore`: those that should run go on, spread over a minute. */
export async function releaseFleet(
  room: Room,
  asker: Asker,
  input: { reason: string; state: 'paused' | 'asBefore' },
): Promise<GalleryFleet> {
  const { who } = asker;
  room.auth.requireScope(who, 'gallery:operate');
  await room.ready(who.projectId);
  await room.db.transaction((tx) =>
    writeAudit(tx, { ...asker, action: 'gallery.fleet.release', subject: who.projectId, after: input }),
  );
  await room.loop.release(who.projectId, nameOf(who), input.reason, input.state);
  return showFleet(room, who);
}
