import { z } from 'zod';
import { idSchema } from '../base/ids.ts';
import { buildLimits as limits } from './limits.ts';
import { platforms } from './platforms.ts';

export const platformSchema = z.enum(platforms);

const word = (charsMax: number): z.ZodString => z.string().min(1).max(charsMax);
export const queueNameSchema = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, 'a queue name has 1-64 of A-Z a-z 0-9 . _ -');

export const labelsSchema = (entriesMax: number): z.ZodType<Record<string, string>, Record<string, string>> =>
  z
    .record(word(limits.labelKeyCharsMax), z.string().max(limits.labelValueCharsMax))
    .refine((labels) => Object.keys(labels).length <= entriesMax, `at most ${entriesMax} entries`);

const envSchema = z
  .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'not a variable name'), z.string())
  .refine((env) => Object.keys(env).length <= limits.envEntriesMax, `at most ${limits.envEntriesMax} variables`)
  .refine(
    (env) => Object.values(env).every((value) => bytesOf(value) <= limits.envValueBytesMax),
    `a value has at most ${limits.envValueBytesMax} bytes`,
  )
  .refine(
    (env) =>
      Object.entries(env).reduce((sum, [name, value]) => sum + bytesOf(name) + bytesOf(value), 0) <= limits.envBytesMax,
    `all variables together have at most ${limits.envBytesMax} bytes`,
  );

const bytesOf = (text: string): number => new TextEncoder().encode(text).length;

export const concurrencySchema = z.strictObject({
  key: word(limits.keyCharsMax),
  limit: z.number().int().min(1).max(limits.keyLimitMax).default(1),
  mode: z.enum(['queue', 'cancelOlder']).default('queue'),
});

/** What a submitter says of a build; the field `build` of a multipart submit, or the JSON body beside `source`. */
export const buildSpecSchema = z.strictObject({
  name: word(limits.nameCharsMax).optional(),
  tags: labelsSchema(limits.tagsMax).default({}),
  queue: queueNameSchema.default('default'),
  platform: platformSchema.default('any'),
  /** Labels the worker must have, equal in key and value. */
  requires: labelsSchema(limits.requiresMax).default({}),
  priority: z.number().int().min(limits.priorityMin).max(limits.priorityMax).default(0),
  notBefore: z.iso.datetime({ offset: true }).optional(),
  queueDeadlineMs: z
    .number()
    .int()
    .min(1_000)
    .max(30 * 86_400_000)
    .optional(),
  concurrency: concurrencySchema.optional(),
  /** Name of a command configured on the worker. */
  task: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/)
    .optional(),
  /** Used only by a worker that allows commands from builds. */
  command: z.string().min(1).max(8_192).optional(),
  env: envSchema.default({}),
  /** Encrypted at rest, masked in the log, never shown again. */
  secretEnv: envSchema.default({}),
  maxRunMs: z.number().int().min(limits.maxRunMsMin).max(limits.maxRunMsMax).default(limits.maxRunMsDefault),
  attemptsMax: z.number().int().min(1).max(limits.attemptsMax).default(limits.attemptsDefault),
  retryOn: z
    .array(z.enum(['host', 'system', 'user']))
    .max(3)
    .default(['host', 'system']),
  expects: z.enum(['artifact', 'nothing']).default('artifact'),
});
export type BuildSpec = z.infer<typeof buildSpecSchema>;
export type BuildSpecInput = z.input<typeof buildSpecSchema>;

const blobSource = z.union(
  [z.strictObject({ uploadId: idSchema('upload') }), z.strictObject({ fromBuild: idSchema('build') })],
  'expected {"uploadId": "upl_…"} or {"fromBuild": "bld_…"}',
);
export const submitJsonSchema = buildSpecSchema.extend({
  source: blobSource,
  certs: blobSource.optional(),
  /** Refuse (`conflict` `no_matching_worker`) when no registered worker could ever take it. */
  failIfNoWorker: z.boolean().default(false),
});
export type SubmitJson = z.infer<typeof submitJsonSchema>;
/** The `build` field of a multipart submit. */
export const submitPartSchema = buildSpecSchema.extend({ failIfNoWorker: z.boolean().default(false) });
export type SubmitPart = z.infer<typeof submitPartSchema>;

export const retrySchema = z.strictObject({
  priority: buildSpecSchema.shape.priority.optional(),
  env: envSchema.optional(),
});
export type RetryBuild = z.infer<typeof retrySchema>;

export const changeBuildSchema = z.strictObject({
  name: word(limits.nameCharsMax).nullable().optional(),
  tags: labelsSchema(limits.tagsMax).optional(),
  priority: z.number().int().min(limits.priorityMin).max(limits.priorityMax).optional(),
  requires: labelsSchema(limits.requiresMax).optional(),
  notBefore: z.iso.datetime({ offset: true }).nullable().optional(),
});
export type ChangeBuild = z.infer<typeof changeBuildSchema>;

export const cancelBuildSchema = z.strictObject({ reason: z.string().max(500).optional() });
export type CancelBuild = z.infer<typeof cancelBuildSchema>;

export const newUploadSchema = z.strictObject({
  purpose: z.enum(['source', 'certs', 'artifact']),
  sizeBytes: z.number().int().min(1),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
});
export type NewUpload = z.infer<typeof newUploadSchema>;
