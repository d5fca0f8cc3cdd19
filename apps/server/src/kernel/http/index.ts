import type { Http } from './http.ts';
import { type HttpOptions, Shell } from './shell.ts';

export { frameHead } from './frame-bytes.ts';
export {
  type Fields,
  type FrameCall,
  type FrameType,
  Later,
  later,
  type Opened,
  type Subscription,
  type SubscriptionType,
} from './frame-types.ts';
export {
  Answer,
  answer,
  type Call,
  type ErrorMapper,
  type Http,
  type Once,
  type RequestHead,
  type Routes,
  taken,
} from './http.ts';
export { parseJson } from './json.ts';
export type { Part } from './multipart.ts';
export { check, problemOf } from './problems.ts';
export type { RawCall, RawOperation, RawPart } from './raw.ts';
export { chosenProject } from './request-head.ts';
export { isForeign, isSafe, requirePageType, requireSameOrigin } from './same-origin.ts';
export type { HttpOptions } from './shell.ts';

/**
 * The edge of one process: routes, sockets, health, reference. Rooms declare on it before `start`.
 *
 * @example
 * http.route({
 *   method: 'GET',
 *   path: '/v1/builds/:id',
 *   auth: { scope: 'builds:read', or: ['build'] },
 *   summary: 'One build',
 *   params: z.strictObject({ id: idSchema('build') }),
 *   handle: ({ who, input }) => showBuild(deps, who, input.params.id),
 * });
 */
export const createHttp = (options: HttpOptions): Http => new Shell(options);
