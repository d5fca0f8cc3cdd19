import type { Db, Reader } from '#kernel/db';
import type { Changes } from './changes.ts';
import { sandboxLimits as limits } from './limits.ts';
import {
  type ItemRow,
  popularIds,
  popularIdsOfPeople,
  type Ranked,
  readItems,
  recentIds,
  recentIdsOfPeople,
  type Slice,
  weightiestIds,
  weightiestIdsOfPeople,
} from './queries/items.ts';

export type FeedOrder = {
  projectId: string;
  sort: 'recent' | 'popular' | 'trending';
  category: string | null;
  peopleOnly: boolean;
  hidden: readonly string[];
  limit: number;
  offset: number;
};
/** A page of a feed. `bytes`: what the first to need it made of it for everybody who sees it alike. */
export type FeedPage = { rows: readonly ItemRow[]; bytes?: Uint8Array };

const hourMs = 3_600_000;
/** Time and weight against each other, as the sandbox has always said it: (weight) / (age h + 2)^1.5. */
export const trendOf = (weight: number, createdAt: number, now: number): number =>
  weight / (Math.max(0, now - createdAt) / hourMs + 2) ** 1.5;

/**
 * Pages of feeds. A page is kept until something of its project changes, or for a second; `trending` moves with time alone,
 * so it is ranked as of whole seconds: a function of the rows and the clock, for any number of readers.
 */
export class Feeds {
  readonly #db: Db;
  readonly #changes: Changes;
  readonly #kept = new Map<string, { revision: string; at: number; page: Promise<FeedPage> }>();

  constructor(db: Db, changes: Changes) {
    this.#db = db;
    this.#changes = changes;
  }

  page(order: FeedOrder, now: number): Promise<FeedPage> {
    const { projectId, sort, category, peopleOnly, hidden, limit, offset } = order;
    const key = [projectId, sort, category, peopleOnly, hidden.join(), limit, offset].join(' ');
    const revision = this.#changes.revision(projectId);
    const known = this.#kept.get(key);
    const second = Math.floor(now / limits.feedPageTtlMs);
    if (known && known.revision === revision && known.at === second) return known.page;
    const page = this.#read(order, second * limits.feedPageTtlMs);
    this.#kept.delete(key);
    this.#kept.set(key, { revision, at: second, page });
    if (this.#kept.size > limits.feedPagesMax) {
      const oldest = this.#kept.keys().next().value;
      if (oldest !== undefined) this.#kept.delete(oldest);
    }
    page.catch(() => this.#kept.delete(key));
    return page;
  }

  async #read(order: FeedOrder, now: number): Promise<FeedPage> {
    const { projectId, sort, peopleOnly } = order;
    return this.#db.together(async (reader) => {
      const slice: Slice = order;
      const ids =
        sort === 'trending'
          ? await trendingIds(reader, order, now)
          : sort === 'popular'
            ? await (peopleOnly ? popularIdsOfPeople : popularIds)(reader, slice)
            : await (peopleOnly ? recentIdsOfPeople : recentIds)(reader, slice);
      const rows = await itemsInOrder(
        reader,
        projectId,
        ids.map(({ id }) => id),
      );
      return { rows };
    });
  }
}

/** Items in the order of their ids; those that went meanwhile are left out. */
export async function itemsInOrder(reader: Reader, projectId: string, ids: readonly string[]): Promise<ItemRow[]> {
  if (ids.length === 0) return [];
  const found = new Map((await readItems(reader, projectId, ids)).map((row) => [row.id, row]));
  return ids.flatMap((id) => found.get(id) ?? []);
}

const firstDepth = 256;

/**
 * The exact best by trend, from two lists that indexes give: newest first and weightiest first (the threshold algorithm of
 * Fagin, Lotem and Naor, 2001). What neither list has shown yet is no newer than the last of the one and no weightier than
 * the last of the other, so once the wanted ones beat that, no other item can. Otherwise both are read eight times deeper.
 */
async function trendingIds(reader: Reader, order: FeedOrder, now: number): Promise<Ranked[]> {
  const { limit, offset, peopleOnly } = order;
  const wanted = limit + offset;
  for (let depth = Math.max(firstDepth, 2 * wanted); ; depth *= 8) {
    const slice = { ...order, limit: depth, offset: 0 };
    const [newest, weightiest] = await Promise.all([
      (peopleOnly ? recentIdsOfPeople : recentIds)(reader, slice),
      (peopleOnly ? weightiestIdsOfPeople : weightiestIds)(reader, slice),
    ]);
    const all = newest.length < depth;
    const seen = new Map([...newest, ...(all ? [] : weightiest)].map((one) => [one.id, one]));
    const ranked = [...seen.values()]
      .map((one) => ({ one, trend: trendOf(one.weight, one.createdAt.getTime(), now) }))
      .sort((a, b) => b.trend - a.trend || b.one.createdAt.getTime() - a.one.createdAt.getTime() || (a.one.id < b.one.id ? 1 : -1));
    const last = ranked[wanted - 1];
    const oldest = newest.at(-1);
    const lightest = weightiest.at(-1);
    const bound = oldest && lightest ? trendOf(lightest.weight, oldest.createdAt.getTime(), now) : 0;
    if (all || (last && last.trend > bound)) return ranked.slice(offset, wanted).map(({ one }) => one);
  }
}
