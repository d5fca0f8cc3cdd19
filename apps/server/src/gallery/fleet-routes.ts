import {
  budgetForecastSchema,
  budgetSchema,
  fleetSchema,
  galleryTaskSchema,
  panicAnswerSchema,
  panicSchema,
  patchFleetSchema,
  putBudgetSchema,
  releaseSchema,
  simSchema,
} from '@muster/protocol';
import { z } from 'zod';
import { answer, type Routes } from '#kernel/http';
import { asker } from './access.ts';
import { forecastBudgets, putBudget, showBudget } from './budgets.ts';
import { listMinds, mindSchema, mindTestSchema, testMind } from './minds.ts';
import { panicFleet, releaseFleet } from './panic.ts';
import type { Room } from './room.ts';
import { patchFleet, showFleet } from './show-fleet.ts';
import { simulateDays } from './simulate.ts';

const scoped = z.object({ scope: z.string().max(80) });
const named = z.object({ name: z.string().max(200) });
const theFleet = { description: 'The fleet', schema: fleetSchema };

/** `/v1/gallery/fleet`, `/budgets`, `/minds`, `/sim`. */
export function fleetRoutes(room: Room): (http: Routes) => void {
  return (http) => {
    http.route({
      method: 'GET',
      path: '/v1/gallery/fleet',
      auth: { scope: 'gallery:read' },
      summary: 'How the fleet is: states, personas, why bots wait, gates, mind, cost',
      answers: { 200: theFleet },
      handle: ({ who }) => showFleet(room, who),
    });
    http.route({
      method: 'PATCH',
      path: '/v1/gallery/fleet',
      auth: { scope: 'gallery:admin' },
      summary: 'The mind of bots that name none, what steps in for it, the seed of all draws',
      body: patchFleetSchema,
      answers: { 200: theFleet },
      handle: (call) => patchFleet(room, asker(call), call.input.body),
    });
    http.route({
      method: 'POST',
      path: '/v1/gallery/fleet/panic',
      auth: { scope: 'gallery:operate' },
      summary: 'Kill switch: no act begins after the answer',
      body: panicSchema,
      rate: 'exempt',
      answers: {
        200: { description: 'Who confirmed, and what was still on the wire', schema: panicAnswerSchema },
      },
      handle: (call) => panicFleet(room, asker(call), call.input.body.reason),
    });
    http.route({
      method: 'POST',
      path: '/v1/gallery/fleet/release',
      auth: { scope: 'gallery:operate' },
      summary: 'Open the gate of the fleet, with every bot paused or all as before',
      body: releaseSchema,
      answers: { 200: theFleet },
      handle: (call) => releaseFleet(room, asker(call), call.input.body),
    });
    http.route({
      method: 'GET',
      path: '/v1/gallery/budgets/forecast',
      auth: { scope: 'gallery:read' },
      summary: 'When each cap will be hit, soonest first',
      answers: { 200: { description: 'Caps with their pace', schema: budgetForecastSchema } },
      handle: ({ who }) => forecastBudgets(room, who),
    });
    http.route({
      method: 'GET',
      path: '/v1/gallery/budgets/:scope',
      auth: { scope: 'gallery:read' },
      summary: 'Caps, what is spent and reserved: fleet, target:id, persona:id, bot:id',
      params: scoped,
      answers: { 200: { description: 'The budget', schema: budgetSchema } },
      handle: ({ who, input }) => showBudget(room, who, input.params.scope),
    });
    http.route({
      method: 'PUT',
      path: '/v1/gallery/budgets/:scope',
      auth: { scope: 'gallery:operate' },
      summary: 'Set caps; below what is spent shuts at once, no cap needs gallery:admin',
      params: scoped,
      body: putBudgetSchema,
      answers: { 200: { description: 'The budget', schema: budgetSchema } },
      handle: (call) => putBudget(room, asker(call), call.input.params.scope, call.input.body),
    });
    http.route({
      method: 'GET',
      path: '/v1/gallery/minds',
      auth: { scope: 'gallery:read' },
      summary: 'Minds of this server: models, prices, buckets, breakers, last errors',
      answers: { 200: { description: 'All of them', schema: z.object({ items: z.array(mindSchema) }) } },
      handle: () => listMinds(room),
    });
    http.route({
      method: 'POST',
      path: '/v1/gallery/minds/:name/test',
      auth: { scope: 'gallery:operate' },
      summary: 'One call of 20 tokens, with its price',
      params: named,
      body: z.strictObject({}),
      answers: { 200: { description: 'How it went', schema: mindTestSchema } },
      handle: (call) => testMind(room, asker(call), call.input.params.name, call.signal),
    });
    http.route({
      method: 'POST',
      path: '/v1/gallery/sim',
      auth: { scope: 'gallery:admin' },
      summary: 'Let a drawn fleet live some simulated hours in the sandbox, then go on in real time',
      body: simSchema,
      status: 202,
      answers: { 202: { description: 'The task', schema: galleryTaskSchema } },
      handle: async (call) => answer(202, await simulateDays(room, asker(call), call.input.body)),
    });
  };
}
