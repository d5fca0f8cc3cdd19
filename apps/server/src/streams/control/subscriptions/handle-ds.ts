import type { Principal } from '#kernel/auth';
import { exhausted, invalid, MusterError, notFound } from '#kernel/base';
import type { RawCall } from '#kernel/http';
import { ackWake, releaseWake } from './ack-wake.ts';
import { claimWork } from './claim-wake.ts';
import type { Room } from './deps.ts';
import { fault, noSuchSubscription } from './fault.ts';
import { subscriptionLimits } from './limits.ts';
import { listLinks } from './link-queries.ts';
import { linkStreams, unlinkStreamByName } from './link-streams.ts';
import { maySubscribe } from './may-subscribe.ts';
import { inProtocolWords } from './protocol-words.ts';
import { type Asked, putSubscription } from './put-subscription.ts';
import { findSubscription } from './queries.ts';
import { removeSubscription } from './remove-subscription.ts';
import { showSubscription, subscriptionUrl } from './show-subscription.ts';

/** One call below `/v1/stream/__ds/`. */
export type DsCall = {
  call: RawCall;
  /** Behind `__ds/`, still percent-encoded. */
  path: string;
  who: () => Principal | Promise<Principal>;
  /** For answers that are no errors. */
  headers: readonly string[];
};

type Answer = { status: number; body?: unknown; headers?: readonly string[]; contentType?: string };
type Act = (room: Room, ds: DsCall, id: string, rest: string) => Promise<Answer>;

/** Method and what stands behind the subscription's name. */
const acts: Record<string, Record<string, Act>> = {
  '': { PUT: put, GET: show, HEAD: show, DELETE: remove },
  streams: { POST: link },
  'streams/*': { DELETE: unlink },
  claim: { POST: claim },
  ack: { POST: ack },
  callback: { POST: ack },
  release: { POST: release },
};

/**
 * Serves the control part of the protocol. Errors are thrown: problem details that carry `error: {code, message}`, as the
 * protocol's clients look for it.
 */
export async function handleDs(room: Room, ds: DsCall): Promise<void> {
  const { call, headers } = ds;
  try {
    const answer = await actOn(room, ds);
    const text = answer.body === undefined ? undefined : JSON.stringify(answer.body);
    const type = text === undefined ? [] : ['content-type', answer.contentType ?? 'application/json'];
    call.answer(answer.status, [...headers, ...type, ...(answer.headers ?? ['cache-control', 'no-store'])], text);
  } catch (error) {
    throw asFault(error);
  }
}

async function actOn(room: Room, ds: DsCall): Promise<Answer> {
  const { method } = ds.call;
  if (ds.path === 'jwks.json') {
    if (method !== 'GET' && method !== 'HEAD') throw wrongMethod(method, ['GET', 'HEAD']);
    return jwks(room);
  }
  const [area, encodedId = '', ...rest] = ds.path.split('/');
  if (area !== 'subscriptions' || encodedId === '') throw noSuchPath();
  const id = readId(encodedId);
  const [first = ''] = rest;
  const found = acts[first === 'streams' && rest.length > 1 ? 'streams/*' : rest.join('/')];
  if (!found) throw noSuchPath();
  const act = found[method];
  if (!act) throw wrongMethod(method, Object.keys(found));
  return act(room, ds, id, rest.slice(1).join('/'));
}

async function put(room: Room, ds: DsCall, id: string): Promise<Answer> {
  const asked = await askedBy(room, ds);
  const { created, shown } = await putSubscription(room, asked, id, await bodyOf(ds));
  const location = ['location', subscriptionUrl(asked.base, id), 'cache-control', 'no-store'];
  return { status: created ? 201 : 200, body: shown, ...(created ? { headers: location } : {}) };
}

async function show(room: Room, ds: DsCall, id: string): Promise<Answer> {
  const who = await callerOf(room, ds);
  maySubscribe(room, who);
  const row = await findSubscription(room.db, who.projectId, id);
  if (!row) throw noSuchSubscription(id);
  return { status: 200, body: await showSubscription(room, row, await listLinks(room.db, row.no), baseSeen(ds)) };
}

async function remove(room: Room, ds: DsCall, id: string): Promise<Answer> {
  await removeSubscription(room, await askedBy(room, ds), id);
  return { status: 204 };
}

async function link(room: Room, ds: DsCall, id: string): Promise<Answer> {
  await linkStreams(room, await askedBy(room, ds), id, await bodyOf(ds));
  return { status: 204 };
}

async function unlink(room: Room, ds: DsCall, id: string, rest: string): Promise<Answer> {
  await unlinkStreamByName(room, await askedBy(room, ds), id, decoded(rest).replace(/^\/+|\/+$/g, ''));
  return { status: 204 };
}

async function claim(room: Room, ds: DsCall, id: string): Promise<Answer> {
  const who = await callerOf(room, ds);
  return { status: 200, body: await claimWork(room, who, id, await bodyOf(ds)) };
}

async function ack(room: Room, ds: DsCall, id: string): Promise<Answer> {
  countCall(room, `token:${id}`);
  return { status: 200, body: await ackWake(room, id, bearerOf(ds), await bodyOf(ds)) };
}

async function release(room: Room, ds: DsCall, id: string): Promise<Answer> {
  countCall(room, `token:${id}`);
  await releaseWake(room, id, bearerOf(ds), await bodyOf(ds));
  return { status: 204 };
}

async function jwks(room: Room): Promise<Answer> {
  return {
    status: 200,
    body: await room.keys.published(),
    contentType: 'application/jwk-set+json',
    headers: ['cache-control', 'public, max-age=300'],
  };
}

/** Who calls, unless they call too often. `exhausted` `rate`. */
async function callerOf(room: Room, ds: DsCall): Promise<Principal> {
  const who = await ds.who();
  countCall(room, who.projectId);
  return who;
}

function countCall({ rates }: Room, caller: string): void {
  const taken = rates.take(caller);
  if (!taken.ok) throw exhausted('rate', 'Too many calls to the subscriptions.', { retryAfterMs: taken.resetMs });
}

async function askedBy(room: Room, ds: DsCall): Promise<Asked> {
  const { call } = ds;
  return { who: await callerOf(room, ds), address: call.address, requestId: call.requestId, base: baseSeen(ds) };
}

/** How this server is reached, as far as it can be told here; empty when it cannot. */
function baseSeen({ call }: DsCall): string {
  const url = call.absolute('');
  return url.startsWith('http') ? url : '';
}

const bodyOf = async ({ call }: DsCall): Promise<Buffer> => call.body(subscriptionLimits.bodyBytesMax);

const bearerOf = ({ call }: DsCall): string | undefined =>
  /^bearer[ \t]+(\S+)[ \t]*$/i.exec(call.request.headers.authorization ?? '')?.[1];

function readId(encoded: string): string {
  const id = decoded(encoded);
  if (Buffer.byteLength(id) > subscriptionLimits.idBytesMax || /\p{Cc}/u.test(id))
    throw fault(
      'INVALID_REQUEST',
      `A subscription's name has at most ${subscriptionLimits.idBytesMax} bytes and no control characters.`,
    );
  return id;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw fault('INVALID_REQUEST', 'The path is not percent-encoded UTF-8.');
  }
}

const noSuchPath = (): MusterError =>
  notFound('no_such_path', 'There is no such call. Below __ds are subscriptions/<id> and jwks.json.');
const wrongMethod = (method: string, allow: readonly string[]): MusterError =>
  invalid('wrong_method', `This takes ${allow.join(', ')}, not ${method}.`, { status: 405, extra: { allow } });

/** Every error of these calls carries the protocol's envelope; those it has no code for, their reason. */
function asFault(thrown: unknown): unknown {
  const error = inProtocolWords(thrown);
  if (!(error instanceof MusterError) || error.extra['error'] !== undefined) return error;
  const { code, reason, message, status, errors, retryAfterMs, extra } = error;
  return new MusterError(code, {
    reason,
    detail: message,
    status,
    errors,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    extra: { ...extra, error: { code: reason.toUpperCase(), message } },
    cause: error,
  });
}
