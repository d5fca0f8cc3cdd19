import type { Principal } from '#kernel/auth';
import { invalid, unauthenticated } from '#kernel/base';
import type { RawCall } from '#kernel/http';
import { parsePath, parseQuery, type Query } from './address.ts';
import { baseHeaders, type Cors, methods, preflightHeaders } from './answer-headers.ts';
import { appendStream } from './append-stream.ts';
import { createStream } from './create-stream.ts';
import { deleteStream } from './delete-stream.ts';
import { headStream } from './head-stream.ts';
import { readStream } from './read-stream.ts';
import { bearerOf, headerOf } from './request-headers.ts';
import type { Room } from './room.ts';

/** One request below `/v1/stream/`: path, credential, then the operation. */
export function handle(room: Room, call: RawCall, cors: Cors): Promise<void> | void {
  const { method } = call;
  if (method === 'OPTIONS') return call.answer(204, preflightHeaders(call.request, cors));
  if (call.rest === '__ds' || call.rest.startsWith('__ds/')) return control(room, call, cors);
  const path = parsePath(call.rest);
  const query = parseQuery(call.query);
  const who = callerOf(room, call, query);
  return who instanceof Promise
    ? who.then((known) => operate(room, call, known, path, query, cors))
    : operate(room, call, who, path, query, cors);
}

/** Subscriptions, which are no streams. */
function control(room: Room, call: RawCall, cors: Cors): Promise<void> {
  return room.control.handleDs({
    call,
    path: call.rest.slice('__ds/'.length),
    who: () => callerOf(room, call, parseQuery(call.query)),
    headers: baseHeaders(call.request, cors, false, false),
  });
}

function operate(room: Room, call: RawCall, who: Principal, path: string, query: Query, cors: Cors): Promise<void> {
  call.by = who;
  switch (call.method) {
    case 'POST':
      return appendStream(room, call, who, path, cors);
    case 'GET':
      return readStream(room, call, who, path, query, cors);
    case 'HEAD':
      return headStream(room, call, who, path, cors);
    case 'PUT':
      return createStream(room, call, who, path, cors);
    case 'DELETE':
      return deleteStream(room, call, who, path, cors);
    default:
      throw invalid('wrong_method', `A stream takes ${methods}, not ${call.method}.`, {
        status: 405,
        extra: { allow: methods.split(', ') },
      });
  }
}

/** Whose call it is: the bearer header, or, where a browser cannot send one, `?token=` on live reads, or the cookie of somebody who signed in. */
export function callerOf(room: Pick<Room, 'access'>, call: RawCall, query: Query): Principal | Promise<Principal> {
  const { headers } = call.request;
  const projectId = headerOf(headers, 'muster-project') ?? query.project;
  const bearer = bearerOf(headers);
  const inQuery = bearer === undefined && call.method === 'GET' && query.live !== undefined ? query.token : undefined;
  if (bearer === undefined && inQuery === undefined && headers.cookie !== undefined)
    return call.person().then((person) => person ?? room.access.caller(undefined, call.address, projectId));
  if (inQuery === undefined) return room.access.caller(bearer, call.address, projectId);
  // A key has no business in a URL, where proxies and histories keep it.
  return Promise.resolve(room.access.caller(inQuery, call.address, projectId)).then((who) => {
    if (who.kind === 'browser') return who;
    throw unauthenticated('malformed_credential', 'token= takes browser tokens only; send keys as a bearer header.');
  });
}
