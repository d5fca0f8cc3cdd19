import { durationSchema, statsSchema } from '@muster/protocol';
import { z } from 'zod';
import type { Routes } from '#kernel/http';
import type { Room } from './room.ts';
import { statsOfBuilds } from './stats-builds.ts';

const windowMsMax = 31 * 86_400_000;
const query = z.object({
  window: durationSchema(windowMsMax).default(86_400_000),
  by: z.enum(['queue', 'platform', 'worker']).optional(),
});

/** `/v1/builds/stats`. */
export function statsRoutes(room: Room): (http: Routes) => void {
  return (http) => {
    http.route({
      method: 'GET',
      path: '/v1/builds/stats',
      auth: { scope: 'builds:read' },
      summary: 'Counts, success rate, waits and run times over a window',
      query,
      answers: { 200: { description: 'Measured over the window; zero means zero', schema: statsSchema } },
      handle: ({ who, input }) => statsOfBuilds(room, who, { windowMs: input.query.window, by: input.query.by }),
    });
  };
}
