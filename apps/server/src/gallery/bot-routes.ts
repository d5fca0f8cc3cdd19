import {
  botListQuery,
  bulkBotsSchema,
  cloneBotSchema,
  commandedSchema,
  galleryBotSchema,
  galleryTaskSchema,
  pageOf,
  pageQuery,
  purgedSchema,
  seedSchema,
} from '@muster/protocol';
import { z } from 'zod';
import { answer, type Routes } from '#kernel/http';
import { asker, requireBot } from './access.ts';
import { showOneBot } from './bot-shape.ts';
import { bulkBots } from './bulk-bots.ts';
import { changeBot } from './change-bot.ts';
import { cloneBot } from './clone-bot.ts';
import { commandBot, purgeBot } from './command-bot.ts';
import { createBot } from './create-bot.ts';
import { listGalleryBots } from './list-bots.ts';
import type { Room } from './room.ts';
import { seedBots } from './seed-bots.ts';
import { listGalleryTasks, readGalleryTask } from './tasks.ts';

const oneBot = z.object({ id: z.string() });
const theBot = { description: 'The bot', schema: galleryBotSchema };
const commands = {
  start: 'Let a bot think and act; its account on the target is made first',
  pause: 'No act begins after the answer; what was on the wire is counted in it',
  resume: 'Go on where a pause began; still asleep when its sleep lasts',
  stop: 'Stop a bot for good; its timer and its sleep go',
  wake: 'Think now; ends a sleep',
  restore: 'Bring a deleted bot back, stopped',
} as const;

/** `/v1/gallery/bots`, `/seed`, `/tasks`. */
export function botRoutes(room: Room): (http: Routes) => void {
  return (http) => {
    http.route({
      method: 'GET',
      path: '/v1/gallery/bots',
      auth: { scope: 'gallery:read' },
      summary: 'Gallery bots, filtered and sorted',
      description:
        '`state`, `desired`, `tier` and `persona` take several, with commas; `persona=custom` are bots of none. `state` and `reason` are those shown, below the gates of fleet and target. Deleted bots only with `deleted` or `state=deleted`.',
      query: botListQuery,
      answers: { 200: { description: 'One page', schema: pageOf(galleryBotSchema) } },
      handle: ({ who, input }) => listGalleryBots(room, who, input.query),
    });
    http.route({
      method: 'POST',
      path: '/v1/gallery/bots',
      auth: { scope: 'gallery:operate' },
      summary: 'Make a gallery bot',
      description:
        'A trait left out or null is inherited from the persona; `effective` in the answer says what it is then.',
      accepts: { 'application/json': 'name, username, and anything that shall differ from the persona' },
      status: 201,
      answers: { 201: theBot },
      handle: async (call) => createBot(room, asker(call), await call.json(z.unknown()), call.once()),
    });
    http.route({
      method: 'POST',
      path: '/v1/gallery/bots/bulk',
      auth: { scope: 'gallery:operate' },
      summary: 'One command to many bots',
      description:
        'Exactly one of `ids`, `filter`, `all: true`. Up to 500 are done with the answer; more are a job, and the task says how far it is.',
      body: bulkBotsSchema,
      answers: {
        200: { description: 'Done, or counted with dryRun', schema: galleryTaskSchema },
        202: { description: 'A job has begun', schema: galleryTaskSchema },
      },
      handle: async (call) => {
        const task = await bulkBots(room, asker(call), call.input.body, call.once());
        return answer(task.state === 'running' ? 202 : 200, task);
      },
    });
    http.route({
      method: 'GET',
      path: '/v1/gallery/bots/:id',
      auth: { scope: 'gallery:read' },
      summary: 'One gallery bot: its traits, how it is and why it waits',
      params: oneBot,
      answers: { 200: theBot },
      handle: async ({ who, input }) => showOneBot(room, room.db, await requireBot(room.db, who, input.params.id)),
    });
    http.route({
      method: 'PATCH',
      path: '/v1/gallery/bots/:id',
      auth: { scope: 'gallery:operate' },
      summary: 'Change a bot; null leaves a trait to the persona again',
      params: oneBot,
      accepts: { 'application/json': 'name, personaId, disclosureLabel, budget and traits' },
      answers: { 200: theBot },
      handle: async (call) =>
        changeBot(room, asker(call), call.input.params.id, await call.json(z.unknown()), (version) =>
          call.ifMatch(version),
        ),
    });
    http.route({
      method: 'DELETE',
      path: '/v1/gallery/bots/:id',
      auth: { scope: 'gallery:operate' },
      summary: 'Delete a bot softly; restore brings it back, purge makes it final',
      params: oneBot,
      answers: { 200: { description: 'The deleted bot', schema: commandedSchema } },
      handle: (call) =>
        commandBot(room, asker(call), call.input.params.id, 'delete', (version) => call.ifMatch(version)),
    });
    for (const [command, summary] of Object.entries(commands) as [keyof typeof commands, string][]) {
      http.route({
        method: 'POST',
        path: `/v1/gallery/bots/:id/${command}`,
        auth: { scope: 'gallery:operate' },
        summary,
        params: oneBot,
        body: z.strictObject({}),
        answers: { 200: { description: 'The bot, and what its owner confirmed', schema: commandedSchema } },
        handle: (call) => commandBot(room, asker(call), call.input.params.id, command),
      });
    }
    http.route({
      method: 'POST',
      path: '/v1/gallery/bots/:id/purge',
      auth: { scope: 'gallery:admin' },
      summary: 'Remove a deleted bot with its memory and its account; its username is free then',
      params: oneBot,
      body: z.strictObject({}),
      answers: {
        200: { description: 'It is gone', schema: purgedSchema },
        202: { description: 'Its account is being removed first', schema: purgedSchema },
      },
      handle: async (call) => {
        const purged = await purgeBot(room, asker(call), call.input.params.id);
        return answer(purged.purged ? 200 : 202, purged);
      },
    });
    http.route({
      method: 'POST',
      path: '/v1/gallery/bots/:id/clone',
      auth: { scope: 'gallery:operate' },
      summary: 'The same traits under a new seed and username',
      params: oneBot,
      body: cloneBotSchema,
      status: 201,
      answers: { 201: theBot },
      handle: (call) => cloneBot(room, asker(call), call.input.params.id, call.input.body, call.once()),
    });
    http.route({
      method: 'POST',
      path: '/v1/gallery/seed',
      auth: { scope: 'gallery:operate' },
      summary: 'Draw a fleet from a seed; a second run makes nothing',
      description:
        'Bot i depends on (seed, i) and the personas alone: N and then 2N keeps the first N. Up to 500 are there with the answer; more are a job.',
      body: seedSchema,
      answers: {
        200: { description: 'Done, or what would be drawn', schema: galleryTaskSchema },
        202: { description: 'A job has begun', schema: galleryTaskSchema },
      },
      handle: async (call) => {
        const task = await seedBots(room, asker(call), call.input.body, call.once());
        return answer(task.state === 'running' ? 202 : 200, task);
      },
    });
    http.route({
      method: 'GET',
      path: '/v1/gallery/tasks',
      auth: { scope: 'gallery:read' },
      summary: 'Bulk actions, seedings, simulated days and replays, newest first',
      query: pageQuery,
      answers: { 200: { description: 'One page', schema: pageOf(galleryTaskSchema) } },
      handle: ({ who, input }) => listGalleryTasks(room, who, input.query),
    });
    http.route({
      method: 'GET',
      path: '/v1/gallery/tasks/:id',
      auth: { scope: 'gallery:read' },
      summary: 'How far a task is',
      params: oneBot,
      answers: { 200: { description: 'The task', schema: galleryTaskSchema } },
      handle: ({ who, input }) => readGalleryTask(room, who, input.params.id),
    });
  };
}
