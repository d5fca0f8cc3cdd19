import type { Principal } from '#kernel/auth';
import type { RawCall } from '#kernel/http';
import { unknownStream } from './access.ts';
import { baseHeaders, type Cors, pushContentType } from './answer-headers.ts';
import type { Room } from './room.ts';

/** `HEAD`: what a stream is and how far it goes. Never starts a TTL again. */
export async function headStream(room: Room, call: RawCall, who: Principal, path: string, cors: Cors): Promise<void> {
  const asked = room.access.requireRead(who, path);
  const readable = asked instanceof Promise ? await asked : asked;
  const head = await room.log.head(readable.key);
  if (!head) throw unknownStream(path);
  const answer = baseHeaders(call.request, cors, readable.public, true);
  pushContentType(answer, head.contentType);
  answer.push('cache-control', 'no-store', 'stream-next-offset', head.tail, 'stream-first-offset', head.first);
  if (head.ttlSeconds !== undefined) answer.push('stream-ttl', String(head.ttlSeconds));
  if (head.expiresAt !== undefined && head.ttlSeconds === undefined)
    answer.push('stream-expires-at', new Date(head.expiresAt).toISOString());
  if (head.closed) answer.push('stream-closed', 'true');
  call.answer(200, answer);
}
