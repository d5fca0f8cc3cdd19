import { z } from 'zod';
import { notFound } from '#kernel/base';
import type { Routes } from '#kernel/http';
import { deleteComment, readReports } from './queries/comments.ts';
import { deleteItem } from './queries/items.ts';
import { sandboxLimits as limits } from './room/limits.ts';
import type { SandboxRoom } from './room/room.ts';
import {
  changeSettings,
  faultsSchema,
  patchSettingsSchema,
  putFaults,
  resetByHand,
  resetSchema,
  settingsSchema,
  showFaults,
  shownFaultSchema,
  showSettings,
} from './settings.ts';

const base = '/v1/gallery/sandbox';
const shownFaults = z.object({ items: z.array(shownFaultSchema) });
const named = z.object({ id: z.string().max(100) });

/** `/v1/gallery/sandbox`: how the gallery of our own behaves, for those who run it. */
export function controlRoutes(room: SandboxRoom): (http: Routes) => void {
  return (http) => {
    http.route({
      method: 'GET',
      path: `${base}/settings`,
      auth: { scope: 'gallery:read' },
      summary: 'Kill switch and budgets of the sandbox gallery',
      answers: { 200: { description: 'The settings; null: unlimited', schema: settingsSchema } },
      handle: ({ who }) => showSettings(room, who),
    });
    http.route({
      method: 'PATCH',
      path: `${base}/settings`,
      auth: { scope: 'gallery:admin' },
      summary: 'Change kill switch and budgets of the sandbox gallery',
      body: patchSettingsSchema,
      answers: { 200: { description: 'The settings as they are now', schema: settingsSchema } },
      handle: ({ who, input, ifMatch }) => changeSettings(room, who, input.body, ifMatch),
    });
    http.route({
      method: 'GET',
      path: `${base}/faults`,
      auth: { scope: 'gallery:read' },
      summary: 'Mishaps ordered from the sandbox gallery',
      answers: { 200: { description: 'Those that may still strike', schema: shownFaults } },
      handle: ({ who }) => showFaults(room, who),
    });
    http.route({
      method: 'PUT',
      path: `${base}/faults`,
      auth: { scope: 'gallery:admin' },
      summary: 'Order mishaps from the sandbox gallery, in place of those before; they end after an hour',
      body: faultsSchema,
      answers: { 200: { description: 'Those that may strike now', schema: shownFaults } },
      handle: ({ who, input }) => putFaults(room, who, input.body.items),
    });
    http.route({
      method: 'POST',
      path: `${base}/reset`,
      auth: { scope: 'gallery:admin' },
      summary: 'Forget everything shown and said in the sandbox gallery',
      body: resetSchema,
      status: 204,
      handle: async ({ who, input }) => {
        await resetByHand(room, who, input.body);
      },
    });
    moderation(room, http);
  };
}

/** What people reported, and taking it away. */
function moderation(room: SandboxRoom, http: Routes): void {
  http.route({
    method: 'GET',
    path: `${base}/reports`,
    auth: { scope: 'gallery:read' },
    summary: 'What people reported, newest first',
    handle: async ({ who }) => ({
      items: (await readReports(room.db, who.projectId, limits.reportsPageMax)).map((report) => ({
        ...report,
        createdAt: report.createdAt.toISOString(),
      })),
      nextCursor: null,
    }),
  });
  http.route({
    method: 'DELETE',
    path: `${base}/items/:id`,
    auth: { scope: 'gallery:admin' },
    summary: 'Take an item away, with everything said below it',
    params: named,
    handle: async ({ who, input }) => {
      const { id } = input.params;
      const gone = await room.db.transaction((tx) => deleteItem(tx, who.projectId, id, null));
      if (!gone) throw notFound('no_such_item', 'There is no such item.');
      room.changes.tell({ what: 'gone', projectId: who.projectId, itemId: id });
    },
  });
  http.route({
    method: 'DELETE',
    path: `${base}/comments/:id`,
    auth: { scope: 'gallery:admin' },
    summary: 'Take a comment away',
    params: named,
    handle: async ({ who, input }) => {
      const itemId = await room.db.transaction((tx) => deleteComment(tx, who.projectId, input.params.id, null));
      if (itemId === undefined) throw notFound('no_such_comment', 'There is no such comment.');
      room.changes.tell({ what: 'counts', projectId: who.projectId, itemId });
    },
  });
}
