import { z } from 'zod';
import { desiredStates, galleryBotStates } from './bot-state.ts';
import { actKinds } from './limits.ts';
import { gateSchema } from './target.ts';

const time = z.iso.datetime();
const countBy = z.record(z.string(), z.number().int());

export const fleetSchema = z.object({
  projectId: z.string(),
  bots: z.number().int(),
  states: z.record(z.enum(galleryBotStates), z.number().int()),
  desired: z.record(z.enum(desiredStates), z.number().int()),
  /** Bots that are not deleted; `null` persona is `custom`. */
  personas: z.array(
    z.object({
      id: z.string().nullable(),
      bots: z.number().int(),
      running: z.number().int(),
      sleeping: z.number().int(),
      paused: z.number().int(),
      error: z.number().int(),
      idle: z.number().int(),
    }),
  ),
  /** Why bots wait, of those that should run. */
  waiting: countBy,
  gate: gateSchema,
  panic: z.object({ by: z.string(), reason: z.string(), at: time }).nullable(),
  targets: z.array(
    z.object({ id: z.string(), kind: z.string(), gate: gateSchema, share: z.number(), acknowledged: z.boolean() }),
  ),
  seed: z.number().int(),
  mind: z.object({
    name: z.string(),
    fallback: z.string().nullable(),
    /** The badge of a mind that is not what was asked for. */
    degraded: z.string().nullable(),
    offline: z.boolean(),
  }),
  counts: z.object({
    posts: z.number().int(),
    comments: z.number().int(),
    replies: z.number().int(),
    likes: z.number().int(),
    browses: z.number().int(),
    thinks: z.number().int(),
  }),
  costMicros: z.number().int(),
  runtime: z.object({
    bots: z.number().int(),
    lagMs: z.number(),
    restoring: z.object({ done: z.number().int(), of: z.number().int() }).nullable(),
  }),
  version: z.number().int(),
});
export type GalleryFleet = z.infer<typeof fleetSchema>;

export const patchFleetSchema = z
  .strictObject({
    mind: z.string().min(1).max(200).nullable(),
    fallbackMind: z.string().min(1).max(200).nullable(),
    seed: z.number().int().min(0).max(0xff_ff_ff_ff),
  })
  .partial();
export type PatchFleet = z.infer<typeof patchFleetSchema>;

export const panicSchema = z.strictObject({ reason: z.string().trim().min(1).max(500) });
export const panicAnswerSchema = z.object({
  stoppedAt: time,
  bots: z.number().int(),
  inFlight: z.array(z.object({ botId: z.string(), thoughtId: z.string(), kind: z.string() })),
  nodes: z.array(z.object({ id: z.string(), confirmed: z.boolean() })),
});
export type PanicAnswered = z.infer<typeof panicAnswerSchema>;
export const releaseSchema = z.strictObject({
  reason: z.string().trim().min(1).max(500),
  state: z.enum(['paused', 'asBefore']).default('paused'),
});
export type Release = z.input<typeof releaseSchema>;

export const previewSchema = z.strictObject({
  mind: z.string().min(1).max(200).optional(),
  at: time.optional(),
  steps: z.number().int().min(1).max(10).default(1),
  seed: z.number().int().min(0).max(0xff_ff_ff_ff).optional(),
  /** A paid mind is asked only with this. */
  spend: z.boolean().default(false),
});
export type Preview = z.input<typeof previewSchema>;
export const previewStepSchema = z.object({
  at: time,
  candidates: z.array(z.object({ itemId: z.string(), title: z.string(), author: z.string(), score: z.number() })),
  odds: z.record(z.string(), z.number()),
  decision: z.object({
    do: z.enum([...actKinds, 'nothing']),
    on: z.number().int(),
    why: z.string(),
    text: z.string(),
    prompt: z.string(),
    caption: z.string(),
    alt: z.string(),
    tags: z.array(z.string()),
    family: z.string().optional(),
  }),
  /** What a post would show. */
  svg: z.string().nullable(),
  verdicts: z.array(z.object({ check: z.string(), ok: z.boolean(), reason: z.string().nullable() })),
  tokens: z.object({ in: z.number(), out: z.number() }),
  costMicros: z.number(),
});
export const previewAnswerSchema = z.object({ botId: z.string(), mind: z.string(), steps: z.array(previewStepSchema) });
export type PreviewAnswer = z.infer<typeof previewAnswerSchema>;

export const askSchema = z.strictObject({ question: z.string().trim().min(1).max(500) });
export const askAnswerSchema = z.object({ answer: z.string(), mind: z.string(), costMicros: z.number() });

export type AskAnswer = z.infer<typeof askAnswerSchema>;

export const simSchema = z.strictObject({
  count: z.number().int().min(1).max(10_000).default(60),
  hours: z
    .number()
    .positive()
    .max(31 * 24)
    .default(24),
  seed: z.number().int().min(0).max(0xff_ff_ff_ff).default(1),
  /** When the simulated time begins; without it, so that it ends now. */
  from: z.iso.datetime().optional(),
  /** Leave the fleet running afterwards. */
  start: z.boolean().default(true),
});
export type Sim = z.input<typeof simSchema>;
