import { viewBody, viewSchema } from '@muster/protocol';
import { z } from 'zod';
import type { Routes } from '#kernel/http';
import type { AccountsDeps } from './deps.ts';
import { listViews, putView, removeView, showView } from './views.ts';

/** Named by whoever keeps it; long random ones do not collide. */
const params = z.strictObject({ id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/) });

/** `/v1/views`: what lists were narrowed to, under names. */
export function viewRoutes(deps: AccountsDeps, routes: Routes): void {
  routes.route({
    method: 'GET',
    path: '/v1/views',
    auth: 'member',
    summary: 'Saved views of lists: your own, and those of the project',
    query: z.strictObject({ page: z.string().max(100).optional() }),
    answers: { 200: { description: 'By name.', schema: z.strictObject({ items: z.array(viewSchema) }) } },
    handle: async ({ who, input }) => ({ items: (await listViews(deps, who, input.query.page)).map(showView) }),
  });
  routes.route({
    method: 'PUT',
    path: '/v1/views/:id',
    auth: 'member',
    summary: 'Keep a view, or change it',
    description: 'Your own needs no right; one that is shared with the project needs accounts:operate.',
    params,
    body: viewBody,
    answers: { 200: { description: 'The view.', schema: viewSchema } },
    handle: async (call) => showView(await putView(deps, call, call.input.params.id, call.input.body)),
  });
  routes.route({
    method: 'DELETE',
    path: '/v1/views/:id',
    auth: 'member',
    summary: 'Remove a view',
    params,
    answers: { 204: { description: 'Gone.' } },
    handle: (call) => removeView(deps, call, call.input.params.id),
  });
}
