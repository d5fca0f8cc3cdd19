import { z } from 'zod';
import type { RawOperation } from '#kernel/http';

/* What the reference says of the operations below `/v1/stream/`; `handle.ts` serves them. */

const path = '/v1/stream/*';
const auth = {
  read: { scope: 'streams:read' },
  operate: { scope: 'streams:operate' },
  admin: { scope: 'streams:admin' },
} as const;
const more =
  'The open Durable Streams protocol: any client of it works here. For paths of rooms (`builds/…`) the scope of the room counts instead; public paths need none.';

const closes = z.string().optional().describe('`true` closes the stream for ever.');
const writes = {
  'Content-Type': z.string().optional().describe('What the body is; `application/json` is taken apart into messages.'),
  'Stream-Closed': closes,
};

export const operations: readonly RawOperation[] = [
  {
    method: 'PUT',
    path,
    auth: auth.operate,
    summary: 'Create a stream, or make sure that it is there',
    description: more,
    headers: z.object({
      ...writes,
      'Stream-TTL': z.string().optional().describe('Seconds; starts again with every read and write.'),
      'Stream-Expires-At': z.string().optional().describe('RFC 3339; not together with a TTL.'),
      'Stream-Forked-From': z.string().optional().describe('Begin with the messages of this stream.'),
      'Stream-Fork-Offset': z.string().optional().describe('Up to here; default: its end.'),
      'Stream-Fork-Sub-Offset': z.string().optional().describe('And so many messages (JSON) or bytes more.'),
    }),
    accepts: { '*/*': 'First content' },
    answers: {
      200: { description: 'It was there with this configuration' },
      201: { description: 'Created' },
      409: { description: 'It is there with another configuration' },
    },
  },
  {
    method: 'POST',
    path,
    auth: auth.operate,
    summary: 'Append, close, or both at once',
    description: more,
    headers: z.object({
      ...writes,
      'Stream-Seq': z.string().optional().describe('Refused unless greater, byte by byte, than the last one.'),
      'Stream-Expected-Offset': z.string().optional().describe('Refused (`tail_moved`) unless this is the end.'),
      'Producer-Id': z
        .string()
        .optional()
        .describe('With epoch and seq: stored exactly once, however often it is sent.'),
      'Producer-Epoch': z.string().optional(),
      'Producer-Seq': z.string().optional(),
    }),
    accepts: { '*/*': 'What is appended, as the stream holds it' },
    answers: {
      200: { description: 'Stored, from a producer' },
      204: { description: 'Stored; or a duplicate; or closed' },
      409: { description: 'Closed, another content type, a gap of the producer, or the end moved' },
    },
  },
  {
    method: 'GET',
    path,
    auth: auth.read,
    summary: 'Read from any point; wait for more, or follow',
    description: more,
    query: z.object({
      offset: z
        .string()
        .optional()
        .describe('`-1` or left out = start, `now` = end, or an offset that the server gave.'),
      live: z.enum(['long-poll', 'sse']).optional(),
      cursor: z.string().optional().describe('The last `Stream-Cursor`.'),
      timeout: z.string().optional().describe('How long a long-poll waits: `1s` to `60s`.'),
      view: z.enum(['compact']).optional().describe('Leave out messages that a later one tells again, whole.'),
      project: z.string().optional().describe('Whose public stream; without a credential.'),
      token: z.string().optional().describe('A browser token, on live reads only.'),
    }),
    answers: {
      200: { description: 'A page, or events' },
      204: { description: 'Nothing came' },
      304: { description: 'What `If-None-Match` names' },
      410: { description: 'What the offset points to is no longer kept' },
    },
  },
  {
    method: 'HEAD',
    path,
    auth: auth.read,
    summary: 'What a stream is and how far it goes',
    description: more,
    answers: { 200: { description: 'In headers' } },
  },
  {
    method: 'DELETE',
    path,
    auth: auth.admin,
    summary: 'Delete a stream',
    description: more,
    answers: { 204: { description: 'Gone' } },
  },
];
