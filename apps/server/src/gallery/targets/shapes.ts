import { z } from 'zod';
import type { Author, Comment, Item } from '#gallery/model';

/** An answer that does not say what the contract promises. `missing`: a key that names what was asked for is not there at all. */
export class Misfit extends Error {
  override readonly name = 'Misfit';
  readonly missing: boolean;

  constructor(detail: string, missing = false) {
    super(detail);
    this.missing = missing;
  }
}

/* Read leniently: what is not needed may be missing, null or of another kind; what is unknown is ignored. */
// An id becomes a step of a path; two dots would lead out of the list of calls that are ours to make.
const isStep = (id: string): boolean => !/^\.{1,2}$/.test(id);
const idText = z.union([z.string().min(1).max(500).refine(isStep), z.number().transform(String)]);
const text = z.string().catch('');
const count = z.number().int().min(0).catch(0);
const texts = z.array(z.string()).catch([]);
const time = z
  .union([z.string(), z.number()])
  .transform((value) => (typeof value === 'number' ? value : Date.parse(value)))
  .pipe(z.number())
  // 0 = the target does not say when.
  .catch(0);

const authorShape = z
  .object({
    id: idText.catch(''),
    username: z.string().min(1),
    name: text,
    isAgent: z.boolean().optional().catch(undefined),
  })
  .transform(
    ({ id, username, name, isAgent }): Author => ({
      id,
      username,
      name: name === '' ? username : name,
      ...(isAgent === undefined ? {} : { isAgent }),
    }),
  )
  .nullable()
  .catch(null);

const itemShape = z.object({
  id: idText,
  title: text,
  description: text,
  category: z.string().nullable().catch(null),
  tags: texts,
  likeCount: count,
  commentCount: count,
  viewCount: count,
  isLiked: z.boolean().catch(false),
  createdAt: time,
  user: authorShape,
  imageUrl: z.string().min(1).optional().catch(undefined),
  image: z
    .object({ id: idText.optional().catch(undefined), url: z.string().min(1).optional().catch(undefined) })
    .nullable()
    .catch(null),
  alt: z.string().optional().catch(undefined),
  imagePrompt: z.string().optional().catch(undefined),
  facts: z.array(z.string()).optional().catch(undefined),
});

const commentShape = z.object({ id: idText, content: text, createdAt: time, user: authorShape });

/** `urlOf` makes what the target says of its picture an address: its URL against the base, else that of its content by id. */
export type UrlOf = (image: { url?: string | undefined; id?: string | undefined }) => string | null;

export function readItem(json: unknown, urlOf: UrlOf): Item {
  const read = itemShape.safeParse(json);
  if (!read.success) throw new Misfit('an item without an id');
  const { user, image, imageUrl, alt, imagePrompt, facts, ...item } = read.data;
  return {
    ...item,
    author: user,
    imageUrl: urlOf({ url: imageUrl ?? image?.url, id: image?.id }),
    ...(alt === undefined ? {} : { alt }),
    ...(imagePrompt === undefined ? {} : { imagePrompt }),
    ...(facts === undefined ? {} : { facts }),
  };
}

export function readComment(json: unknown): Comment {
  const read = commentShape.safeParse(json);
  if (!read.success) throw new Misfit('a comment without an id');
  const { user, ...comment } = read.data;
  return { ...comment, author: user };
}

/** `member`: the value of a key that must be there. */
export function member(json: unknown, key: string): unknown {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new Misfit('the answer is not an object');
  if (!Object.hasOwn(json, key))
    throw new Misfit(`it has no ${key}, but ${Object.keys(json).slice(0, 8).join(', ') || 'nothing'}`, true);
  return Reflect.get(json, key);
}

/** Every entry of a list, read; those that cannot be are left out, unless that is all of them. */
export function list<T>(json: unknown, key: string, read: (entry: unknown) => T): T[] {
  const entries = member(json, key);
  if (!Array.isArray(entries)) throw new Misfit(`${key} is not a list`);
  const good = entries.flatMap((entry: unknown) => {
    try {
      return [read(entry)];
    } catch (error) {
      if (error instanceof Misfit) return [];
      throw error;
    }
  });
  if (entries.length > 0 && good.length === 0) throw new Misfit(`nothing in ${key} can be read`);
  return good;
}

export const likedShape = z.object({ liked: z.boolean() });
export const uploadShape = z.object({
  uploadUrl: z.string().min(1).max(8_192),
  imageId: idText,
  storageKey: z.string().max(2_048),
  /** Where the picture will be, when the target says so. */
  imageUrl: z.string().min(1).optional().catch(undefined),
});
export const confirmedShape = z.object({ imageUrl: z.string().min(1).optional().catch(undefined) });
export const executedShape = z.object({
  status: z.string().optional().catch(undefined),
  imageUrls: z.array(z.string().min(1)).min(1),
  imageIds: z.array(idText).optional().catch(undefined),
});
export const invitedShape = z.object({ id: idText, username: z.string().optional().catch(undefined) });

/** A small answer, as `shape` has it. */
export function readAs<T extends z.ZodType>(shape: T, json: unknown, what: string): z.output<T> {
  const read = shape.safeParse(json);
  if (!read.success) throw new Misfit(`${what}: ${read.error.issues[0]?.message ?? 'of another shape'}`);
  return read.data;
}
