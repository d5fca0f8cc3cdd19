import { galleryLimits } from '@muster/protocol';
import { type Comment, type Item, TargetError } from '#gallery/model';
import type { TargetClient } from '#gallery/targets';
import { type Clock, must } from '#kernel/base';
import type { Db } from '#kernel/db';
import { wordsOf } from './memory.ts';
import { readPiles } from './queries/see.ts';

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
  readonly #threads = new Map<string, Thread>();
  /** Items in whose threads somebody was addressed. */
  readonly #named = new Map<string, Set<string>>();
  readonly #stop = new AbortController();
  #piles = new Map<string, Pile>();
  #pilesAt = Number.NEGATIVE_INFINITY;
  #world: World | undefined;
  #flight: Promise<World> | undefined;

  constructor(parts: { db: Db; clock: Clock }) {
    this.#db = parts.db;
    this.#clock = parts.clock;
  }

  /** Reads through this client from now on: it is made anew when the target's row changes. */
  through(client: TargetClient): void {
    this.#client = client;
  }

  /** At most 15 s old; up to 60 s when the target cannot be read now. Older: throws what the target's client threw. */
  async look(at: number): Promise<World> {
    const known = this.#world;
    if (known && at - known.at < galleryLimits.feedFreshMs) return known;
    try {
      this.#flight ??= this.#read(at).finally(() => {
        this.#flight = undefined;
      });
      return await this.#flight;
    } catch (error) {
      if (!(error instanceof TargetError) || !known || at - known.at > galleryLimits.feedStaleMs) throw error;
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
    const found = await must(this.#client, 'the client of a target').thread(
      item.id,
      { limit: threadTail, offset },
      signal,
    );
    if (!found) return undefined;
    const comments = found.map((comment) => ({ ...comment, content: plain(comment.content) }));
    this.#threads.delete(item.id);
    this.#threads.set(item.id, { count: item.commentCount, at: this.#clock.now(), comments });
    for (const oldest of this.#threads.keys()) {
      if (this.#threads.size <= threadsMax) break;
      this.#threads.delete(oldest);
    }
    for (const { content } of comments) for (const name of namedIn(content)) this.#noteName(name, item.id);
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
    const pages = await Promise.all(feeds.map(({ sort, limit }) => client.feed(sort, { limit }, signal)));
    const items = new Map<string, SeenItem>();
    for (const item of pages.flat())
      if (!items.has(item.id)) items.set(item.id, seen(item, this.#world?.byId.get(item.id)));
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

  async #readPiles(client: TargetClient, at: number): Promise<void> {
    const { projectId, id: targetId } = client.row;
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
