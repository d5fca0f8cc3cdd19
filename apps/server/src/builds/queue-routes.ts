import { buildSummarySchema, pageOf, pageQuery, pauseQueueSchema, queueSchema } from '@muster/protocol';
import { z } from 'zod';
import type { Routes } from '#kernel/http';
import { listLine, listQueues } from './list-queues.ts';
import { pauseQueue, resumeQueue } from './pause-queue.ts';
import type { Room } from './room.ts';

const named = z.object({ name: z.string() });

/** `/v1/queues`. */
export function queueRoutes(room: Room): (http: Routes) => void {
  return (http) => {
    http.route({
      method: 'GET',
      path: '/v1/queues',
      auth: { scope: 'builds:read' },
      summary: 'Queues with depth, waits, matching workers and what an autoscaler needs',
      query: pageQuery,
      answers: { 200: { description: 'Queues by name', schema: pageOf(queueSchema) } },
      handle: (call) => listQueues(room, call.who, call.input.query),
    });
    http.route({
      method: 'GET',
      path: '/v1/queues/:name/line',
      auth: { scope: 'builds:read' },
      summary: 'What waits in a queue, first what is taken first',
      params: named,
      query: pageQuery,
      answers: { 200: { description: 'One page', schema: pageOf(buildSummarySchema) } },
      handle: (call) => listLine(room, call.who, call.input.params.name, call.input.query),
    });
    http.route({
      method: 'POST',
      path: '/v1/queues/:name/pause',
      auth: { scope: 'builds:admin' },
      summary: 'Start nothing new from this queue; running builds go on',
      params: named,
      body: pauseQueueSchema,
      answers: { 200: { description: 'The paused queue', schema: queueSchema } },
      handle: (call) => pauseQueue(room, call.who, call.input.params.name, call.input.body),
    });
    http.route({
      method: 'POST',
      path: '/v1/queues/:name/resume',
      auth: { scope: 'builds:admin' },
      summary: 'Open a paused queue again',
      params: named,
      body: z.strictObject({}),
      answers: { 200: { description: 'The open queue', schema: queueSchema } },
      handle: (call) => resumeQueue(room, call.who, call.input.params.name),
    });
  };
}
