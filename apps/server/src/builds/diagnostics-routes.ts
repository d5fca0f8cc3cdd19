import { diagnosticsSchema, pageOf, pageQuery } from '@muster/protocol';
import { z } from 'zod';
import type { Principal } from '#kernel/auth';
import { forbidden } from '#kernel/base';
import type { Routes } from '#kernel/http';
import type { DiagnosticsRow } from './queries/telemetry.ts';
import { listDiagnostics, reportDiagnostics } from './report-diagnostics.ts';
import type { Room } from './room.ts';

const worker = z.object({ id: z.string() });
const shown = diagnosticsSchema.extend({
  id: z.string(),
  workerId: z.string(),
  runAt: z.iso.datetime(),
  createdAt: z.iso.datetime(),
});

/** `/v1/workers/:id/diagnostics`. A worker reports of itself only; `me` is its own name for itself. */
export function diagnosticsRoutes(room: Room): (http: Routes) => void {
  return (http) => {
    http.route({
      method: 'POST',
      path: '/v1/workers/:id/diagnostics',
      auth: { scope: 'builds:operate', or: ['worker'] },
      summary: 'Store what a worker found out about itself',
      params: worker,
      body: diagnosticsSchema,
      status: 201,
      answers: { 201: { description: 'The stored report', schema: shown } },
      handle: async (call) => {
        const id = ownId(call.who, call.input.params.id);
        return show(await reportDiagnostics(room, call.who.projectId, id, call.input.body));
      },
    });
    http.route({
      method: 'GET',
      path: '/v1/workers/:id/diagnostics',
      auth: { scope: 'builds:read', or: ['worker'] },
      summary: 'Reports of a worker, newest first',
      params: worker,
      query: pageQuery,
      answers: { 200: { description: 'Reports', schema: pageOf(shown) } },
      handle: async (call) => {
        const id = ownId(call.who, call.input.params.id);
        const page = await listDiagnostics(room, call.who.projectId, id, call.input.query);
        return { items: page.items.map(show), nextCursor: page.nextCursor };
      },
    });
  };
}

function ownId(who: Principal, id: string): string {
  if (who.kind !== 'worker') return id;
  if (id !== 'me' && id !== who.workerId) throw forbidden('other_worker', 'A worker reports of itself only.');
  return who.workerId;
}

const show = (row: DiagnosticsRow): z.infer<typeof shown> => ({
  ...row,
  runAt: row.runAt.toISOString(),
  createdAt: row.createdAt.toISOString(),
});
