import { z } from 'zod';
import { feedThingSchema } from './activity.ts';
import { feedAreas } from './feed.ts';

/** `GET /v1/resolve/:id`: what an id of any kind is, and where it is shown. */
export const resolvedSchema = feedThingSchema.extend({
  area: z.enum([...feedAreas, 'system']),
  /** Where the API tells it, when it does by itself. */
  api: z.string().nullable(),
  /** As the machine of its kind says, when it has one. */
  state: z.string().nullable(),
});
export type Resolved = z.infer<typeof resolvedSchema>;

export const searchQuery = z.object({
  q: z.string().trim().min(1).max(200),
  limit: z.coerce.number().int().min(1).max(50).default(20),
});
/** Best first: whole ids, beginnings of ids and names, then what holds the text. `more`: something was left out. */
export const searchAnswerSchema = z.object({ items: z.array(resolvedSchema), more: z.boolean() });
export type SearchAnswer = z.infer<typeof searchAnswerSchema>;

/** In the order they are best done in. */
export const checklistSteps = ['admin', 'key', 'worker', 'build', 'galleryBot', 'budget', 'secondPerson'] as const;
export type ChecklistStep = (typeof checklistSteps)[number];
/** True by facts of the server; a step that the credential may not see is left out. */
export const checklistSchema = z.object({
  done: z.number().int(),
  of: z.number().int(),
  items: z.array(
    z.object({
      step: z.enum(checklistSteps),
      done: z.boolean(),
      /** Where it is done, in the console. */
      path: z.string(),
    }),
  ),
});
export type Checklist = z.infer<typeof checklistSchema>;
