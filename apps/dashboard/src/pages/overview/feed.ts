import type { ActivityPage } from '@muster/protocol';
import {
  buildFeedEntry,
  type FeedArea,
  type FeedEntry,
  galleryFeedEntry,
  projectFeedEntry,
} from '@muster/protocol/running';

/** The rows that are kept; older ones are a page of their own. */
export const feedRowsMax = 200;
/** Above this many in a second nobody reads them one by one. */
const perSecondMax = 20;

export type FeedRow =
  | { readonly kind: 'entry'; readonly key: string; readonly entry: FeedEntry }
  | {
      readonly kind: 'more';
      readonly key: string;
      readonly area: FeedArea;
      readonly count: number;
      readonly at: string;
    };

/** Newest first, each once, no more than are kept. */
export function mergeFeed(held: readonly FeedEntry[], come: readonly FeedEntry[]): readonly FeedEntry[] {
  if (come.length === 0) return held;
  const known = new Set(held.map(({ id }) => id));
  const fresh = come.filter(({ id }) => !known.has(id) && known.add(id));
  if (fresh.length === 0) return held;
  return [...fresh, ...held].toSorted((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0)).slice(0, feedRowsMax);
}

/** Rows for the eye: what came faster than it can be read stands as one row with its number. */
export function feedRows(entries: readonly FeedEntry[]): FeedRow[] {
  const groups = new Map<string, FeedEntry[]>();
  for (const entry of entries) {
    const name = `${entry.area} ${entry.at.slice(0, 19)}`;
    const group = groups.get(name);
    if (group) group.push(entry);
    else groups.set(name, [entry]);
  }
  return [...groups].flatMap(([name, group]): FeedRow[] => {
    const [first] = group;
    if (!first || group.length <= perSecondMax) return group.map((entry) => ({ kind: 'entry', key: entry.id, entry }));
    return [{ kind: 'more', key: name, area: first.area, count: group.length, at: first.at }];
  });
}

type Reader = (record: never) => FeedEntry;

/** How records of each stream become entries; those of the project's own are of people and of streams. */
const readers = {
  builds: buildFeedEntry,
  gallery: galleryFeedEntry,
  streams: projectFeedEntry,
  people: projectFeedEntry,
} satisfies Record<FeedArea, Reader>;

/** Entries of the areas that are shown, newest last, as they came. */
export function entriesOf(area: FeedArea, records: readonly unknown[], shown: FeedArea | undefined): FeedEntry[] {
  const read = readers[area] as (record: unknown) => FeedEntry;
  return records.map(read).filter((entry) => shown === undefined || entry.area === shown);
}

/** Which streams to follow; people and streams share one. */
export const feedStreams = (page: ActivityPage | undefined): ActivityPage['streams'] => {
  const seen = new Set<string>();
  return (page?.streams ?? []).filter(({ path }) => !seen.has(path) && seen.add(path));
};
