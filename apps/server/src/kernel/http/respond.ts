import { once } from 'node:events';
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { Clock, MusterError } from '#kernel/base';
import { Answer, type ErrorMapper, type RequestHead } from './http.ts';
import { errorHeaders, problemOf } from './problems.ts';

/** Sends what a handler returned. */
export function respond(reply: FastifyReply, result: unknown, status: number): void {
  if (result instanceof Answer) return sendAnswer(reply, result);
  if (result === undefined) {
    reply.code(status === 200 ? 204 : status).send();
    return;
  }
  reply.code(status).header('content-type', 'application/json; charset=utf-8').send(JSON.stringify(result));
}

function sendAnswer(reply: FastifyReply, { status, body, headers }: Answer): void {
  reply.code(status).headers(headers);
  // HEAD says what GET would send; nobody reads the bytes.
  const unread = reply.request.method === 'HEAD' && body instanceof Readable;
  if (unread) body.destroy();
  if (unread || body === undefined || body instanceof Readable) {
    reply.send(unread ? undefined : body);
    return;
  }
  const raw = headers['content-type'] !== undefined && (typeof body === 'string' || body instanceof Uint8Array);
  if (raw) reply.send(body);
  else
    reply
      .header('content-type', headers['content-type'] ?? 'application/json; charset=utf-8')
      .send(JSON.stringify(body));
}

export type ErrorAnswer = { status: number; headers: Record<string, string>; body: string };

export function errorAnswer(error: MusterError, head: RequestHead, mapper: ErrorMapper | undefined): ErrorAnswer {
  if (mapper) {
    const mapped = mapper(error, head);
    return {
      status: mapped.status,
      headers: { ...errorHeaders(error), 'content-type': 'application/json; charset=utf-8', ...mapped.headers },
      body: JSON.stringify(mapped.body),
    };
  }
  return problemAnswer(error, head.requestId);
}

export const problemAnswer = (error: MusterError, requestId: string): ErrorAnswer => ({
  status: error.status,
  headers: { ...errorHeaders(error), 'content-type': 'application/problem+json' },
  body: JSON.stringify(problemOf(error, requestId)),
});

/**
 * An early answer to a body that is still coming. It is written whole, then the body is thrown away for at most
 * `drainMs`, then the connection closes: a client that is still sending gets to read the status instead of a reset.
 */
export async function refuseUnread(
  reply: FastifyReply,
  { status, headers, body }: ErrorAnswer,
  clock: Clock,
  drainMs: number,
): Promise<void> {
  const request = reply.request.raw;
  const response = reply.raw;
  reply.hijack();
  const all = { ...reply.getHeaders(), ...headers, 'content-length': Buffer.byteLength(body), connection: 'close' };
  for (const [name, value] of Object.entries(all)) if (value !== undefined) response.setHeader(name, value);
  response.writeHead(status);
  response.write(body);
  // A reader that gave up may have left its listener, which would keep the stream from flowing.
  request.removeAllListeners('readable');
  request.resume();
  const enough = new AbortController();
  const timer = clock.after(drainMs, () => enough.abort());
  try {
    await Promise.race([
      once(request, 'end', { signal: enough.signal }),
      once(request, 'close', { signal: enough.signal }),
    ]);
  } catch {
    // Time is over, or the client went: either way the connection ends now.
  } finally {
    timer[Symbol.dispose]();
    enough.abort();
    response.end();
  }
}
