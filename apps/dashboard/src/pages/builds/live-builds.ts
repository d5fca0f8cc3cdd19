import type { Client } from '@muster/client';
import type { BuildEventRecord, BuildState, BuildSummary } from '@muster/protocol';
import { type InfiniteData, type QueryClient, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo } from 'react';
import { useClient } from '../../api/client.ts';
import { useFollow } from '../../live/use-live.ts';
import { buildsStream, keys } from './queries.ts';

/* What the stream of all builds changes on the screen: first what the event itself says, in the same frame; then the rows it
 * was about are read again together, because an event does not carry the whole row. */

const stateAfter: Readonly<Record<string, BuildState>> = {
  assigned: 'assigned',
  started: 'running',
  cancel_requested: 'cancelling',
  requeued: 'queued',
  succeeded: 'succeeded',
  failed: 'failed',
  cancelled: 'cancelled',
  superseded: 'cancelled',
  expired: 'failed',
};

type Change = Partial<BuildSummary>;
type Page = { items: BuildSummary[]; nextCursor: string | null };

/** Columns an event itself tells. */
export function changeOf({ type, at, term, workerId, data }: BuildEventRecord): Change {
  const state = stateAfter[type];
  const progress = data?.['progress'];
  const phase = data?.['phase'];
  return {
    ...(state === undefined ? {} : { state }),
    ...(state === undefined || term === undefined ? {} : { term }),
    ...(type === 'assigned' ? { assignedAt: at, workerId: workerId ?? null } : {}),
    ...(type === 'started' ? { startedAt: at } : {}),
    ...(state === 'succeeded' || state === 'failed' || state === 'cancelled' ? { finishedAt: at } : {}),
    ...(type === 'progress' && typeof progress === 'number' ? { progress } : {}),
    ...(type === 'progress' && typeof phase === 'string' ? { phase } : {}),
  };
}

/** Changes rows wherever lists show them, in one pass. Returns which of the builds are shown at all. */
export function patchBuilds(queries: QueryClient, changes: ReadonlyMap<string, Change>): Set<string> {
  const shown = new Set<string>();
  const patched = (row: BuildSummary): BuildSummary => {
    const change = changes.get(row.id);
    if (!change) return row;
    shown.add(row.id);
    const isOlder = change.version !== undefined && change.version < row.version;
    return isOlder || Object.keys(change).length === 0 ? row : { ...row, ...change };
  };
  for (const queryKey of [keys.list, keys.queues]) {
    queries.setQueriesData<InfiniteData<Page> | { items: unknown[] }>({ queryKey }, (data) => {
      if (!data || !('pages' in data)) return data;
      const pages = data.pages.map((page) => {
        const items = page.items.map(patched);
        return items.every((row, at) => row === page.items[at]) ? page : { ...page, items };
      });
      return pages.every((page, at) => page === data.pages[at]) ? data : { ...data, pages };
    });
  }
  return shown;
}

const refreshMs = 250;
const idsMax = 100;

/** Reads rows again that events were about, many at a time. */
class RowRefresher implements Disposable {
  readonly #client: Client;
  readonly #queries: QueryClient;
  readonly #ids = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(client: Client, queries: QueryClient) {
    this.#client = client;
    this.#queries = queries;
  }

  ask(ids: Iterable<string>): void {
    for (const id of ids) this.#ids.add(id);
    if (this.#ids.size > 0) this.#timer ??= setTimeout(() => void this.#read(), refreshMs);
  }

  async #read(): Promise<void> {
    const ids = [...this.#ids].slice(0, idsMax);
    for (const id of ids) this.#ids.delete(id);
    try {
      const { items } = await this.#client.builds.list({ ids: ids.join(','), limit: idsMax });
      patchBuilds(this.#queries, new Map(items.map((row) => [row.id, row])));
    } catch {
      // The list itself shows what is wrong with the server; the next event asks for these rows again.
    } finally {
      this.#timer = undefined;
      this.ask([]);
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

/** What changes seldom enough to be read whole again, at most once in this time. */
const wholeMs = 1_000;

export type BuildNews = {
  /** Builds that were submitted and are in no list yet. */
  submitted?: (ids: readonly string[]) => void;
};

/** Keeps every list of builds, the queues and the workers on the screen as they are now. */
export function useLiveBuilds(news: BuildNews = {}): void {
  const client = useClient();
  const queries = useQueryClient();
  const parts = useMemo(
    () => ({ rows: new RowRefresher(client, queries), whole: throttled(wholeMs) }),
    [client, queries],
  );
  useEffect(
    () => () => {
      parts.rows[Symbol.dispose]();
      parts.whole.stop();
    },
    [parts],
  );
  useFollow<BuildEventRecord>(buildsStream, {
    take: (records) => {
      const changes = new Map<string, Change>();
      const fresh: string[] = [];
      for (const record of records) {
        if (record.buildId === undefined) continue;
        if (record.type === 'submitted') fresh.push(record.buildId);
        else changes.set(record.buildId, { ...changes.get(record.buildId), ...changeOf(record) });
      }
      const shown = patchBuilds(queries, changes);
      parts.rows.ask(shown);
      if (fresh.length > 0) news.submitted?.(fresh);
      if (records.some(({ type }) => type !== 'progress' && type !== 'artifact_stored')) {
        parts.whole.run(() => {
          for (const key of [keys.queues, keys.workers, keys.count]) void queries.invalidateQueries({ queryKey: key });
          void queries.invalidateQueries({ queryKey: ['builds', 'workers', 'one'] });
        });
      }
    },
  });
}

function throttled(everyMs: number): { run(act: () => void): void; stop(): void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return {
    run: (act) => {
      timer ??= setTimeout(() => {
        timer = undefined;
        act();
      }, everyMs);
    },
    stop: () => clearTimeout(timer),
  };
}
