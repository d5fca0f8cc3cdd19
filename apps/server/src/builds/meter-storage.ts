import { takeHours } from './queries/retention.ts';
import { readStorage } from './queries/storage.ts';
import type { Room } from './room.ts';

/** Hours a stopped server is charged for at its next start: the files lay there all the time. */
const hoursMax = 24 * 31;

/** Once an hour: what each project stores, in byte-hours. The hours and the entries are one transaction (I9). */
export async function meterStorage(room: Pick<Room, 'db' | 'meter'>): Promise<number> {
  return await room.db.transaction(async (tx) => {
    const taken = await takeHours(tx, 'meter-storage', hoursMax);
    if (!taken) return 0;
    const { hours, at } = taken;
    const stored = await readStorage(tx);
    await room.meter.record(
      tx,
      stored.map(({ projectId, kind, bytes }) => ({
        projectId,
        meter: 'build.storage',
        quantity: bytes * hours,
        at,
        source: `builds:${projectId}`,
        part: `${kind}:${at.toISOString()}`,
        dimensions: { kind },
      })),
    );
    return stored.length;
  });
}
