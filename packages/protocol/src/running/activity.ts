import { z } from 'zod';
import { pageOf, pageQuery } from '../base/paging.ts';
import { thingKinds } from './console-paths.ts';
import { type FeedEntry, feedAreas, feedTones } from './feed.ts';

const moment = z.iso.datetime({ offset: true });

/** `area` and `kind` take several words with commas; a kind that ends in `.*` takes all below it. */
export const activityQuery = pageQuery.extend({
  area: z.string().max(100).optional(),
  kind: z.string().max(500).optional(),
  actor: z.string().max(200).optional(),
  /** Anywhere in the sentence, small and capital letters alike. */
  q: z.string().max(200).optional(),
  since: moment.optional(),
  until: moment.optional(),
});
export type ActivityQuery = z.infer<typeof activityQuery>;

export const feedThingSchema = z.object({
  kind: z.enum(thingKinds),
  id: z.string(),
  name: z.string().nullable(),
  path: z.string(),
});
export const feedEntrySchema: z.ZodType<FeedEntry> = z.object({
  id: z.string(),
  area: z.enum(feedAreas),
  kind: z.string(),
  at: z.iso.datetime(),
  tone: z.enum(feedTones),
  text: z.string(),
  actor: z.object({ kind: z.string(), name: z.string() }).nullable(),
  subject: feedThingSchema.nullable(),
  reason: z.string().nullable(),
});

/**
 * Newest first. A page may be shorter than asked, or empty, and lead on all the same: a filter looks at a bounded number of
 * records for each page. `streams`: what to follow for what comes, of the areas that were asked for and may be read.
 */
export const activityPageSchema = pageOf(feedEntrySchema).extend({
  streams: z.array(z.object({ area: z.enum(feedAreas), path: z.string() })),
});
export type ActivityPage = z.infer<typeof activityPageSchema>;
