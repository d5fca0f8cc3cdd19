import { z } from 'zod';
import { activityTypes } from './activity-types.ts';

export const activitySchema = z.object({
  /** Goes up in the order of a project's feed. */
  seq: z.number().int(),
  id: z.string(),
  botId: z.string().nullable(),
  botName: z.string().nullable(),
  personaId: z.string().nullable(),
  type: z.enum(activityTypes),
  emoji: z.string(),
  message: z.string(),
  at: z.iso.datetime(),
  /** Always: nothing here was done by a person. */
  automated: z.literal(true),
  thoughtId: z.string().optional(),
  data: z
    .object({
      itemId: z.string(),
      commentId: z.string(),
      targetId: z.string(),
      targetUser: z.string(),
      decision: z.string(),
      reason: z.string(),
      costMicros: z.number(),
      tokensIn: z.number(),
      tokensOut: z.number(),
      mind: z.string(),
      latencyMs: z.number(),
    })
    .partial(),
});
export type Activity = z.infer<typeof activitySchema>;
export type ActivityData = Activity['data'];
