import type { Principal } from '#kernel/auth';
import type { RawCall } from '#kernel/http';
import { baseHeaders, type Cors } from './answer-headers.ts';
import type { Room } from './room.ts';

/** `DELETE`: durable before it is answered. Live readers are ended; the path is free at once unless forks keep it. */
export async function deleteStream(room: Room, call: RawCall, who: Principal, path: string, cors: Cors): Promise<void> {
  const key = room.access.requireWrite(who, 'delete', path);
  await room.log.remove(key, 'deleted');
  const answer = baseHeaders(call.request, cors, false, false);
  answer.push('cache-control', 'no-store');
  call.answer(204, answer);
}
