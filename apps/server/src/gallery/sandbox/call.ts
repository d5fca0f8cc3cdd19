import { asError, type Clock, MusterError, reach } from '#kernel/base';
import { takeUpload } from './contract/images.ts';
import { findPath } from './contract/table.ts';
import { jsonAnswer, Refused, type SandboxAnswer } from './room/answers.ts';
import { principalOf, type SandboxPrincipal } from './room/caller.ts';
import { afterFault, beforeFault } from './room/fault-answers.ts';
import { sandboxLimits as limits } from './room/limits.ts';
import type { SandboxRoom } from './room/room.ts';

/** One request of the contract, complete. */
export type SandboxRequest = {
  method: string;
  /** `/api/showcase?limit=20`; `/sandbox` may stand before it. */
  path: string;
  /** Lower-case names. */
  headers: Readonly<Record<string, string>>;
  body?: Uint8Array | undefined;
  /** Known already; without it the `authorization` header says whose call this is. */
  principal?: SandboxPrincipal | undefined;
  address?: string | undefined;
  /** Another clock than that of the gallery, for a simulated day. */
  clock?: Clock | undefined;
};

/**
 * The whole contract as one function, for sockets and for callers in this process alike. It never throws: whatever goes
 * wrong has an answer. Ordered faults act here.
 */
export async function answerCall(room: SandboxRoom, request: SandboxRequest): Promise<SandboxAnswer> {
  const clock = request.clock ?? room.clock;
  try {
    return await dispatch(room, request, clock);
  } catch (error) {
    return refusalOf(room, error);
  }
}

async function dispatch(room: SandboxRoom, request: SandboxRequest, clock: Clock): Promise<SandboxAnswer> {
  const { method, headers, body } = request;
  const url = new URL(request.path, 'http://sandbox.invalid');
  const path = url.pathname.replace(/^\/sandbox(?=\/api\/)/, '').replace(/(?<=.)\/$/, '');
  const upload = /^\/api\/storage\/uploads\/([^/]+)$/.exec(path)?.[1];
  if (upload !== undefined && method === 'PUT') {
    const contentType = (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
    return takeUpload(room, {
      id: upload,
      token: url.searchParams.get('token') ?? '',
      contentType,
      body,
      now: clock.now(),
    });
  }
  const found = findPath(path);
  if (!found) throw new Refused(404, 'NOT_FOUND', `There is nothing at ${path.slice(0, 200)}.`);
  const who = request.principal ?? (await principalOf(room, headers['authorization'], request.address));
  const handler = found.methods[method as 'GET'];
  if (!handler)
    throw new Refused(
      405,
      'INVALID',
      `This path takes ${Object.keys(found.methods).join(', ')}.`,
      {},
      {
        allow: Object.keys(found.methods).join(', '),
      },
    );
  if (body !== undefined && body.length > limits.jsonBytesMax)
    throw new Refused(413, 'INVALID', `The body is larger than ${limits.jsonBytesMax} bytes.`);
  const username = headers['x-agent-id'];
  const fault =
    who.kind === 'service' ? await room.faults.strike(who.projectId, { method, path, username }, clock) : undefined;
  if (fault) {
    const instead = await beforeFault(fault, clock, headers['x-agent-id']);
    if (instead) return instead;
  }
  const params = found.params.map(decode);
  const at = new Date(clock.now());
  let answer: SandboxAnswer;
  try {
    answer = await handler({ room, who, clock, at, method, params, query: url.searchParams, headers, body });
  } catch (error) {
    answer = refusalOf(room, error);
  }
  if (method !== 'GET' && answer.status < 300) await reach('gallery.commit-at-target');
  return fault ? afterFault(fault, answer) : answer;
}

function decode(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    throw new Refused(404, 'NOT_FOUND', 'There is nothing here.');
  }
}

/** Every error as the contract says it. What we did not foresee is logged and says nothing of its cause. */
export function refusalOf(room: Pick<SandboxRoom, 'telemetry'>, error: unknown): SandboxAnswer {
  if (error instanceof Refused) return error.toAnswer();
  if (error instanceof MusterError && error.code !== 'internal') {
    const wait =
      error.retryAfterMs === undefined
        ? {}
        : { 'retry-after': String(Math.max(1, Math.ceil(error.retryAfterMs / 1_000))) };
    const code = error.status === 503 ? 'UNAVAILABLE' : error.status === 429 ? 'BUSY' : 'INVALID';
    return jsonAnswer(error.status, { error: error.message, code, reason: error.reason }, wait);
  }
  room.telemetry.logger.error({ error: asError(error) }, 'a call of the sandbox gallery failed by our fault');
  return jsonAnswer(500, { error: 'Something went wrong on our side.', code: 'INTERNAL' });
}
