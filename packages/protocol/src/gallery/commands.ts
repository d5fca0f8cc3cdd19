import { z } from 'zod';
import { pageQuery } from '../base/paging.ts';
import { galleryBotSchema } from './bot.ts';
import { botCommands, botSorts } from './bot-commands.ts';

const word = z.string().min(1).max(400);
/** How a list or a bulk action is narrowed. `state`, `desired` and `tier` take several, with commas. */
export const botFilterSchema = z
  .strictObject({
    state: word,
    desired: word,
    persona: word,
    tier: word,
    target: word,
    reason: word,
    q: z.string().trim().min(1).max(200),
    mind: word,
    deleted: z.enum(['only', 'too']),
  })
  .partial();
export type BotFilter = z.infer<typeof botFilterSchema>;

export const botListQuery = pageQuery.extend({
  ...botFilterSchema.shape,
  sort: z.enum(botSorts).default('createdAt'),
  /** Unless said: newest, dearest and last active first; names and next times from the beginning. */
  order: z.enum(['asc', 'desc']).optional(),
});
export type BotListQuery = z.infer<typeof botListQuery>;

/** The answer to a command: the bot as it is now, and whether its owner has let go of what it was doing. */
export const commandedSchema = z.object({
  bot: galleryBotSchema,
  /** Nothing had to change. */
  same: z.boolean(),
  /** The owner of the bot has heard of it; `false`: it will within the lease, no later. */
  confirmed: z.boolean(),
  /** Acts of it that were on the wire and finish. */
  inFlight: z.number().int(),
});
export type Commanded = z.infer<typeof commandedSchema>;

export const purgedSchema = z.object({
  id: z.string(),
  /** `false`: its account on the target is being removed first; the row says how that goes. */
  purged: z.boolean(),
  jobId: z.string().nullable(),
});
export type Purged = z.infer<typeof purgedSchema>;

export const cloneBotSchema = z.strictObject({
  name: galleryBotSchema.shape.name.optional(),
  username: z.string().max(30).optional(),
  start: z.boolean().default(false),
});
export type CloneBot = z.infer<typeof cloneBotSchema>;

export const bulkBotsSchema = z.strictObject({
  action: z.enum(botCommands),
  ids: z.array(z.string().max(40)).min(1).max(10_000).optional(),
  filter: botFilterSchema.optional(),
  all: z.literal(true).optional(),
  dryRun: z.boolean().default(false),
});
export type BulkBots = z.input<typeof bulkBotsSchema>;

const refusals = z.array(z.object({ reason: z.string(), count: z.number().int(), example: z.string().nullable() }));

/** Work that goes on in the background: a bulk action, a seeding, a replay. */
export const galleryTaskSchema = z.object({
  /** `null`: it was a dry run, nothing was asked for. */
  id: z.string().nullable(),
  kind: z.enum(['bulk', 'seed', 'replay', 'sim']),
  state: z.enum(['preview', 'running', 'done', 'failed']),
  dryRun: z.boolean(),
  /** Bots that match, or are to be there in the end. */
  total: z.number().int(),
  done: z.number().int(),
  /** Those that changed or were made; the rest of `done` was as wanted before. */
  changed: z.number().int(),
  refused: refusals,
  /** For a stopping action: whether every owner has confirmed. */
  confirmed: z.boolean().nullable(),
  error: z.string().nullable(),
  result: z.record(z.string(), z.unknown()).nullable(),
  createdAt: z.iso.datetime(),
  finishedAt: z.iso.datetime().nullable(),
});
export type GalleryTask = z.infer<typeof galleryTaskSchema>;

export const seedSchema = z.strictObject({
  count: z.number().int().min(1).max(100_000),
  seed: z.number().int().min(0).max(0xff_ff_ff_ff).default(1),
  /** Only these personas, by their weights; all of the project otherwise. */
  personas: z.array(z.string().max(40)).min(1).max(500).optional(),
  targetId: z.string().max(40).default('sandbox'),
  start: z.boolean().default(false),
  dryRun: z.boolean().default(false),
});
export type Seed = z.input<typeof seedSchema>;
