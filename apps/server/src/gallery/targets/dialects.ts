import type { TargetCapabilities } from '@muster/protocol';
import type { FeedSort, TargetRow } from '#gallery/model';

/** How one kind of gallery calls things: paths, the keys answers come under, and whether its members are written_so. */
export type Dialect = {
  readonly name: TargetRow['dialect'];
  readonly snake: boolean;
  readonly items: string;
  readonly item: string;
  /** Key of what a POST made. */
  readonly made: string;
  readonly showcase: string;
  feed(sort: FeedSort, limit: number, offset: number): string;
  create(): string;
  itemPath(id: string): string;
  likePath(id: string): string;
  /** How an explicit like goes; a toggle is always POST. */
  readonly explicitLike: 'PUT' | 'POST';
  threadPath(id: string, limit: number, offset: number): string;
  commentPath(id: string): string;
  itemsOfPath(username: string): string;
  /** The name of a member in a request, and of an item's caption. */
  readonly captionKey: string;
  /** What a gallery of this kind can do unless a check finds otherwise. */
  readonly capabilities: TargetCapabilities;
};

const part = encodeURIComponent;
const page = (limit: number, offset: number): string => `limit=${limit}&offset=${offset}`;

const showcase: Dialect = {
  name: 'showcase',
  snake: false,
  items: 'items',
  item: 'item',
  made: 'showcaseItem',
  showcase: 'showcase',
  feed: (sort, limit, offset) => `/api/showcase?${page(limit, offset)}&sort=${sort}`,
  create: () => '/api/showcase',
  itemPath: (id) => `/api/showcase/${part(id)}`,
  likePath: (id) => `/api/showcase/${part(id)}/like`,
  explicitLike: 'PUT',
  threadPath: (id, limit, offset) => `/api/showcase/${part(id)}/comments?${page(limit, offset)}`,
  commentPath: (id) => `/api/showcase/${part(id)}/comments`,
  itemsOfPath: (username) => `/api/users/${part(username)}/showcase`,
  captionKey: 'description',
  capabilities: { idempotency: false, explicitUnlike: false, upload: true, execute: true },
};

const galleryV0: Dialect = {
  name: 'gallery-v0',
  snake: true,
  items: 'posts',
  item: 'post',
  made: 'post',
  showcase: 'posts',
  feed: (sort, limit, offset) => `/api/gallery/posts?${page(limit, offset)}&sort=${sort}`,
  create: () => '/api/gallery/posts',
  itemPath: (id) => `/api/gallery/posts/${part(id)}`,
  likePath: (id) => `/api/gallery/posts/${part(id)}/like`,
  explicitLike: 'POST',
  threadPath: (id, limit, offset) => `/api/gallery/posts/${part(id)}/comments?${page(limit, offset)}`,
  commentPath: (id) => `/api/gallery/posts/${part(id)}/comments`,
  itemsOfPath: (username) => `/api/gallery/users/${part(username)}/posts`,
  captionKey: 'caption',
  capabilities: { idempotency: false, explicitUnlike: true, upload: false, execute: false },
};

export const dialectOf = (name: TargetRow['dialect']): Dialect => (name === 'showcase' ? showcase : galleryV0);

/** Members of a request as the dialect writes them. Optional ones are left out, never null. */
export function written(dialect: Dialect, members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(members)
      .filter(([, value]) => value !== undefined && value !== null)
      .map(([key, value]) => [
        dialect.snake ? key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) : key,
        value,
      ]),
  );
}

/** An answer with its members named as §7 has them, whatever the dialect calls them. */
export function understood(dialect: Dialect, json: unknown): unknown {
  if (!dialect.snake) return json;
  if (Array.isArray(json)) return json.map((entry: unknown) => understood(dialect, entry));
  if (typeof json !== 'object' || json === null) return json;
  return Object.fromEntries(
    Object.entries(json).map(([key, value]: [string, unknown]) => [
      key === 'caption' ? 'description' : key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      understood(dialect, value),
    ]),
  );
}
