import { faultOfPattern, pageOf, pageQuery } from '@muster/protocol';
import { z } from 'zod';
import { catalogLimits as limits } from './limits.ts';

const retention = z
  .strictObject({
    maxAgeMs: z.number().int().min(1000).optional(),
    maxBytes: z.number().int().min(1).optional(),
    maxMessages: z.number().int().min(1).optional(),
  })
  .refine((rule) => Object.keys(rule).length > 0, 'At least one of maxAgeMs, maxBytes, maxMessages.')
  .describe('What is older, or more, than that goes; readers below get an explicit gap.');

export const streamShape = z.strictObject({
  path: z.string(),
  url: z.string().describe('Where it is read and written.'),
  contentType: z.string(),
  firstOffset: z.string().describe('Reading from here misses nothing that is kept.'),
  nextOffset: z.string().describe('The end.'),
  messages: z.number().int(),
  bytes: z.number().int(),
  closed: z.boolean(),
  ttlSeconds: z.number().int().nullable(),
  expiresAt: z.iso.datetime().nullable(),
  retention: retention.nullable(),
  forkedFrom: z.string().nullable(),
  followers: z.number().int().describe('Live readers on the node that answers.'),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  version: z.number().int().describe('Of its configuration, for If-Match.'),
});
export type StreamShape = z.output<typeof streamShape>;
export const streamPage = pageOf(streamShape);

const prefix = z.string().refine((text) => new TextEncoder().encode(text).length <= limits.prefixBytesMax, {
  error: `At most ${limits.prefixBytesMax} bytes.`,
});
export const listQuery = pageQuery.extend({
  prefix: prefix.default(''),
  closed: z.enum(['true', 'false']).optional(),
});
export type ListQuery = z.output<typeof listQuery>;

export const streamParams = z.strictObject({ path: z.string().min(1) });

export const changeBody = z.strictObject({
  retention: retention.nullable().optional(),
  ttlSeconds: z.number().int().min(1).max(limits.ttlSecondsMax).nullable().optional(),
  expiresAt: z.iso
    .datetime({ offset: true })
    .transform((text) => Date.parse(text))
    .nullable()
    .optional(),
});
export type ChangeBody = z.output<typeof changeBody>;

export const bulkActions = ['delete', 'close', 'retain'] as const;
export const bulkBody = z
  .strictObject({
    action: z.enum(bulkActions),
    filter: z.strictObject({ prefix: prefix.min(1) }),
    retention: retention.nullable().optional().describe('For `retain`; null takes rules away.'),
    dryRun: z.boolean().default(false).describe('Counts only.'),
  })
  .refine(({ action, retention: rule }) => (action === 'retain') === (rule !== undefined), {
    path: ['retention'],
    error: 'retain, and no other action, takes retention.',
  });
export type BulkBody = z.output<typeof bulkBody>;

export const bulkShape = z.strictObject({
  jobId: z.string(),
  action: z.enum(bulkActions),
  prefix: z.string(),
  dryRun: z.boolean(),
  state: z.enum(['queued', 'running', 'done', 'failed']),
  matched: z.number().int(),
  changed: z.number().int(),
  skipped: z.number().int().describe('Streams of rooms, and those that were refused.'),
  refused: z.array(z.strictObject({ path: z.string(), reason: z.string(), detail: z.string() })),
  createdAt: z.iso.datetime(),
  finishedAt: z.iso.datetime().nullable(),
});
export type BulkShape = z.output<typeof bulkShape>;

const publicPattern = z
  .string()
  .refine((text) => faultOfPattern(text) === undefined, { error: ({ input }) => faultOfPattern(String(input)) ?? '' });
export const settingsBody = z.strictObject({
  publicRead: z
    .array(publicPattern)
    .max(limits.publicPatternsMax)
    .describe('Paths anybody may read: `*` is one segment, `**` any number. Prefixes of rooms only where named.'),
});
export type SettingsBody = z.output<typeof settingsBody>;
export const settingsShape = settingsBody.extend({ version: z.number().int() });
export type SettingsShape = z.output<typeof settingsShape>;
