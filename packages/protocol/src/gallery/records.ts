import { z } from 'zod';
import { activitySchema } from './activity.ts';

const time = z.iso.datetime();

/** One side effect, of which there is never a second. */
export const galleryActionSchema = z.object({
  thoughtId: z.string(),
  botId: z.string(),
  targetId: z.string(),
  kind: z.enum(['post', 'comment', 'reply', 'like', 'unlike']),
  itemId: z.string().nullable(),
  parentId: z.string().nullable(),
  content: z.string(),
  imageBlob: z.string().nullable(),
  state: z.enum(['open', 'done', 'failed', 'dropped']),
  outcome: z.string().nullable(),
  remoteId: z.string().nullable(),
  openedAt: time,
  closedAt: time.nullable(),
});
export type GalleryAction = z.infer<typeof galleryActionSchema>;

/** Why it did that. */
export const galleryDecisionSchema = z.object({
  thoughtId: z.string(),
  botId: z.string(),
  at: time,
  kind: z.string(),
  why: z.string(),
  mind: z.string(),
  result: z.string(),
  reason: z.string().nullable(),
  tokensIn: z.number().int(),
  tokensOut: z.number().int(),
  costMicros: z.number().int(),
  latencyMs: z.number().int(),
  body: z.record(z.string(), z.unknown()),
});
export type GalleryDecision = z.infer<typeof galleryDecisionSchema>;

/** One think from its reason to its effect. Decisions and activity are kept for some days, the ledger for longer. */
export const galleryThoughtSchema = z.object({
  thoughtId: z.string(),
  botId: z.string(),
  decision: galleryDecisionSchema.nullable(),
  action: galleryActionSchema.nullable(),
  activity: z.array(activitySchema),
});
export type GalleryThought = z.infer<typeof galleryThoughtSchema>;

export const galleryMemorySchema = z.object({
  id: z.string(),
  kind: z.enum(['saw', 'made', 'said', 'heard', 'liked', 'reflected']),
  text: z.string(),
  itemId: z.string().nullable(),
  person: z.string().nullable(),
  importance: z.number().int(),
  at: time,
  usedAt: time,
});
export type GalleryMemory = z.infer<typeof galleryMemorySchema>;

export const galleryRelationSchema = z.object({
  person: z.string(),
  isBot: z.boolean(),
  affinity: z.number(),
  seen: z.number().int(),
  exchanged: z.number().int(),
  lastAt: time,
});
export type GalleryRelation = z.infer<typeof galleryRelationSchema>;

/** A UTC day of one bot. */
export const gallerySpendSchema = z.object({
  day: z.iso.date(),
  thinks: z.number().int(),
  acted: z.number().int(),
  tokensIn: z.number().int(),
  tokensOut: z.number().int(),
  costMicros: z.number().int(),
});
export type GallerySpend = z.infer<typeof gallerySpendSchema>;
