import { z } from 'zod';
import { attributions } from '../builds/reasons.ts';
import { desiredStates, galleryBotStates, provisionStates } from './bot-state.ts';
import { actKinds, galleryLimits as limits, tiers } from './limits.ts';
import { curveSchema, languageSchema, oddsSchema, recipesSchema, styleSchema, timezoneSchema } from './persona.ts';

export const usernameSchema = z
  .string()
  .min(limits.usernameCharsMin)
  .max(limits.usernameCharsMax)
  .regex(/^[a-z0-9_]+$/, 'expected small letters, digits and _');
export const slugSchema = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,39}$/, 'expected a slug of small letters, digits, _ and -');
/** `improv`, or a provider and its model, as `MUSTER_MIND` has it; or a name of `MUSTER_MINDS`. */
export const mindNameSchema = z.string().min(1).max(200);
const interval = z.number().int().min(limits.intervalMsMin).max(limits.intervalMsMax);

/** What a bot may say otherwise than its persona; `null` = as the persona says. */
export const traitSchemas = {
  personality: z.string().min(1).max(limits.personalityCharsMax),
  vibe: z.string().min(1).max(limits.vibeCharsMax),
  interests: z.array(z.string().min(1).max(limits.interestCharsMax)).min(1).max(limits.interestsMax),
  style: styleSchema,
  tier: z.enum(tiers),
  minIntervalMs: interval,
  maxIntervalMs: interval,
  timezone: timezoneSchema,
  curve: curveSchema,
  language: languageSchema,
  odds: oddsSchema,
  recipes: recipesSchema,
  mind: mindNameSchema,
  decide: z.enum(['mind', 'odds']),
  imageSource: z.enum(['scene', 'target', 'model']),
};
export type TraitName = keyof typeof traitSchemas;
export type Traits = { [Name in TraitName]: z.infer<(typeof traitSchemas)[Name]> };

const inherited = Object.fromEntries(
  Object.entries(traitSchemas).map(([name, schema]) => [name, schema.nullable().optional()]),
) as { [Name in TraitName]: z.ZodOptional<z.ZodNullable<(typeof traitSchemas)[Name]>> };

/** Caps of one bot a UTC day; `null` = unlimited (`gallery:admin` only), left out = the fleet's default. */
export const botCapsSchema = z
  .strictObject({
    acts: z.number().int().min(0).nullable(),
    posts: z.number().int().min(0).nullable(),
    comments: z.number().int().min(0).nullable(),
    likes: z.number().int().min(0).nullable(),
    money: z.number().int().min(0).nullable(),
    tokensIn: z.number().int().min(0).nullable(),
    tokensOut: z.number().int().min(0).nullable(),
  })
  .partial();
export type BotCaps = z.infer<typeof botCapsSchema>;

export const createBotSchema = z.strictObject({
  name: z.string().trim().min(1).max(limits.nameCharsMax),
  username: usernameSchema,
  targetId: slugSchema.default('sandbox'),
  personaId: z.string().max(40).nullable().default(null),
  disclosureLabel: z.string().trim().min(1).max(limits.disclosureLabelCharsMax).optional(),
  budget: botCapsSchema.nullable().optional(),
  seed: z.number().int().min(0).max(0xff_ff_ff_ff).optional(),
  start: z.boolean().default(false),
  ...inherited,
});
export type CreateBot = z.infer<typeof createBotSchema>;

/** `targetId` and `username` are not among them: the account on the target bears them. */
export const patchBotSchema = z
  .strictObject({
    name: z.string().trim().min(1).max(limits.nameCharsMax),
    personaId: z.string().max(40).nullable(),
    disclosureLabel: z.string().trim().min(1).max(limits.disclosureLabelCharsMax),
    budget: botCapsSchema.nullable(),
    ...inherited,
  })
  .partial();
export type PatchBot = z.infer<typeof patchBotSchema>;

const time = z.iso.datetime();
export const galleryWaitingSchema = z.object({
  reason: z.string(),
  detail: z.string(),
  attribution: z.enum(attributions),
  resumesAt: time.nullable(),
  /** What to do about it, when anything. */
  remedy: z.string().nullable(),
});
export type GalleryWaiting = z.infer<typeof galleryWaitingSchema>;

export const botCountsSchema = z.object({
  posts: z.number().int(),
  comments: z.number().int(),
  replies: z.number().int(),
  likes: z.number().int(),
  browses: z.number().int(),
  thinks: z.number().int(),
  skips: z.number().int(),
  failures: z.number().int(),
});
export type BotCounts = z.infer<typeof botCountsSchema>;

const traitFields = Object.fromEntries(
  Object.entries(traitSchemas).map(([name, schema]) => [name, schema.nullable()]),
) as { [Name in TraitName]: z.ZodNullable<(typeof traitSchemas)[Name]> };

export const galleryBotSchema = z.object({
  id: z.string(),
  projectId: z.string(),
  name: z.string(),
  username: z.string(),
  targetId: z.string(),
  personaId: z.string().nullable(),
  /** Always: a gallery bot never passes for a person. */
  isAgent: z.literal(true),
  disclosureLabel: z.string(),
  ...traitFields,
  /** The traits with what the persona and the fleet say, `mix` in per cent. */
  effective: z.object({
    ...traitSchemas,
    mix: z.object(
      Object.fromEntries(actKinds.map((kind) => [kind, z.number()])) as Record<(typeof actKinds)[number], z.ZodNumber>,
    ),
  }),
  budget: botCapsSchema.nullable(),
  seed: z.number().int(),
  seedIndex: z.number().int().nullable(),
  desired: z.enum(desiredStates),
  /** With the gates above it: a running bot below a shut gate shows what the gate makes of it. */
  state: z.enum(galleryBotStates),
  waiting: galleryWaitingSchema.nullable(),
  sleepUntil: time.nullable(),
  retryAt: time.nullable(),
  failures: z.number().int(),
  lastError: z.string().nullable(),
  nextThinkAt: time.nullable(),
  thinkNo: z.number().int(),
  provision: z.object({
    state: z.enum(provisionStates),
    detail: z.string().nullable(),
    userId: z.string().nullable(),
  }),
  counts: botCountsSchema,
  costMicros: z.number().int(),
  lastActionAt: time.nullable(),
  version: z.number().int(),
  createdAt: time,
  updatedAt: time,
  deletedAt: time.nullable(),
});
export type GalleryBot = z.infer<typeof galleryBotSchema>;

/** A record of `/v1/stream/gallery/events`: how bots that changed in the last second are now. `many`: others changed too. */
export const galleryBotChangesSchema = z.object({
  at: time,
  many: z.boolean(),
  bots: z.array(
    galleryBotSchema.pick({
      id: true,
      version: true,
      updatedAt: true,
      name: true,
      state: true,
      desired: true,
      waiting: true,
      nextThinkAt: true,
      lastActionAt: true,
      lastError: true,
      counts: true,
      costMicros: true,
    }),
  ),
});
export type GalleryBotChanges = z.infer<typeof galleryBotChangesSchema>;
