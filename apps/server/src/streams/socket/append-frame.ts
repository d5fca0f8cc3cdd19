import { z } from 'zod';
import { invalid, MusterError } from '#kernel/base';
import { type Fields, type FrameCall, type FrameType, type Later, later } from '#kernel/http';
import type { Append, Appended, StreamKey } from '#kernel/log';
import { checkPath } from '../address.ts';
import { expectedTail } from '../expected.ts';
import { isJson } from '../media-type.ts';
import type { Room } from '../room.ts';
import { elementsOf } from './records.ts';

const count = z.int().min(0);
const fields = z
  .strictObject({
    stream: z.string(),
    records: z.array(z.unknown()).optional(),
    text: z.string().optional(),
    base64: z.base64().optional(),
    producer: z.strictObject({ id: z.string().min(1), epoch: count, seq: count }).optional(),
    expected: z.string().optional(),
    close: z.boolean().optional(),
  })
  .refine(({ records, text, base64 }) => [records, text, base64].filter((body) => body !== undefined).length <= 1, {
    message: 'one of records, text and base64',
  });
type AppendFrame = z.output<typeof fields>;

/** `append`: to a stream that exists, answered after the sync. Appends of one socket to one stream are stored in their order. */
export const appendFrame = (room: Room): FrameType<typeof fields> => ({
  t: 'append',
  of: 'stream',
  summary: 'Appends to a stream, closes it, or both',
  fields,
  handle: (call) => appendFromSocket(room, call),
});

function appendFromSocket(room: Room, { frame, bytes, who }: FrameCall<AppendFrame>): Later | Promise<Later> {
  const { access, budgets, config } = room;
  const path = checkPath(frame.stream);
  const key = access.requireWrite(who, 'append', path, frame.producer?.id);
  budgets.take(key.projectId, bytes.length);
  const input: Append = {
    key,
    messages: [],
    ...(frame.producer ? { producer: frame.producer } : {}),
    ...(frame.close === true ? { close: true } : {}),
  };
  if (frame.records) takeRecords(input, frame.records, bytes, config.appendMessagesMax);
  else input.messages = plainOf(frame);
  const looksFirst = frame.expected !== undefined || (input.messages.length > 0 && !frame.records);
  return looksFirst ? appendAfterLook(room, input, frame) : later(room.log.append(input).then(answerOf));
}

/** What must be known of the stream before: its tail's era, or that plain bytes do not go into a stream of JSON. */
async function appendAfterLook({ log }: Room, input: Append, frame: AppendFrame): Promise<Later> {
  const { key } = input;
  if (frame.expected !== undefined) input.expectedTail = await expectedTail(log, key, frame.expected);
  if (input.messages.length > 0 && !frame.records) input.contentType = await plainTypeOf(log, key);
  return later(log.append(input).then(answerOf));
}

/** Bytes take the stream's own type, whichever it is, but are no JSON. */
async function plainTypeOf(log: Room['log'], key: StreamKey): Promise<string> {
  const type = (await log.head(key))?.contentType ?? '';
  return isJson(type) ? 'application/octet-stream' : type;
}

/** What is wrong with them is not said before what comes first: no such stream, a duplicate, a closed stream, another type. */
function takeRecords(input: Append, records: readonly unknown[], frame: Buffer, most: number): void {
  input.contentType = 'application/json';
  try {
    if (records.length === 0) throw invalid('json_empty_array', 'An append of no records changes nothing.');
    input.messages = elementsOf(frame, 'records', most);
  } catch (error) {
    if (!(error instanceof MusterError)) throw error;
    input.refusal = error;
  }
}

function plainOf({ text, base64 }: AppendFrame): Uint8Array[] {
  if (text !== undefined && !text.isWellFormed())
    throw invalid('invalid_frame', '/text: holds half of a surrogate pair, which is no text.', {
      errors: [{ pointer: '/text', detail: 'holds half of a surrogate pair' }],
    });
  const body = text === undefined ? Buffer.from(base64 ?? '', 'base64') : Buffer.from(text);
  return body.length === 0 ? [] : [body];
}

const answerOf = ({ outcome, next, closed }: Appended): Fields => ({
  next,
  deduped: outcome === 'duplicate',
  ...(closed ? { closed } : {}),
});
