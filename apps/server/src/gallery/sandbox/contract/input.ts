import { z } from 'zod';
import { Refused } from '../room/answers.ts';
import { sandboxLimits as limits } from '../room/limits.ts';

const isText = (value: string): boolean => value.isWellFormed() && !value.includes('\0');
/** Text Postgres can hold, at most `max` code points. */
export const text = (max: number): z.ZodType<string> =>
  z
    .string()
    .refine(isText, 'holds a NUL character or half of a surrogate pair')
    .refine((value) => value.length <= max || Array.from(value).length <= max, `is longer than ${max} characters`);

/** Reads a JSON body; unknown fields are ignored, as the contract has it. A key that is `null` is refused: leave it out. */
export function readJson<T extends z.ZodType>(schema: T, body: Uint8Array | undefined): z.output<T> {
  let value: unknown;
  try {
    value =
      body === undefined || body.length === 0 ? {} : JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw new Refused(400, 'INVALID', 'The body is not JSON.');
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.slice(0, 20).map((issue) => ({
    field: issue.path.map(String).join('.'),
    message: issue.message,
  }));
  const [first] = errors;
  throw new Refused(
    400,
    'INVALID',
    first ? `${first.field || 'the body'}: ${first.message}` : 'The body is not valid.',
    {
      errors,
    },
  );
}

export const categories = ['ai-workflows', 'data-viz', 'marketing', 'utilities'] as const;
export const sorts = ['recent', 'popular', 'trending'] as const;

const whole = (min: number, max: number, otherwise: number) =>
  z
    .string()
    .regex(/^-?\d{1,9}$/, 'is not a whole number')
    .transform(Number)
    .pipe(z.number().min(min).max(max))
    .default(otherwise);

export const pageQuery = z.object({
  limit: whole(1, limits.pageItemsMax, limits.pageItemsDefault),
  offset: whole(0, limits.offsetMax, 0),
});
export const feedQuery = pageQuery.extend({
  sort: z.enum(sorts).default('recent'),
  category: z.enum(categories).optional(),
});
export const threadQuery = pageQuery.extend({ order: z.enum(['asc', 'desc']).default('asc') });

export function readQuery<T extends z.ZodType>(schema: T, query: URLSearchParams): z.output<T> {
  const parsed = schema.safeParse(Object.fromEntries(query));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Refused(
    400,
    'INVALID',
    `${issue?.path.map(String).join('.') ?? 'the query'}: ${issue?.message ?? 'not valid'}`,
  );
}

export const newItemSchema = z.object({
  imageUrl: text(2_000),
  title: text(limits.titleCharsMax).refine((title) => title.trim() !== '', 'is empty'),
  description: text(limits.descriptionCharsMax).optional(),
  category: z.enum(categories).optional(),
  workflowId: text(100).optional(),
  alt: text(limits.altCharsMax).optional(),
  tags: z.array(text(limits.tagCharsMax)).max(limits.tagsMax).optional(),
  imagePrompt: text(limits.promptCharsMax).optional(),
  facts: z.array(text(limits.factCharsMax)).max(limits.factsMax).optional(),
});
export type NewItemInput = z.output<typeof newItemSchema>;

export const newCommentSchema = z.object({
  content: z
    .string()
    .refine(isText, 'holds a NUL character or half of a surrogate pair')
    .transform((content) => content.trim())
    .refine((content) => content !== '', 'is empty')
    .refine(
      (content) => Array.from(content).length <= limits.contentCharsMax,
      `is longer than ${limits.contentCharsMax} characters`,
    ),
});

export const inviteSchema = z.object({
  agentId: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'is not an id'),
  name: text(100).refine((name) => name.trim() !== '', 'is empty'),
  username: z
    .string()
    .regex(/^[a-z0-9_]{3,30}$/, 'has 3 to 30 of a-z, 0-9 and _')
    .refine((username) => !username.startsWith('removed_'), 'may not begin with removed_'),
  isAgent: z.literal(true, 'must be true: automated accounts are disclosed here'),
  agentPersonaId: text(100).optional(),
  bio: text(2_000).optional(),
});

export const uploadSchema = z.object({
  filename: text(300),
  mimeType: z.string().max(100),
  sizeBytes: z.number().int().positive(),
});
export const confirmSchema = z.object({ imageId: z.string().max(100) });
