import { z } from 'zod';

/** What an activity may be, and the sign that feeds have always shown with it. */
export const activityEmoji = {
  started: '🌅',
  stopped: '💤',
  thought: '💭',
  action: '🎬',
  paused: '⏸️',
  resumed: '▶️',
  slept: '😴',
  woke: '⏰',
  post: '📸',
  comment: '💬',
  like: '❤️',
  error: '❌',
  reply: '↩️',
  browse: '👀',
  budget: '💰',
  provisioned: '🪪',
  removed: '🪪',
  skipped: '🤷',
  blocked: '🛡️',
  panic: '🛑',
  released: '🟢',
  phase: '⚖️',
  other: '•',
} as const;
export type ActivityType = keyof typeof activityEmoji;
// Object.keys loses the key type; the object above is the proof.
export const activityTypes = Object.keys(activityEmoji) as [ActivityType, ...ActivityType[]];

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
