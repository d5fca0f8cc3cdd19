import { z } from 'zod';
import { slugSchema } from './bot.ts';
import { gateStates } from './bot-state.ts';
import { galleryLimits as limits } from './limits.ts';

export const targetKinds = ['sandbox', 'floimg'] as const;
export const dialects = ['showcase', 'gallery-v0'] as const;

/** How the fleet gives way to people: the share of its full rate by human actions a day. */
export const phaseOutSchema = z
  .strictObject({
    from: z.number().min(0),
    to: z.number().positive(),
    minShare: z.number().min(0).max(1).default(0),
    stepMax: z.number().positive().max(1).default(0.1),
  })
  .refine(({ from, to }) => from < to, 'from must be below to');
export type PhaseOut = z.infer<typeof phaseOutSchema>;

const changeable = {
  title: z.string().trim().min(1).max(100),
  baseUrl: z.url({ protocol: /^https?$/ }).max(500),
  /** Write-only; shown as `tokenSet`. */
  token: z.string().min(1).max(1_000).nullable(),
  legacyBotSecret: z.string().min(1).max(1_000).nullable(),
  dialect: z.enum(dialects),
  rps: z.number().positive().max(10_000),
  concurrency: z.number().int().min(1).max(256),
  quietList: z.array(z.string().min(1).max(100)).max(limits.quietListMax),
  banned: z.array(z.string().min(1).max(100)).max(limits.bannedMax),
  captionFooter: z.string().max(200).nullable(),
  deprovisionOnDelete: z.boolean(),
  phaseOut: phaseOutSchema.nullable(),
  /** A fixed share; cleared by `phaseOut`. */
  share: z.number().min(0).max(1),
};

export const createTargetSchema = z.strictObject({
  id: slugSchema,
  title: changeable.title,
  baseUrl: changeable.baseUrl,
  token: changeable.token.default(null),
  legacyBotSecret: changeable.legacyBotSecret.default(null),
  dialect: changeable.dialect.default('showcase'),
  rps: changeable.rps.default(10),
  concurrency: changeable.concurrency.default(16),
  quietList: changeable.quietList.default([]),
  banned: changeable.banned.default([]),
  captionFooter: changeable.captionFooter.default(null),
  deprovisionOnDelete: changeable.deprovisionOnDelete.default(false),
  phaseOut: changeable.phaseOut.default(null),
  share: changeable.share.default(1),
});
export const patchTargetSchema = z.strictObject(changeable).partial();

/** As a client sends them. */
export type NewTarget = z.input<typeof createTargetSchema>;
export type TargetChange = z.input<typeof patchTargetSchema>;

/** The three statements are accepted each; the host is typed, and must be that of the base URL. */
export const acknowledgeSchema = z.strictObject({
  host: z.string().min(1).max(300),
  iOperateOrHaveConsent: z.literal(true),
  usersCanSeeAutomation: z.literal(true),
  numbersKeepBotsApart: z.literal(true),
});

const time = z.iso.datetime();
export const gateSchema = z.object({
  state: z.enum(gateStates),
  until: time.nullable(),
  reason: z.string().nullable(),
});
export const galleryTargetSchema = z.object({
  id: z.string(),
  projectId: z.string(),
  kind: z.enum(targetKinds),
  title: z.string(),
  baseUrl: z.string(),
  tokenSet: z.boolean(),
  legacyBotSecretSet: z.boolean(),
  dialect: z.enum(dialects),
  capabilities: z.object({
    idempotency: z.boolean(),
    explicitUnlike: z.boolean(),
    upload: z.boolean(),
    execute: z.boolean(),
  }),
  rps: z.number(),
  concurrency: z.number().int(),
  quietList: z.array(z.string()),
  banned: z.array(z.string()),
  captionFooter: z.string().nullable(),
  deprovisionOnDelete: z.boolean(),
  phaseOut: phaseOutSchema.nullable(),
  share: z.number(),
  acknowledgement: z.object({ by: z.string(), host: z.string(), at: time, textVersion: z.number().int() }).nullable(),
  gate: gateSchema,
  health: z.object({ checkedAt: time, ok: z.boolean(), detail: z.string() }).nullable(),
  version: z.number().int(),
  createdAt: time,
  updatedAt: time,
});
export type GalleryTarget = z.infer<typeof galleryTargetSchema>;
export type TargetCapabilities = GalleryTarget['capabilities'];
