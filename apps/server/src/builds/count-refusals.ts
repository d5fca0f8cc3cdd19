import { MusterError } from '#kernel/base';
import type { Room } from './room.ts';

/** Counts what an upload or a submit was refused for, by reason. */
export async function countRefusals<T>(room: Pick<Room, 'metrics'>, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof MusterError) room.metrics.uploadRefused.add({ reason: error.reason });
    throw error;
  }
}
