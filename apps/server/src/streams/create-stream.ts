import type { Principal } from '#kernel/auth';
import { MusterError } from '#kernel/base';
import type { RawCall } from '#kernel/http';
import type { CreateStream, StreamKey } from '#kernel/log';
import { unknownStream } from './access.ts';
import { encodePath } from './address.ts';
import { baseHeaders, type Cors, pushContentType } from './answer-headers.ts';
import { jsonElements } from './json-elements.ts';
import { isJson } from './media-type.ts';
import { closes, contentTypeOf, forkOf, lifeOf } from './request-headers.ts';
import type { Room } from './room.ts';

const defaultType = 'application/octet-stream';

/** `PUT`: makes a stream, or makes sure that it is there with this configuration. The body is its first content. */
export async function createStream(room: Room, call: RawCall, who: Principal, path: string, cors: Cors): Promise<void> {
  const { headers } = call.request;
  const key = room.access.requireWrite(who, 'create', path);
  const read = call.body(room.config.appendBytesMax);
  const body = read instanceof Promise ? await read : read;
  room.budgets.take(key.projectId, body.length);
  const input: CreateStream = { key, streamsMax: room.config.streamsMax, ...lifeOf(headers, room.clock.now()) };
  if (closes(headers)) input.closed = true;
  const contentType = contentTypeOf(headers);
  const fork = forkOf(headers);
  if (fork) {
    const { path: from, ...where } = fork;
    const source = await room.access.requireRead(who, from);
    // A view leaves messages out, and a fork could not.
    if (source.view !== 'raw') throw unknownStream(from);
    input.fork = { from: source.key, ...where };
  }
  // Without a type of its own a fork has its source's.
  if (contentType !== undefined || !fork) input.contentType = contentType ?? defaultType;
  if (body.length > 0) {
    const first = await firstOf(room, input, body);
    if (first) input.first = first;
  }
  const { outcome, head } = await room.log.create(input);
  const answer = baseHeaders(call.request, cors, false, false);
  pushContentType(answer, head.contentType);
  answer.push('cache-control', 'no-store', 'stream-next-offset', head.tail);
  answer.push('location', call.absolute(`/v1/stream/${encodePath(path)}`));
  if (head.closed) answer.push('stream-closed', 'true');
  call.answer(outcome === 'created' ? 201 : 200, answer);
}

async function firstOf(room: Room, input: CreateStream, body: Buffer): Promise<readonly Uint8Array[] | undefined> {
  const contentType = input.contentType ?? (input.fork && (await room.log.head(input.fork.from))?.contentType);
  if (contentType === undefined || !isJson(contentType)) return [body];
  try {
    return jsonElements(body, room.config.appendMessagesMax);
  } catch (error) {
    // The body of a repeated PUT is ignored, so nothing can be wrong with it.
    if (error instanceof MusterError && (await isThere(room, input.key))) return undefined;
    throw error;
  }
}

const isThere = async (room: Room, key: StreamKey): Promise<boolean> => (await room.log.head(key)) !== undefined;
