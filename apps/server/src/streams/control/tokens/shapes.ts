import { faultOfPattern } from '@muster/protocol';
import { z } from 'zod';
import { browserOperations } from '#kernel/auth';
import { tokenLimits as limits } from './limits.ts';

const pattern = z
  .string()
  .refine((text) => faultOfPattern(text) === undefined, { error: ({ input }) => faultOfPattern(String(input)) ?? '' });
const printable = /^[\x21-\x7e]+$/;

const paths = z
  .array(pattern)
  .min(1)
  .max(limits.pathsMax)
  .describe('Stream paths: `*` is one segment, `**` any number of them.');
const operations = z.array(z.enum(browserOperations)).min(1).max(browserOperations.length);
const ttlMs = z.number().int().min(limits.ttlMsMin).max(limits.ttlMsMax);

export const newTokenBody = z.strictObject({
  paths,
  operations,
  ttlMs: ttlMs.default(limits.ttlMsDefault),
  producerPrefix: z
    .string()
    .max(limits.producerPrefixCharsMax)
    .regex(printable, 'printable ASCII without spaces')
    .optional()
    .describe('Appends need a producer whose id begins so.'),
  renewable: z.boolean().default(false).describe('May be exchanged for a fresh one, until a day after this.'),
  subject: z
    .string()
    .min(1)
    .max(limits.subjectCharsMax)
    .optional()
    .describe('Your name for the end user; all tokens of one are revoked together.'),
});
export type NewTokenBody = z.output<typeof newTokenBody>;

export const renewBody = z.strictObject({
  paths: paths.optional(),
  operations: operations.optional(),
  ttlMs: ttlMs.default(limits.ttlMsDefault),
});
export type RenewBody = z.output<typeof renewBody>;

export const tokenShape = z.strictObject({
  token: z.string().describe('A JWT (EdDSA); its keys are at /v1/jwks.json.'),
  expiresAt: z.iso.datetime(),
  refreshAt: z.iso.datetime().describe('A good moment to ask for the next one.'),
});
export type TokenShape = z.output<typeof tokenShape>;

export const endUserParams = z.strictObject({ id: z.string().min(1).max(limits.subjectCharsMax) });

export const keySetShape = z.strictObject({ keys: z.array(z.record(z.string(), z.string())) });
