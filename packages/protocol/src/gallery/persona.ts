import { z } from 'zod';
import { actKinds, galleryLimits, sceneFamilies, tiers } from './limits.ts';

const { curveHighest } = galleryLimits;

export const timezoneSchema = z.string().max(64);
export const languageSchema = z
  .string()
  .regex(/^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*$/, 'expected a language tag, such as en or pt-BR');

/** Seven days, Sunday first, of 24 local hours each: how fast a bot's own time runs, 0 = asleep. */
export const curveSchema = z
  .array(z.array(z.number().min(0).max(curveHighest)).length(24, 'curve_shape: a day has 24 hours'))
  .length(7, 'curve_shape: a week has 7 days, Sunday first')
  .refine((curve) => curve.some((day) => day.some((speed) => speed > 0)), 'curve_empty: some hour must be above 0');
export type Curve = z.infer<typeof curveSchema>;

/** Weights of what a bot does, normalised where they are used. */
export const oddsSchema = z
  .strictObject(
    Object.fromEntries(actKinds.map((kind) => [kind, z.number().min(0)])) as Record<
      (typeof actKinds)[number],
      z.ZodNumber
    >,
  )
  .refine((odds) => actKinds.some((kind) => odds[kind] > 0), 'odds_empty: some weight must be above 0');
export type Odds = z.infer<typeof oddsSchema>;

export const styleSchema = z.strictObject({
  /** Words of a text, at least and at most. */
  lengthWords: z.tuple([z.number().int().min(1).max(60), z.number().int().min(1).max(60)]),
  register: z.enum(['plain', 'dry', 'warm', 'loud', 'exact', 'slow', 'terse', 'curious']),
  emoji: z.number().min(0).max(1),
  questions: z.number().min(0).max(1),
  praise: z.number().min(0).max(1),
  punctuation: z.enum(['full', 'light', 'dashes', 'exclaiming']),
});
export type Style = z.infer<typeof styleSchema>;

export const recipesSchema = z
  .partialRecord(z.enum(sceneFamilies), z.number().min(0))
  .refine(
    (recipes) => Object.values(recipes).some((weight) => weight > 0),
    'recipes_empty: some family must be above 0',
  );
export type Recipes = z.infer<typeof recipesSchema>;

const line = (max = 200): z.ZodString => z.string().min(1).max(max);
const lines = (min: number, max = 200): z.ZodArray<z.ZodString> => z.array(line()).min(min).max(max);

/** The archetype a gallery bot is drawn from. Frames are grammar rules with blanks `{name}`, each known to the lexicon or to the improv mind. */
export const personaSchema = z.strictObject({
  id: z.string().regex(/^[a-z][a-z0-9_-]{1,39}$/, 'expected a slug of 2 to 40 small letters, digits, _ and -'),
  title: line(100),
  weight: z.number().positive().max(100),
  tier: z.enum(tiers),
  timezone: timezoneSchema,
  curve: curveSchema,
  odds: oddsSchema,
  language: languageSchema,
  personality: line(galleryLimits.personalityCharsMax),
  vibe: line(galleryLimits.vibeCharsMax),
  interests: z.array(line(galleryLimits.interestCharsMax)).min(6).max(galleryLimits.interestsMax),
  style: styleSchema,
  recipes: recipesSchema,
  usernamePrefix: z.string().regex(/^[a-z][a-z0-9_]{0,14}$/),
  nameParts: z.tuple([lines(12), lines(12)]),
  motifs: lines(24),
  captionFrames: lines(12),
  commentFrames: lines(16),
  replyFrames: lines(8),
  promptFrames: lines(12),
  lexicon: z.record(z.string().regex(/^[a-z][a-z0-9_]{0,29}$/), lines(8)),
});
export type Persona = z.infer<typeof personaSchema>;
