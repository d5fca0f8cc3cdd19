import { type Transport, type TransportAnswer, TransportError } from '#gallery/model';
import type { Clock } from '#kernel/base';
import { answerCall } from './call.ts';
import type { SandboxRoom } from './room/room.ts';

/**
 * Calls of this process straight into its gallery: the bytes a socket would carry, without the socket. Whoever has this
 * function acts as the fleet of the project, so no token is looked at.
 */
export function inProcess(room: SandboxRoom, projectId: string, clock: Clock): Transport {
  return async (call) => {
    if (call.signal.aborted) throw new TransportError('aborted', false, 'The call was given up before it was sent.');
    if (call.may && !call.may())
      throw new TransportError('not_allowed', false, 'The last look did not allow this call.');
    const answering = answerCall(room, {
      method: call.method,
      path: pathBelow(room.basePath, call.path),
      headers: call.headers,
      body: call.body,
      principal: { kind: 'service', projectId, admin: true },
      clock,
    });
    const answer = await withinTime(answering, call.timeoutMs, call.signal, room.clock);
    if (answer.cut) throw new TransportError('cut', true, 'The connection ended before the answer was whole.');
    if (answer.body.length > call.bodyBytesMax)
      throw new TransportError('too_large', true, `The answer has more than ${call.bodyBytesMax} bytes.`);
    const { status, headers, body } = answer;
    return { status, headers, body } satisfies TransportAnswer;
  };
}

/** An absolute address that we named ourselves, or a path with or without the base path before it. */
function pathBelow(basePath: string, path: string): string {
  const url = new URL(path, 'http://sandbox.invalid');
  const inside =
    basePath !== '' && url.pathname.startsWith(`${basePath}/`) ? url.pathname.slice(basePath.length) : url.pathname;
  return `${inside}${url.search}`;
}

/** What was sent is done here whatever the caller does; it only no longer waits. */
async function withinTime<T>(work: Promise<T>, ms: number, signal: AbortSignal, clock: Clock): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(new TransportError('aborted', true, 'The call was given up.'));
  const timer = clock.after(ms, () => reject(new TransportError('timeout', true, `No answer within ${ms} ms.`)));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    timer[Symbol.dispose]();
    signal.removeEventListener('abort', onAbort);
  }
}
