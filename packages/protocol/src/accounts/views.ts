import { z } from 'zod';

export const viewLimits = {
  nameLengthMax: 80,
  pageLengthMax: 100,
  searchLengthMax: 4096,
  perPersonMax: 200,
  perProjectMax: 200,
} as const;

/** What a list was narrowed to, under a name: of one person, or of all people of the project. */
export const viewSchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  page: z.string().describe('Path of the console, such as builds/workers.'),
  search: z.string().describe('What stands behind the question mark in the address.'),
  shared: z.boolean().describe('For everybody in the project.'),
  createdBy: z.string(),
  updatedAt: z.iso.datetime(),
});
export type View = z.infer<typeof viewSchema>;

export const viewBody = z.strictObject({
  name: z.string().trim().min(1).max(viewLimits.nameLengthMax),
  page: z
    .string()
    .max(viewLimits.pageLengthMax)
    .regex(/^[a-z0-9-]+(?:\/[a-z0-9-]+)*$/, 'a path of the console, such as builds/workers'),
  search: z.string().max(viewLimits.searchLengthMax),
  shared: z.boolean().default(false),
});
