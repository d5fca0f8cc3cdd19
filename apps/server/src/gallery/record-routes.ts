import {
  activitySchema,
  askAnswerSchema,
  askSchema,
  galleryActionSchema,
  galleryDecisionSchema,
  galleryEvaluationSchema,
  galleryGraphSchema,
  galleryMemorySchema,
  galleryRelationSchema,
  gallerySpendSchema,
  galleryStatsSchema,
  galleryThoughtSchema,
  pageOf,
  pageQuery,
  previewAnswerSchema,
  previewSchema,
  replayedSchema,
  replaySchema,
  statsGroups,
} from '@muster/protocol';
import { z } from 'zod';
import { answer, type Routes } from '#kernel/http';
import { asker } from './access.ts';
import { evaluateGallery } from './evaluate.ts';
import { graphOfGallery } from './graph.ts';
import { writeGraphml } from './graphml.ts';
import * as lists from './list-records.ts';
import { askBot, previewBot, retryAction } from './preview-bot.ts';
import { showThought } from './read-thought.ts';
import { replayThoughts } from './replay.ts';
import type { Room } from './room.ts';
import { statsOfGallery } from './stats.ts';

const oneBot = z.object({ id: z.string() });
const oneMemory = z.object({ id: z.string(), memory: z.string() });
const feedFilters = z.object({
  persona: z.string().max(60).optional(),
  type: z.string().max(400).optional(),
  since: z.iso.datetime({ offset: true }).optional(),
});
const windowQuery = z.object({
  from: z.iso.datetime({ offset: true }).optional(),
  to: z.iso.datetime({ offset: true }).optional(),
});
const forgotten = z.object({ forgotten: z.number().int() });

/** What bots did, said, remember and cost, and what can be measured of it. */
export function recordRoutes(room: Room): (http: Routes) => void {
  return (http) => {
    http.route({
      method: 'GET',
      path: '/v1/gallery/activity',
      auth: { scope: 'gallery:read' },
      summary: 'The feed, newest first; live at /v1/stream/gallery/activity',
      query: pageQuery.extend({ bot: z.string().max(40).optional(), ...feedFilters.shape }),
      answers: { 200: { description: 'One page', schema: pageOf(activitySchema) } },
      handle: ({ who, input }) => lists.listFeed(room, who, input.query),
    });
    http.route({
      method: 'GET',
      path: '/v1/gallery/bots/:id/activity',
      auth: { scope: 'gallery:read' },
      summary: 'The feed of one bot, newest first; live at /v1/stream/gallery/bots/{id}',
      params: oneBot,
      query: pageQuery.extend(feedFilters.shape),
      answers: { 200: { description: 'One page', schema: pageOf(activitySchema) } },
      handle: ({ who, input }) => lists.listFeed(room, who, { ...input.query, bot: input.params.id }),
    });
    http.route({
      method: 'GET',
      path: '/v1/gallery/bots/:id/actions',
      auth: { scope: 'gallery:read' },
      summary: 'The ledger of one bot: every side effect, once',
      params: oneBot,
      query: pageQuery.extend({ state: z.enum(['open', 'done', 'failed', 'dropped']).optional() }),
      answers: { 200: { description: 'One page', schema: pageOf(galleryActionSchema) } },
      handle: ({ who, input }) => lists.listBotActions(room, who, input.params.id, input.query),
    });
    http.route({
      method: 'GET',
      path: '/v1/gallery/bots/:id/decisions',
      auth: { scope: 'gallery:read' },
      summary: 'Why it did that: candidates, odds or model, verdicts, price',
      params: oneBot,
      query: pageQuery,
      answers: { 200: { description: 'One page', schema: pageOf(galleryDecisionSchema) } },
      handle: ({ who, input }) => lists.listBotDecisions(room, who, input.params.id, input.query),
    });
    http.route({
      method: 'GET',
      path: '/v1/gallery/thoughts/:id',
      auth: { scope: 'gallery:read' },
      summary: 'One think: its situation and decision, its act in the ledger, what the feed said of it',
      params: z.object({ id: z.string().max(40) }),
      answers: { 200: { description: 'All that is kept of it', schema: galleryThoughtSchema } },
      handle: ({ who, input }) => showThought(room, who, input.params.id),
    });
    http.route({
      method: 'GET',
      path: '/v1/gallery/bots/:id/memory',
      auth: { scope: 'gallery:read' },
      summary: 'What a bot remembers, newest first',
      params: oneBot,
      query: pageQuery,
      answers: { 200: { description: 'One page', schema: pageOf(galleryMemorySchema) } },
      handle: ({ who, input }) => lists.listBotMemory(room, who, input.params.id, input.query),
    });
    http.route({
      method: 'DELETE',
      path: '/v1/gallery/bots/:id/memory',
      auth: { scope: 'gallery:operate' },
      summary: 'Forget everything, also whom it knows',
      params: oneBot,
      answers: { 200: { description: 'How much went', schema: forgotten } },
      handle: (call) => lists.forgetMemory(room, asker(call), call.input.params.id, null),
    });
    http.route({
      method: 'DELETE',
      path: '/v1/gallery/bots/:id/memory/:memory',
      auth: { scope: 'gallery:operate' },
      summary: 'Forget one thing',
      params: oneMemory,
      answers: { 200: { description: 'How much went', schema: forgotten } },
      handle: (call) => lists.forgetMemory(room, asker(call), call.input.params.id, call.input.params.memory),
    });
    http.route({
      method: 'GET',
      path: '/v1/gallery/bots/:id/relations',
      auth: { scope: 'gallery:read' },
      summary: 'Whom a bot knows, by name',
      params: oneBot,
      query: pageQuery,
      answers: { 200: { description: 'One page', schema: pageOf(galleryRelationSchema) } },
      handle: ({ who, input }) => lists.listBotRelations(room, who, input.params.id, input.query),
    });
    http.route({
      method: 'GET',
      path: '/v1/gallery/bots/:id/spend',
      auth: { scope: 'gallery:read' },
      summary: 'Thinks, tokens and money of a bot by UTC day',
      params: oneBot,
      query: pageQuery,
      answers: { 200: { description: 'One page', schema: pageOf(gallerySpendSchema) } },
      handle: ({ who, input }) => lists.listBotSpend(room, who, input.params.id, input.query),
    });
    http.route({
      method: 'DELETE',
      path: '/v1/gallery/people/:username',
      auth: { scope: 'gallery:admin' },
      summary: 'Erase what all bots remember about one person',
      params: z.object({ username: z.string().min(1).max(100) }),
      answers: {
        200: {
          description: 'How much went',
          schema: z.object({ memories: z.number().int(), relations: z.number().int(), decisions: z.number().int() }),
        },
      },
      handle: (call) => lists.erasePerson(room, asker(call), call.input.params.username),
    });
    http.route({
      method: 'POST',
      path: '/v1/gallery/bots/:id/preview',
      auth: { scope: 'gallery:read' },
      summary: 'What a bot would do next; touches nothing, spends only with spend: true',
      params: oneBot,
      body: previewSchema,
      answers: { 200: { description: 'Its next steps', schema: previewAnswerSchema } },
      handle: ({ who, input }) => previewBot(room, who, input.params.id, input.body),
    });
    http.route({
      method: 'POST',
      path: '/v1/gallery/bots/:id/ask',
      auth: { scope: 'gallery:operate' },
      summary: 'Ask a bot something out of its world; never posted',
      params: oneBot,
      body: askSchema,
      answers: { 200: { description: 'What it says', schema: askAnswerSchema } },
      handle: (call) => askBot(room, asker(call), call.input.params.id, call.input.body.question),
    });
    http.route({
      method: 'POST',
      path: '/v1/gallery/actions/:thoughtId/retry',
      auth: { scope: 'gallery:operate' },
      summary: 'A new think with the decision of a failed or dropped act',
      params: z.object({ thoughtId: z.string() }),
      body: z.strictObject({}),
      status: 202,
      answers: { 202: { description: 'The new think', schema: z.object({ thoughtId: z.string() }) } },
      handle: (call) => retryAction(room, asker(call), call.input.params.thoughtId),
    });
    http.route({
      method: 'GET',
      path: '/v1/gallery/stats',
      auth: { scope: 'gallery:read' },
      summary: 'What bots wanted and did over a window, by persona, tier, bot or hour',
      query: windowQuery.extend({ by: z.enum(statsGroups).optional() }),
      answers: { 200: { description: 'Counts; zero means zero', schema: galleryStatsSchema } },
      handle: ({ who, input }) => statsOfGallery(room, who, input.query),
    });
    http.route({
      method: 'GET',
      path: '/v1/gallery/evaluation',
      auth: { scope: 'gallery:read' },
      summary: 'How alive and how different the fleet is; null means that nothing can be said',
      query: windowQuery,
      answers: { 200: { description: 'Measures', schema: galleryEvaluationSchema } },
      handle: ({ who, input }) => evaluateGallery(room, who, input.query),
    });
    http.route({
      method: 'POST',
      path: '/v1/gallery/replays',
      auth: { scope: 'gallery:operate' },
      summary: 'Recorded thoughts decided once more with another persona, mind or odds; nothing is sent',
      body: replaySchema,
      answers: { 200: { description: 'Both sides beside each other', schema: replayedSchema } },
      handle: (call) => replayThoughts(room, call.who, call.input.body, call.signal),
    });
    http.route({
      method: 'GET',
      path: '/v1/gallery/graph',
      auth: { scope: 'gallery:read' },
      summary: 'Who likes, comments on and answers whom, as JSON or GraphML',
      query: windowQuery.extend({ format: z.enum(['json', 'graphml']).default('json') }),
      answers: { 200: { description: 'The graph', schema: galleryGraphSchema } },
      handle: async ({ who, input }) => {
        const graph = await graphOfGallery(room, who, input.query);
        return input.query.format === 'json'
          ? graph
          : answer(200, Buffer.from(writeGraphml(graph)), {
              'content-type': 'application/graphml+xml; charset=utf-8',
              'content-disposition': 'attachment; filename="gallery.graphml"',
            });
      },
    });
  };
}
