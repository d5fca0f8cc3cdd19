import type { Db, Reader } from '#kernel/db';
import {
  type ItemRow,
  popularIds,
  popularIdsOfPeople,
  readItems,
  recentIds,
  recentIdsOfPeople,
  trendingIds,
  trendingIdsOfPeople,
} from '../queries/items.ts';
import { Board, type KeptItem } from './board.ts';
import type { Changes } from './changes.ts';
import { sandboxLimits as limits } from './limits.ts';
import { rankedIds, trendOf, type Wanted } from './ranking.ts';

export type FeedOrder = Wanted & { projectId: string };
/** A page of a feed. `bytes`: what the first to need it made of it for everybody who sees it alike. */
export type FeedPage = { items: readonly KeptItem[]; bytes?: Uint8Array };

/**
 * Pages of feeds. A page is kept until something of its project changes; `trending` moves with time alone, so it is ranked
 * as of whole seconds: a function of the rows and the clock, for any number of readers.
 */
export class Feeds implements Disposable {
  readonly #db: Db;
  readonly #changes: Changes;
  readonly #boards = new Map<string, Board>();
  readonly #kept = new Map<string, { revision: string; second: number; page: Promise<FeedPage> }>();
  readonly #listening: Disposable;

  constructor(db: Db, changes: Changes) {
    this.#db = db;
    this.#changes = changes;
    this.#listening = changes.listen(
      (change) => this.#boards.get(change.projectId)?.note(change),
      () => {
        for (const board of this.#boards.values()) board.lose();
      },
    );
  }

  page(order: FeedOrder, now: number): Promise<FeedPage> {
    const { projectId, sort, category, peopleOnly, hidden, limit, offset } = order;
    const key = [projectId, sort, category, peopleOnly, hidden.join(), limit, offset].join(' ');
    const revision = this.#changes.revision(projectId);
    const known = this.#kept.get(key);
    const second = sort === 'trending' ? Math.floor(now / 1_000) : 0;
    if (known && known.revision === revision && known.second === second) return known.page;
    const page = this.#read(order, second * 1_000);
    const entry = { revision, second, page };
    this.#kept.delete(key);
    this.#kept.set(key, entry);
    if (this.#kept.size > limits.feedPagesMax) {
      const oldest = this.#kept.keys().next().value;
      if (oldest !== undefined) this.#kept.delete(oldest);
    }
    page.catch(() => {
      if (this.#kept.get(key) === entry) this.#kept.delete(key);
    });
    return page;
  }

  /** These items, in this order; those that are gone are left out. */
  items(projectId: string, ids: readonly string[]): Promise<KeptItem[]> {
    const board = this.#board(projectId);
    return board.with(() => board.items(ids));
  }

  async #read(order: FeedOrder, now: number): Promise<FeedPage> {
    const board = this.#board(order.projectId);
    return board.with(async ({ entries }) => {
      const ids = entries ? rankedIds(entries.values(), order, now) : await this.#rankedByRows(order, now);
      return { items: await board.items(ids) };
    });
  }

  #board(projectId: string): Board {
    let board = this.#boards.get(projectId);
    if (!board) {
      if (this.#boards.size >= limits.boardsMax) this.#boards.clear();
      board = new Board(this.#db, projectId);
      this.#boards.set(projectId, board);
    }
    return board;
  }

  async #rankedByRows(order: FeedOrder, now: number): Promise<string[]> {
    const { sort, peopleOnly } = order;
    if (sort === 'recent') return (peopleOnly ? recentIdsOfPeople : recentIds)(this.#db, order);
    if (sort === 'popular') return (peopleOnly ? popularIdsOfPeople : popularIds)(this.#db, order);
    return trending(this.#db, order, now);
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
  }
}

const firstDepth = 512;

/**
 * The exact best by trend out of very many, from two lists that indexes give: newest first and weightiest first (the
 * threshold algorithm of Fagin, Lotem and Naor, 2001). What neither list has shown is no newer than the last of the one and
 * no weightier than the last of the other, so once the wanted ones beat that, no other item can. Otherwise both are read
 * four times deeper.
 */
async function trending(reader: Reader, order: FeedOrder, now: number): Promise<string[]> {
  const { limit, offset, peopleOnly } = order;
  const wanted = limit + offset;
  for (let depth = Math.max(firstDepth, 2 * wanted); ; depth *= 4) {
    const rank = peopleOnly ? trendingIdsOfPeople : trendingIds;
    const { ids, last, seen, oldest, lightest } = await rank(
      reader,
      { ...order, limit: wanted, offset: 0 },
      depth,
      new Date(now),
    );
    const bound = oldest === null || lightest === null ? 0 : trendOf(lightest, oldest.getTime(), now);
    if (seen < depth || (ids.length === wanted && last !== null && last > bound)) return ids.slice(offset);
  }
}

/** Items in the order of their ids; those that went meanwhile are left out. */
export async function itemsInOrder(reader: Reader, projectId: string, ids: readonly string[]): Promise<ItemRow[]> {
  if (ids.length === 0) return [];
  const found = new Map((await readItems(reader, projectId, ids)).map((row) => [row.id, row]));
  return ids.flatMap((id) => found.get(id) ?? []);
}
