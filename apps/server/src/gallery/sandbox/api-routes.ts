import { z } from 'zod';
import { RateBuckets } from '#kernel/auth';
import type { MusterError } from '#kernel/base';
import { type Answer, answer, type Call, type Http, type RequestHead, taken } from '#kernel/http';
import { answerCall, refusalOf } from './call.ts';
import { contract, uploadPath } from './contract/table.ts';
import { Refused, type SandboxAnswer } from './room/answers.ts';
import { principalOf, type SandboxPrincipal } from './room/caller.ts';
import { sandboxLimits as limits } from './room/limits.ts';
import type { SandboxRoom } from './room/room.ts';
import { requireSameOrigin } from './room/same-origin.ts';

const anyQuery = z.looseObject({});
const prefixes = ['/api/showcase', '/api/execute', '/api/storage', '/api/users', '/api/admin', '/sandbox/api'];

/** The contract over HTTP: at `/api/…` for clients of the gallery it stands for, and at `/sandbox/api/…`. */
export function apiRoutes(room: SandboxRoom): (http: Http) => void {
  const rates = new RateBuckets({
    clock: room.clock,
    perSecond: limits.callsPerSecond,
    burst: limits.callsBurst,
    keysMax: 10_000,
  });
  return (http) => {
    const area = http.area({ prefixes, errors: (error) => sayRefusal(room, error) });
    const who = (head: RequestHead): Promise<SandboxPrincipal | Refused> => whoCalls(room, rates, head);
    for (const base of ['', '/sandbox']) {
      for (const { path, methods } of contract) {
        for (const method of Object.keys(methods) as (keyof typeof methods)[]) {
          area.route({
            method,
            path: `${base}${path}`,
            auth: who,
            summary: 'Gallery contract of the sandbox',
            query: anyQuery,
            rate: 'exempt',
            hidden: true,
            handle: async (call) => {
              if (call.who instanceof Refused) return say(call, call.who.toAnswer());
              const body = method === 'GET' ? undefined : await call.bytes({ bytesMax: limits.jsonBytesMax });
              return say(call, await answerCall(room, requestOf(call, body, call.who)));
            },
          });
        }
      }
      area.route({
        method: 'PUT',
        path: `${base}${uploadPath}`,
        auth: 'open',
        summary: 'Bytes of an announced upload',
        query: anyQuery,
        hidden: true,
        handle: async (call) => {
          const body = await call.bytes({ bytesMax: limits.uploadBytesMax });
          return say(call, await answerCall(room, requestOf(call, body, undefined)));
        },
      });
    }
  };
}

/** By the token; without one, the person at this browser, for calls of our own pages only. A refusal is a value: it is an answer. */
async function whoCalls(room: SandboxRoom, rates: RateBuckets, head: RequestHead): Promise<SandboxPrincipal | Refused> {
  try {
    return await admitted(room, rates, head);
  } catch (error) {
    if (error instanceof Refused) return error;
    throw error;
  }
}

async function admitted(room: SandboxRoom, rates: RateBuckets, head: RequestHead): Promise<SandboxPrincipal> {
  const { authorization } = head.headers;
  const person = authorization === undefined ? await room.currentPerson(head) : undefined;
  if (person && head.method !== 'GET' && head.method !== 'HEAD') requireSameOrigin(head);
  const who: SandboxPrincipal = person
    ? { kind: 'person', projectId: person.projectId, person }
    : await principalOf(room, authorization, head.address);
  const taken = rates.take(person ? `person:${person.id}` : `token:${who.projectId}`);
  if (!taken.ok)
    throw new Refused(
      429,
      'RATE_LIMITED',
      'Too many calls from this credential.',
      {},
      {
        'retry-after': String(Math.max(1, Math.ceil(taken.resetMs / 1_000))),
      },
    );
  return who;
}

function requestOf(call: Call, body: Uint8Array | undefined, principal: SandboxPrincipal | undefined) {
  const headers = Object.fromEntries(
    Object.entries(call.headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  );
  const query = new URL(call.raw.request.url ?? '/', 'http://sandbox.invalid').search;
  return {
    method: call.method === 'HEAD' ? 'GET' : call.method,
    path: `${call.path}${query}`,
    headers,
    body,
    principal,
    address: call.address,
  };
}

/** An answer that ends badly does so on the wire as well: less than announced, or nothing at all. */
function say(call: Call, { status, headers, body, cut }: SandboxAnswer): Answer | typeof taken {
  if (!cut) return answer(status, body, headers);
  const { response } = call.raw;
  if (status !== 0) {
    response.writeHead(status, { ...headers, 'content-length': body.length * 2 + 1 });
    response.write(body, () => response.destroy());
  } else response.destroy();
  return taken;
}

/** What the edge itself refuses, in the form of the contract. */
function sayRefusal(
  room: SandboxRoom,
  error: MusterError,
): { status: number; body: unknown; headers: Record<string, string> } {
  const { status, headers, body } = refusalOf(room, error);
  const { 'content-type': _, ...others } = headers;
  return { status, headers: others, body: JSON.parse(Buffer.from(body).toString('utf8')) as unknown };
}
