import {
  acknowledgeSchema,
  createTargetSchema,
  galleryTargetSchema,
  pageOf,
  pageQuery,
  patchTargetSchema,
} from '@muster/protocol';
import { z } from 'zod';
import type { Routes } from '#kernel/http';
import { acknowledgeTarget } from './acknowledge-target.ts';
import { addTarget } from './add-target.ts';
import { changeTarget } from './change-target.ts';
import { targetCheckSchema } from './check-shape.ts';
import { lookAtTarget } from './check-target.ts';
import type { TargetsDeps } from './deps.ts';
import { gateTarget } from './gate-target.ts';
import { showOne, showPage } from './list-targets.ts';
import type { TargetRegistry } from './registry.ts';
import { removeTarget } from './remove-target.ts';

const one = z.object({ id: z.string() });
// What is wrong with an address is for `target_address` to say.
const baseUrl = z.string().min(1).max(500);
const create = createTargetSchema.extend({ baseUrl });
const patch = patchTargetSchema.extend({ baseUrl: baseUrl.optional() });
const hold = z.strictObject({ reason: z.string().trim().min(1).max(200).nullable().default(null) });
const shown = (description: string) => ({ 200: { description, schema: galleryTargetSchema } });
const path = '/v1/gallery/targets';

/** `/v1/gallery/targets`. */
export function targetRoutes(deps: TargetsDeps & { registry: TargetRegistry }): (http: Routes) => void {
  const asked = ({ address, requestId }: { address: string; requestId: string }) => ({ address, requestId });
  return (http) => {
    http.route({
      method: 'GET',
      path,
      auth: { scope: 'gallery:read' },
      summary: 'Galleries bots may live on, by id',
      query: pageQuery,
      answers: { 200: { description: 'Targets', schema: pageOf(galleryTargetSchema) } },
      handle: (call) => showPage(deps, call.who, call.input.query),
    });
    http.route({
      method: 'POST',
      path,
      auth: { scope: 'gallery:admin' },
      summary: 'A further gallery; nobody acts there until it is acknowledged',
      body: create,
      status: 201,
      answers: { 201: { description: 'The target', schema: galleryTargetSchema } },
      handle: (call) => addTarget(deps, call.who, call.input.body, call.once(), asked(call)),
    });
    http.route({
      method: 'GET',
      path: `${path}/:id`,
      auth: { scope: 'gallery:read' },
      summary: 'One target',
      params: one,
      answers: shown('The target'),
      handle: (call) => showOne(deps, call.who, call.input.params.id),
    });
    http.route({
      method: 'PATCH',
      path: `${path}/:id`,
      auth: { scope: 'gallery:admin' },
      summary: 'Change a target; another base URL voids its acknowledgement',
      params: one,
      body: patch,
      answers: shown('The changed target'),
      handle: (call) =>
        changeTarget(deps, call.who, call.input.params.id, call.input.body, {
          ...asked(call),
          ifMatch: (version) => call.ifMatch(version),
        }),
    });
    http.route({
      method: 'DELETE',
      path: `${path}/:id`,
      auth: { scope: 'gallery:admin' },
      summary: 'Forget a target without bots',
      params: one,
      status: 204,
      handle: (call) =>
        removeTarget(deps, call.who, call.input.params.id, {
          ...asked(call),
          ifMatch: (version) => call.ifMatch(version),
        }),
    });
    http.route({
      method: 'POST',
      path: `${path}/:id/check`,
      auth: { scope: 'gallery:operate' },
      summary: 'Look at a target without changing anything there',
      params: one,
      body: z.strictObject({}),
      answers: { 200: { description: 'What was found, each with what to do about it', schema: targetCheckSchema } },
      handle: (call) => lookAtTarget(deps, call.who, call.input.params.id, call.signal),
    });
    http.route({
      method: 'POST',
      path: `${path}/:id/acknowledge`,
      auth: { scope: 'gallery:admin' },
      summary: 'Answer for bots on this gallery: its host, typed, and three statements',
      params: one,
      body: acknowledgeSchema,
      answers: shown('The acknowledged target'),
      handle: (call) => acknowledgeTarget(deps, call.who, call.input.params.id, call.input.body, asked(call)),
    });
    http.route({
      method: 'POST',
      path: `${path}/:id/hold`,
      auth: { scope: 'gallery:operate' },
      summary: 'Stop every act on this target until somebody opens it',
      params: one,
      body: hold,
      answers: shown('The held target'),
      handle: (call) =>
        gateTarget(deps, call.who, call.input.params.id, { state: 'held', ...call.input.body }, asked(call)),
    });
    http.route({
      method: 'POST',
      path: `${path}/:id/open`,
      auth: { scope: 'gallery:operate' },
      summary: 'Let bots act on this target again',
      params: one,
      body: z.strictObject({}),
      answers: shown('The open target'),
      handle: (call) => gateTarget(deps, call.who, call.input.params.id, { state: 'open', reason: null }, asked(call)),
    });
  };
}
