import type { Entry } from '../queries/items.ts';

const hourMs = 3_600_000;
/** Weight against age: weight / (age h + 2)^1.5. */
export const trendOf = (weight: number, createdAt: number, now: number): number =>
  weight / (Math.max(0, now - createdAt) / hourMs + 2) ** 1.5;

export type Wanted = {
  sort: 'recent' | 'popular' | 'trending';
  category: string | null;
  peopleOnly: boolean;
  hidden: readonly string[];
  limit: number;
  offset: number;
};

/** Newest first, then by id: the order of everything that is equal otherwise. */
const newer = (a: Entry, b: Entry): number => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1);

/** A slice of an order, from all items of a gallery. As Postgres ranks them. */
export function rankedIds(entries: Iterable<Entry>, wanted: Wanted, now: number): string[] {
  const { sort, category, peopleOnly, hidden, limit, offset } = wanted;
  const chosen: { entry: Entry; by: number }[] = [];
  for (const entry of entries) {
    if (category !== null && entry.category !== category) continue;
    if (peopleOnly && entry.byAgent) continue;
    if (hidden.includes(entry.accountId)) continue;
    const { weight, createdAt, likes } = entry;
    chosen.push({
      entry,
      by: sort === 'recent' ? createdAt : sort === 'popular' ? likes : trendOf(weight, createdAt, now),
    });
  }
  return best(chosen, offset + limit)
    .slice(offset)
    .map(({ entry }) => entry.id);
}

const before = (a: { entry: Entry; by: number }, b: { entry: Entry; by: number }): number =>
  b.by - a.by || newer(a.entry, b.entry);

/** The first `count` in order, without sorting the rest: a heap whose root is the worst of those kept. */
function best(all: readonly { entry: Entry; by: number }[], count: number): { entry: Entry; by: number }[] {
  if (count * 4 >= all.length) return all.toSorted(before).slice(0, count);
  const heap = all.slice(0, count);
  const worse = (i: number, j: number): boolean => {
    const [a, b] = [heap[i], heap[j]];
    return a !== undefined && b !== undefined && before(a, b) > 0;
  };
  const sink = (from: number): void => {
    for (let i = from; ; ) {
      let worst = i;
      for (const child of [2 * i + 1, 2 * i + 2]) if (child < count && worse(child, worst)) worst = child;
      if (worst === i) return;
      const [a, b] = [heap[i], heap[worst]];
      if (a && b) [heap[i], heap[worst]] = [b, a];
      i = worst;
    }
  };
  for (let i = (count >> 1) - 1; i >= 0; i--) sink(i);
  for (const one of all.slice(count)) {
    const root = heap[0];
    if (!root || before(one, root) > 0) continue;
    heap[0] = one;
    sink(0);
  }
  return heap.sort(before);
}
