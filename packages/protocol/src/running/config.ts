import { z } from 'zod';

/** One setting as it is in effect. Secrets are `set` or `not set`, never a value. */
export const settingSchema = z.object({
  name: z.string(),
  group: z.string(),
  says: z.string(),
  value: z.string(),
  default: z.string().nullable(),
  secret: z.boolean(),
  origin: z.string(),
  /** The name it was given under, when that is another one. */
  givenAs: z.string().nullable(),
});
export const configAnswerSchema = z.object({ items: z.array(settingSchema), warnings: z.array(z.string()) });
export type ConfigAnswer = z.infer<typeof configAnswerSchema>;
