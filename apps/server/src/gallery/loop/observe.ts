import { galleryLimits } from '@muster/protocol';
import { type Author, type Comment, type Item, TargetError } from '#gallery/model';
import type { TargetClient } from '#gallery/targets';
import { type Clock, must } from '#kernel/base';
import type { Db } from '#kernel/db';
import { wordsOf } from './memory.ts';
import { readOurNames, readPiles } from './queries/see.ts';
import type { ThinkBounds } from './think-deps.ts';
import { asService } from './with-account.ts';

/* What a target shows, read once for all bots that act there. A look that failed is not an empty gallery (I6): what was
 * seen a short while ago still serves, and nothing older does. */

export type SeenItem = Item & { words: ReadonlySet<string> };
export type Pile = { words: number; likes: number };
export type World = {
  /** When it was read. */
  at: number;
  items: readonly SeenItem[];
  byId: ReadonlyMap<string, SeenItem>;
  byAuthor: ReadonlyMap<string, readonly SeenItem[]>;
  /** What the fleet did in the last hour, counted on with what it does since. */
  piles: Map<string, Pile>;
};
type Thread = { count: number; at: number; comments: readonly Comment[] };

const feeds = [
  { sort: 'recent', limit: 40 },
  { sort: 'popular', limit: 20 },
  { sort: 'trending', limit: 20 },
] as const;
const hourMs = 3_600_000;
/** Where a target does not say who is a bot, ours are known by their names; how long those are believed. */
const oursFreshMs = 60_000;
/** What the fleet did is counted on here; other nodes and the end of the hour are seen at the next look at the rows. */
const pilesFreshMs = 60_000;
const threadsMax = 2_000;
/** Comments of a thread that are looked at, counted from its end. */
const threadTail = 40;

/** Text of a stranger, so that Postgres can store it: no NUL, no half characters. */
export const plain = (text: string): string => text.replaceAll('\u0000', '').toWellFormed();

/** At most so many UTF-16 units, never half a character. */
export const cutTo = (text: string, most: number): string =>
  text.length <= most ? text : text.slice(0, most).replace(/[\uD800-\uDBFF]$/, '');

/** One target as the whole node sees it. */
export class Watch {
  #client: TargetClient | undefined;
  readonly #db: Db;
  readonly #clock: Clock;
  readonly #written: () => Promise<void>;
  readonly #bounds: Pick<ThinkBounds, 'feedFreshMs' | 'feedStaleMs'>;
  readonly #threads = new Map<string, Thread>();
  /** Items in whose threads somebody was addressed. */
  readonly #named = new Map<string, Set<string>>();
  readonly #stop = new AbortController();
  #piles = new Map<string, Pile>();
  #pilesAt = Number.NEGATIVE_INFINITY;
  #ours: ReadonlySet<string> = new Set();
  #oursAt = Number.NEGATIVE_INFINITY;
  #world: World | undefined;
  #flight: Promise<World> | undefined;

  /** `written`: awaited before rows of the fleet are read. */
  constructor(parts: { db: Db; clock: Clock; bounds?: Partial<ThinkBounds>; written: () => Promise<void> }) {
    this.#db = parts.db;
    this.#written = parts.written;
    this.#clock = parts.clock;
    this.#bounds = { ...galleryLimits, ...parts.bounds };
  }

  /** Reads through this client from now on: it is made anew when the target's row changes. */
  through(client: TargetClient): void {
    this.#client = client;
  }

  /** At most `feedFreshMs` old (15 s); up to `feedStaleMs` (60 s) when the target cannot be read now. Older: throws what the target's client threw. */
  async look(at: number): Promise<World> {
    const known = this.#world;
    if (known && at - known.at < this.#bounds.feedFreshMs) return known;
    try {
      this.#flight ??= this.#read(at).finally(() => {
        this.#flight = undefined;
      });
      return await this.#flight;
    } catch (error) {
      if (!(error instanceof TargetError) || !known || at - known.at > this.#bounds.feedStaleMs) throw error;
      return known;
    }
  }

  /** The end of a thread as it was last read; `undefined` when it never was, or has grown since. */
  known(item: Pick<Item, 'id' | 'commentCount'>): readonly Comment[] | undefined {
    const thread = this.#threads.get(item.id);
    return thread && thread.count >= item.commentCount ? thread.comments : undefined;
  }

  /** The last comments of an item, oldest first; `undefined` when it is gone. */
  async thread(item: Pick<Item, 'id' | 'commentCount'>, signal: AbortSignal): Promise<readonly Comment[] | undefined> {
    const known = this.known(item);
    if (known) return known;
    const offset = Math.max(0, item.commentCount - threadTail);
    const client = must(this.#client, 'the client of a target');
    const found = await asService(client.thread(item.id, { limit: threadTail, offset }, signal));
    if (!found) return undefined;
    await this.#lookForOurs(client, found, this.#clock.now());
    const comments = found.map((comment) => this.#known({ ...comment, content: plain(comment.content) }));
    this.#threads.delete(item.id);
    this.#threads.set(item.id, { count: item.commentCount, at: this.#clock.now(), comments });
    for (const oldest of this.#threads.keys()) {
      if (this.#threads.size <= threadsMax) break;
      this.#threads.delete(oldest);
    }
    for (const comment of comments) for (const name of namesIn(comment)) this.#noteName(name, item.id);
    return comments;
  }

  /** Items of the present view in whose threads, as far as they were read, this name was called. */
  naming(username: string): ReadonlySet<string> {
    return this.#named.get(username) ?? new Set();
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  async #read(at: number): Promise<World> {
    const { signal } = this.#stop;
    const client = must(this.#client, 'the client of a target');
    const pages = await asService(Promise.all(feeds.map(({ sort, limit }) => client.feed(sort, { limit }, signal))));
    const all = pages.flat();
    await this.#lookForOurs(client, all, at);
    const items = new Map<string, SeenItem>();
    for (const item of all)
      if (!items.has(item.id)) items.set(item.id, seen(this.#known(item), this.#world?.byId.get(item.id)));
    if (at - this.#pilesAt >= pilesFreshMs) await this.#readPiles(client, at);
    const world: World = {
      at,
      items: [...items.values()],
      byId: items,
      byAuthor: Map.groupBy(items.values(), (item) => item.author?.username ?? ''),
      piles: this.#piles,
    };
    this.#world = world;
    for (const [name, named] of this.#named) {
      for (const itemId of named) if (!items.has(itemId)) named.delete(itemId);
      if (named.size === 0) this.#named.delete(name);
    }
    return world;
  }

  /** Only for targets that do not say of everybody whether it is a bot. */
  async #lookForOurs(client: TargetClient, by: readonly { author: Author | null }[], at: number): Promise<void> {
    if (at - this.#oursAt < oursFreshMs) return;
    if (by.every(({ author }) => author === null || author.isAgent !== undefined)) return;
    const { projectId, id: targetId } = client.row;
    const names = await readOurNames(this.#db, { projectId, targetId, most: galleryLimits.botsMax });
    // What was read before somebody of ours was known reads otherwise now.
    if (names.some((name) => !this.#ours.has(name))) this.#threads.clear();
    this.#ours = new Set(names);
    this.#oursAt = at;
  }

  /** A bot of ours is known as one, also where its target does not say so. */
  #known<T extends { author: Author | null }>(by: T): T {
    const { author } = by;
    if (author === null || author.isAgent !== undefined || !this.#ours.has(author.username)) return by;
    return { ...by, author: { ...author, isAgent: true } };
  }

  async #readPiles(client: TargetClient, at: number): Promise<void> {
    const { projectId, id: targetId } = client.row;
    await this.#written();
    const rows = await readPiles(this.#db, { projectId, targetId, since: at - hourMs });
    this.#piles = new Map(rows.map(({ itemId, ...pile }) => [itemId, pile]));
    this.#pilesAt = at;
  }

  #noteName(name: string, itemId: string): void {
    const named = this.#named.get(name) ?? new Set();
    this.#named.set(name, named.add(itemId));
  }
}

/** Names called in a text, as `@name`. */
export const namedIn = (text: string): string[] =>
  [...text.matchAll(/@([a-z0-9_]{3,30})/gi)].flatMap(([, name]) => (name === undefined ? [] : [name.toLowerCase()]));

const namesKnown = new WeakMap<Comment, readonly string[]>();
/** The same of a comment that was read: every bot that meets its thread asks. */
export function namesIn(comment: Comment): readonly string[] {
  let names = namesKnown.get(comment);
  if (!names) {
    names = comment.content.includes('@') ? namedIn(comment.content) : [];
    namesKnown.set(comment, names);
  }
  return names;
}

/** What it says seldom changes between two looks; then its words are not counted again. */
function seen(item: Item, before: SeenItem | undefined): SeenItem {
  const clean: Item = {
    ...item,
    title: plain(item.title),
    description: plain(item.description),
    tags: item.tags.map(plain),
    ...(item.alt === undefined ? {} : { alt: plain(item.alt) }),
    ...(item.imagePrompt === undefined ? {} : { imagePrompt: plain(item.imagePrompt) }),
    ...(item.facts === undefined ? {} : { facts: item.facts.map(plain) }),
  };
  if (before?.title === clean.title && before.description === clean.description)
    return { ...clean, words: before.words };
  const text = [clean.title, clean.description, clean.alt, ...clean.tags, ...(clean.facts ?? [])].join(' ');
  return { ...clean, words: wordsOf(text) };
}
