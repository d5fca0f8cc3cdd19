import { idSchema } from '@muster/protocol';
import { z } from 'zod';
import type { Routes } from '#kernel/http';
import { bulkStreams, readBulk } from './bulk-streams.ts';
import { changeSettings, readSettings } from './change-settings.ts';
import { changeStream } from './change-stream.ts';
import type { Room } from './deps.ts';
import { listStreams, readStream } from './list-streams.ts';
import {
  bulkBody,
  bulkShape,
  changeBody,
  listQuery,
  settingsBody,
  settingsShape,
  streamPage,
  streamParams,
  streamShape,
} from './shapes.ts';

/** `/v1/streams…`, `/v1/stream-settings`. */
export function catalogRoutes(room: Room, routes: Routes): void {
  routes.route({
    method: 'GET',
    path: '/v1/streams',
    auth: { scope: 'streams:read' },
    summary: 'Streams of the project, by path',
    query: listQuery,
    answers: { 200: { description: 'Streams of rooms as far as the key may read there.', schema: streamPage } },
    handle: (call) => listStreams(room, call, call.input.query),
  });
  routes.route({
    method: 'GET',
    path: '/v1/streams/:path',
    auth: { scope: 'streams:read' },
    summary: 'One stream',
    description: 'The path is one segment here: percent-encode its slashes.',
    params: streamParams,
    answers: { 200: { description: 'The stream.', schema: streamShape } },
    handle: (call) => readStream(room, call, call.input.params.path),
  });
  routes.route({
    method: 'PATCH',
    path: '/v1/streams/:path',
    auth: { scope: 'streams:admin' },
    summary: 'Change how long a stream is kept',
    description: 'null takes a rule away; a TTL and an instant replace each other.',
    params: streamParams,
    body: changeBody,
    answers: { 200: { description: 'The stream as it is now.', schema: streamShape } },
    handle: (call) =>
      changeStream(
        room,
        call,
        call.input.params.path,
        call.input.body,
        call.headers['if-match'] === undefined ? undefined : call.ifMatch,
      ),
  });
  routes.route({
    method: 'POST',
    path: '/v1/streams/bulk',
    auth: { scope: 'streams:admin' },
    summary: 'Delete, close or retain every stream below a prefix',
    description: 'A job; ask `GET /v1/streams/bulk/{id}` how far it is. With `dryRun` it only counts.',
    body: bulkBody,
    status: 202,
    answers: { 202: { description: 'The job.', schema: bulkShape } },
    handle: (call) => bulkStreams(room, call, call.input.body, call.once()),
  });
  routes.route({
    method: 'GET',
    path: '/v1/streams/bulk/:id',
    auth: { scope: 'streams:admin' },
    summary: 'How far a bulk change is',
    params: z.strictObject({ id: idSchema('job') }),
    answers: { 200: { description: 'The job, kept for a week.', schema: bulkShape } },
    handle: (call) => readBulk(room, call, call.input.params.id),
  });
  routes.route({
    method: 'GET',
    path: '/v1/stream-settings',
    auth: { scope: 'streams:admin' },
    summary: 'What of the project’s streams anybody may read',
    answers: { 200: { description: 'Version 0: nothing was ever set.', schema: settingsShape } },
    handle: (call) => readSettings(room, call),
  });
  routes.route({
    method: 'PUT',
    path: '/v1/stream-settings',
    auth: { scope: 'streams:admin' },
    summary: 'Say which streams anybody may read',
    body: settingsBody,
    answers: { 200: { description: 'The settings as they are now.', schema: settingsShape } },
    handle: (call) => changeSettings(room, call, call.input.body, call.ifMatch),
  });
}
