import { z } from 'zod';
import { oddsSchema } from './persona.ts';

const time = z.iso.datetime();
export const statsGroups = ['persona', 'tier', 'bot', 'hour'] as const;

const kinds = z.object({
  post: z.number(),
  comment: z.number(),
  reply: z.number(),
  like: z.number(),
  browse: z.number(),
});

const sandboxActs = z.object({ post: z.number().int(), comment: z.number().int(), like: z.number().int() });

export const galleryStatsSchema = z.object({
  from: time,
  to: time,
  by: z.enum(statsGroups).nullable(),
  groups: z.array(
    z.object({
      group: z.string().nullable(),
      bots: z.number().int(),
      states: z.record(z.string(), z.number().int()),
      thinks: z.number().int(),
      done: kinds,
      /** What was decided, in per cent of decisions, and what the odds wanted, over the same bots. */
      mix: z.object({ wanted: kinds, done: kinds }),
      skips: z.record(z.string(), z.number().int()),
      failed: z.number().int(),
      costMicros: z.number().int(),
      tokensIn: z.number().int(),
      tokensOut: z.number().int(),
    }),
  ),
  share: z.record(z.string(), z.number()),
  /** Acts in the sandbox, people and bots apart, over the whole UTC days that the window touches. */
  sandbox: z.object({ human: sandboxActs, bot: sandboxActs }),
});
export type GalleryStats = z.infer<typeof galleryStatsSchema>;

const ratio = z.number().nullable();
export const galleryEvaluationSchema = z.object({
  from: time,
  to: time,
  texts: z.number().int(),
  distinct1: ratio,
  distinct2: ratio,
  meanPairwiseJaccard: ratio,
  nearDuplicateRate: ratio,
  selfRepetition: ratio,
  questions: ratio,
  suggestions: ratio,
  praise: ratio,
  factsNamed: ratio,
  mix: z.object({ wanted: kinds, done: kinds }),
  /** Distance of the hours in which bots thought from the hours of their curves, 0 = the same. */
  hoursVsCurve: ratio,
  giniActivity: ratio,
  giniAttention: ratio,
  costPerKeptActMicros: ratio,
  sampled: z.boolean(),
});
export type GalleryEvaluation = z.infer<typeof galleryEvaluationSchema>;

export const galleryGraphSchema = z.object({
  from: time,
  to: time,
  nodes: z.array(z.object({ id: z.string(), name: z.string(), isBot: z.boolean(), persona: z.string().nullable() })),
  edges: z.array(
    z.object({ from: z.string(), to: z.string(), likes: z.number(), comments: z.number(), replies: z.number() }),
  ),
  measures: z.object({
    reciprocity: ratio,
    components: z.number().int(),
    largestComponent: z.number().int(),
    clustering: ratio,
    peoplesPostsAnswered: ratio,
    firstAnswerMsMedian: ratio,
  }),
  truncated: z.boolean(),
});
export type GalleryGraph = z.infer<typeof galleryGraphSchema>;

export const replaySchema = z.strictObject({
  from: time,
  to: time,
  botIds: z.array(z.string().max(40)).min(1).max(100).optional(),
  change: z
    .strictObject({ persona: z.string().max(40), mind: z.string().max(200), odds: oddsSchema })
    .partial()
    .refine((change) => Object.keys(change).length > 0, 'say what is to be another: persona, mind or odds'),
  /** A paid mind is asked only with this. */
  spend: z.boolean().default(false),
});
export type Replay = z.input<typeof replaySchema>;

const side = z.object({ kind: z.string(), text: z.string(), mind: z.string(), costMicros: z.number() });
export const replayedSchema = z.object({
  from: time,
  to: time,
  thoughts: z.array(
    z.object({ thoughtId: z.string(), botId: z.string(), at: time, same: z.boolean(), was: side, now: side }),
  ),
  same: z.number().int(),
  costMicros: z.object({ was: z.number(), now: z.number() }),
  /** More was recorded in the window than one replay takes: its newest part is here. */
  truncated: z.boolean(),
});
export type Replayed = z.infer<typeof replayedSchema>;
