import { z } from 'zod';
import { idSchema } from '../base/ids.ts';
import { scopes } from '../base/scopes.ts';

const when = z.iso.datetime();

export const apiKeySchema = z.strictObject({
  id: idSchema('key'),
  projectId: z.string(),
  name: z.string(),
  start: z.string().nullable().describe('The first characters of the key, to know it by; null: given by a variable.'),
  scopes: z.array(z.enum(scopes)),
  addresses: z.array(z.string()),
  createdBy: z.string(),
  createdAt: when,
  expiresAt: when.nullable(),
  lastUsedAt: when.nullable(),
  lastUsedFrom: z.string().nullable().describe('The address of one of its last calls.'),
  revokedAt: when.nullable(),
  previousUntil: when.nullable().describe('Until when the secret before the last rotation works.'),
  fromEnvironment: z.boolean().describe('Given by a variable of the server; cannot be changed here.'),
});
export type ApiKey = z.infer<typeof apiKeySchema>;

/** As listed: with what it was used for in the last 24 hours. */
export const listedKeySchema = apiKeySchema.extend({
  requests: z.strictObject({
    total: z.number().int().describe('In the last 24 hours, by whole hours; seconds old.'),
    failed: z.number().int().describe('Of these, answered with 4xx or 5xx.'),
  }),
});
export type ListedKey = z.infer<typeof listedKeySchema>;

export const keyWithSecretSchema = apiKeySchema.extend({ secret: z.string().describe('Shown once.') });

/** One call of a key, as `GET /v1/keys/:id/requests` keeps the last of them. */
export const keyRequestSchema = z.strictObject({
  id: z.string(),
  at: when,
  method: z.string(),
  route: z.string().describe('As declared, without what was asked for.'),
  status: z.number().int(),
  ms: z.number(),
  address: z.string(),
  requestId: z.string(),
});
export type KeyRequest = z.infer<typeof keyRequestSchema>;
