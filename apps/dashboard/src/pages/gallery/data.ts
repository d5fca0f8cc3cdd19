import type { BotQuery, Client, FeedQuery, WindowQuery } from '@muster/client';
import type {
  Activity,
  GalleryAction,
  GalleryBot,
  GalleryDecision,
  GalleryMemory,
  GalleryRelation,
  GallerySpend,
  GalleryTask,
} from '@muster/protocol';
import { type QueryClient, queryOptions } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useClient } from '../../api/client.ts';
import { type Pages, usePages } from '../../api/pages.ts';

/* What the gallery's pages read. Bots and the feed are kept fresh by streams; what no stream tells says how old it may get. */

export const activityStream = 'gallery/activity';
export const botsStream = 'gallery/events';
export const botStream = (id: string): string => `gallery/bots/${id}`;
const soonMs = 15_000;

// oxlint-disable typescript/explicit-module-boundary-types -- the library's own types say more than could be written
export const fleetQuery = (client: Client) =>
  queryOptions({
    queryKey: ['gallery', 'fleet'],
    queryFn: () => client.gallery.fleet(),
    meta: { liveBy: [botsStream] },
  });

export const botQuery = (client: Client, id: string) =>
  queryOptions({
    queryKey: ['gallery', 'bots', 'one', id],
    queryFn: () => client.gallery.bots.get(id),
    meta: { liveBy: [botsStream, botStream(id)] },
  });

export const thoughtQuery = (client: Client, id: string) =>
  queryOptions({ queryKey: ['gallery', 'thought', id], queryFn: () => client.gallery.thought(id) });

/** Enough for every project: a project holds 500 personas at most. */
export const personasQuery = (client: Client) =>
  queryOptions({
    queryKey: ['gallery', 'personas'],
    queryFn: async () => {
      const items = [];
      let cursor: string | undefined;
      do {
        const page = await client.gallery.personas.list({ limit: 200, ...(cursor === undefined ? {} : { cursor }) });
        items.push(...page.items);
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
      return items;
    },
    staleTime: soonMs,
  });

export const personaQuery = (client: Client, id: string) =>
  queryOptions({ queryKey: ['gallery', 'persona', id], queryFn: () => client.gallery.personas.get(id) });

export const targetsQuery = (client: Client) =>
  queryOptions({
    queryKey: ['gallery', 'targets'],
    queryFn: async () => (await client.gallery.targets.list({ limit: 200 })).items,
    refetchInterval: soonMs,
  });

export const mindsQuery = (client: Client) =>
  queryOptions({
    queryKey: ['gallery', 'minds'],
    queryFn: async () => (await client.gallery.minds()).items,
    refetchInterval: soonMs,
  });

export const budgetQuery = (client: Client, scope: string) =>
  queryOptions({
    queryKey: ['gallery', 'budget', scope],
    queryFn: () => client.gallery.budget(scope),
    refetchInterval: soonMs,
  });

export const forecastQuery = (client: Client) =>
  queryOptions({
    queryKey: ['gallery', 'budget', 'forecast'],
    queryFn: () => client.gallery.forecast(),
    refetchInterval: soonMs,
  });

/** A window is named by its length, so that the key stays the same while time goes on. */
export const statsQuery = (client: Client, lastMs: number, by?: 'persona' | 'tier' | 'bot' | 'hour') =>
  queryOptions({
    queryKey: ['gallery', 'stats', lastMs, by ?? null],
    queryFn: () => client.gallery.stats({ ...lastWindow(lastMs), ...(by === undefined ? {} : { by }) }),
    refetchInterval: Math.max(soonMs, lastMs / 240),
  });

export const windowStatsQuery = (client: Client, window: WindowQuery, by: 'persona' | 'hour') =>
  queryOptions({
    queryKey: ['gallery', 'stats', window, by],
    queryFn: () => client.gallery.stats({ ...window, by }),
    staleTime: 60_000,
  });

export const evaluationQuery = (client: Client, window: WindowQuery) =>
  queryOptions({
    queryKey: ['gallery', 'evaluation', window],
    queryFn: () => client.gallery.evaluation(window),
    staleTime: 60_000,
  });

export const graphQuery = (client: Client, window: WindowQuery) =>
  queryOptions({
    queryKey: ['gallery', 'graph', window],
    queryFn: () => client.gallery.graph(window),
    staleTime: 60_000,
  });

export const tasksQuery = (client: Client) =>
  queryOptions({
    queryKey: ['gallery', 'tasks'],
    queryFn: async () => (await client.gallery.tasks({ limit: 10 })).items,
    // Tasks have no stream: one that runs is looked at often, the rest seldom.
    refetchInterval: ({ state }) =>
      state.data?.some((task: GalleryTask) => task.state === 'running') ? 1_000 : 30_000,
  });

export const sandboxQuery = (client: Client) =>
  queryOptions({
    queryKey: ['gallery', 'sandbox'],
    queryFn: async () => {
      const [settings, faults, reports] = await Promise.all([
        client.gallery.sandbox.settings(),
        client.gallery.sandbox.faults(),
        client.gallery.sandbox.reports(),
      ]);
      return { settings, faults: faults.items, reports: reports.items };
    },
    refetchInterval: 30_000,
  });
// oxlint-enable typescript/explicit-module-boundary-types

export function useBots(query: BotQuery): Pages<GalleryBot> {
  const client = useClient();
  return usePages({
    key: ['gallery', 'bots', 'list', query],
    read: (page) => client.gallery.bots.list({ ...query, ...page }),
    liveBy: [botsStream],
  });
}

export type FeedFilter = Pick<FeedQuery, 'persona' | 'type'> & { bot?: string };

/** The feed as it was when the page came; what comes after is followed. */
export function useFeed(query: FeedFilter, limit?: number): Pages<Activity> {
  const client = useClient();
  return usePages({
    key: ['gallery', 'activity', query],
    read: (page) => client.gallery.activity({ ...query, ...page }),
    liveBy: [query.bot === undefined ? activityStream : botStream(query.bot)],
    ...(limit === undefined ? {} : { limit }),
  });
}

const recordsKey = (id: string, kind: string, more: object = {}): readonly unknown[] => [
  'gallery',
  'records',
  id,
  kind,
  more,
];

/* What one bot did, decided, remembers, knows and spent. Each think changes all of it. */

export function useActions(id: string, state?: GalleryAction['state']): Pages<GalleryAction> {
  const { bots } = useClient().gallery;
  const more = state === undefined ? {} : { state };
  return usePages({
    key: recordsKey(id, 'actions', more),
    read: (page) => bots.actions(id, { ...more, ...page }),
    liveBy: [botStream(id)],
  });
}

export function useDecisions(id: string): Pages<GalleryDecision> {
  const { bots } = useClient().gallery;
  return usePages({
    key: recordsKey(id, 'decisions'),
    read: (page) => bots.decisions(id, page),
    liveBy: [botStream(id)],
    limit: 25,
  });
}

export function useMemory(id: string): Pages<GalleryMemory> {
  const { bots } = useClient().gallery;
  return usePages({ key: recordsKey(id, 'memory'), read: (page) => bots.memory(id, page), liveBy: [botStream(id)] });
}

export function useRelations(id: string): Pages<GalleryRelation> {
  const { bots } = useClient().gallery;
  return usePages({
    key: recordsKey(id, 'relations'),
    read: (page) => bots.relations(id, page),
    liveBy: [botStream(id)],
  });
}

export function useSpend(id: string): Pages<GallerySpend> {
  const { bots } = useClient().gallery;
  return usePages({ key: recordsKey(id, 'spend'), read: (page) => bots.spend(id, page), liveBy: [botStream(id)] });
}

/** A value that stands still for a while: what is typed is not asked for letter by letter. */
export function useSettled<T>(value: T, afterMs = 350): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), afterMs);
    return () => clearTimeout(timer);
  }, [value, afterMs]);
  return settled;
}

export function lastWindow(lastMs: number): { from: string; to: string } {
  const to = Date.now();
  return { from: new Date(to - lastMs).toISOString(), to: new Date(to).toISOString() };
}

/** The bot as the server just said it is, wherever it is shown. */
export function takeBot(queries: QueryClient, bot: GalleryBot): void {
  queries.setQueryData(['gallery', 'bots', 'one', bot.id], bot);
  void queries.invalidateQueries({ queryKey: ['gallery', 'bots', 'list'] });
  void queries.invalidateQueries({ queryKey: ['gallery', 'fleet'] });
}

/** Lets through one call at once, then at most one in a while, with a last one for what came meanwhile. */
class Seldom {
  work: () => void = () => undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #again = false;
  readonly #everyMs: number;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  readonly ask = (): void => {
    if (this.#timer !== undefined) {
      this.#again = true;
      return;
    }
    this.work();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (!this.#again) return;
      this.#again = false;
      this.ask();
    }, this.#everyMs);
  };
}

/** Calls `work` at once, then at most every `everyMs`. */
export function useSeldom(work: () => void, everyMs: number): () => void {
  const [seldom] = useState(() => ({ current: new Seldom(everyMs) }));
  useEffect(() => {
    seldom.current.work = work;
  });
  return seldom.current.ask;
}
