import type { Principal } from '#kernel/auth';
import { invalid, MusterError } from '#kernel/base';
import type { RawCall } from '#kernel/http';
import type { Append, Appended, StreamKey } from '#kernel/log';
import { unknownStream } from './access.ts';
import { baseHeaders, type Cors } from './answer-headers.ts';
import { expectedTail } from './expected.ts';
import { jsonElements } from './json-elements.ts';
import { isJson } from './media-type.ts';
import { closes, contentTypeOf, headerOf, producerOf } from './request-headers.ts';
import type { Room } from './room.ts';

/**
 * `POST`: append, append and close, or close. The checks run in the order of streams §3; from row 5 on they are the log's,
 * in one step with the append itself. Answered after the sync that covers it (I1).
 */
export async function appendStream(room: Room, call: RawCall, who: Principal, path: string, cors: Cors): Promise<void> {
  const { headers } = call.request;
  const key = room.access.requireWrite(who, 'append', path, headerOf(headers, 'producer-id'));
  const read = call.body(room.config.appendBytesMax);
  const body = read instanceof Promise ? await read : read;
  room.budgets.take(key.projectId, body.length);
  const asked = inputOf(room, call, key, body);
  const input = asked instanceof Promise ? await asked : asked;
  const appended = await room.log.append(input);
  const answer = baseHeaders(call.request, cors, false, false);
  pushAppended(answer, appended);
  const isNew = appended.outcome === 'stored' && input.producer !== undefined && input.messages.length > 0;
  call.answer(isNew ? 200 : 204, answer);
}

function pushAppended(answer: string[], appended: Appended): void {
  answer.push('cache-control', 'no-store', 'stream-next-offset', appended.next);
  if (appended.closed) answer.push('stream-closed', 'true');
  const { producer } = appended;
  if (producer) answer.push('producer-epoch', String(producer.epoch), 'producer-seq', String(producer.seq));
}

/** Rows 3 and 4, behind row 2: what is wrong with the request is said only of a stream that is there. */
function inputOf(room: Room, call: RawCall, key: StreamKey, body: Buffer): Append | Promise<Append> {
  try {
    const input = parse(room, call, key, body);
    const expected = headerOf(call.request.headers, 'stream-expected-offset');
    return expected === undefined ? input : withExpected(room, input, expected);
  } catch (error) {
    return refuse(room, key, error);
  }
}

async function withExpected(room: Room, input: Append, expected: string): Promise<Append> {
  try {
    return { ...input, expectedTail: await expectedTail(room.log, input.key, expected) };
  } catch (error) {
    return refuse(room, input.key, error);
  }
}

async function refuse(room: Room, key: StreamKey, error: unknown): Promise<never> {
  if (error instanceof MusterError && error.code === 'invalid' && !(await room.log.head(key)))
    throw unknownStream(key.path);
  throw error;
}

function parse(room: Room, call: RawCall, key: StreamKey, body: Buffer): Append {
  const { headers } = call.request;
  const producer = producerOf(headers);
  const close = closes(headers);
  const contentType = contentTypeOf(headers);
  if (body.length === 0 && !close) throw invalid('body_empty', 'An empty body only goes with Stream-Closed: true.');
  if (body.length > 0 && contentType === undefined)
    throw invalid('content_type_missing', 'An append says in Content-Type what its body is.');
  const input: Append = { key, messages: [] };
  if (body.length > 0 && contentType !== undefined) {
    input.contentType = contentType;
    if (isJson(contentType)) takeJson(room, input, body);
    else input.messages = [body];
  }
  if (producer !== undefined) input.producer = producer;
  if (close) input.close = true;
  const writerSeq = headerOf(headers, 'stream-seq');
  if (writerSeq !== undefined) input.writerSeq = writerSeq;
  return input;
}

/** What is wrong with JSON is not said before what comes first: a duplicate, a closed stream, another content type. */
function takeJson(room: Room, input: Append, body: Buffer): void {
  try {
    input.messages = jsonElements(body, room.config.appendMessagesMax);
    if (input.messages.length === 0) throw invalid('json_empty_array', 'An empty array appends nothing.');
  } catch (error) {
    if (!(error instanceof MusterError)) throw error;
    // Something is there, only not what it should be: rows 7 and 8 look at that.
    input.messages = [body];
    input.refusal = error;
  }
}
