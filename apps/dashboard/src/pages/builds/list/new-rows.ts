import type { BuildFilter, Client } from '@muster/client';
import type { BuildSummary } from '@muster/protocol';
import { type InfiniteData, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useSyncExternalStore } from 'react';
import { useClient } from '../../../api/client.ts';
import { keys } from '../queries.ts';

const askMs = 300;
const idsMax = 100;

/** Builds that came since a list was read and belong in it: counted, until somebody asks to see them (nothing shifts). */
class NewRows implements Disposable {
  readonly #client: Client;
  readonly #filter: BuildFilter;
  readonly #ids = new Set<string>();
  readonly #listeners = new Set<() => void>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #count = 0;

  constructor(client: Client, filter: BuildFilter) {
    this.#client = client;
    this.#filter = filter;
  }

  readonly count = (): number => this.#count;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly heard = (ids: readonly string[]): void => {
    for (const id of ids) this.#ids.add(id);
    this.#timer ??= setTimeout(() => void this.#look(), askMs);
  };

  forget(): void {
    this.#add(-this.#count);
  }

  /** Whether they match is for the server to say, as it does for the list. */
  async #look(): Promise<void> {
    this.#timer = undefined;
    const ids = [...this.#ids];
    this.#ids.clear();
    if (Object.keys(this.#filter).length === 0) return this.#add(ids.length);
    try {
      for (let at = 0; at < ids.length; at += idsMax) {
        const some = ids.slice(at, at + idsMax).join(',');
        const { items } = await this.#client.builds.list({ ...this.#filter, ids: some, limit: idsMax });
        this.#add(items.length);
      }
    } catch {
      // The list itself shows what is wrong with the server.
    }
  }

  #add(more: number): void {
    this.#count += more;
    for (const listener of this.#listeners) listener();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

export function useNewRows(filter: BuildFilter): {
  count: number;
  heard: (ids: readonly string[]) => void;
  show: () => Promise<void>;
} {
  const client = useClient();
  const queries = useQueryClient();
  const rows = useMemo(() => new NewRows(client, filter), [client, filter]);
  useEffect(() => () => rows[Symbol.dispose](), [rows]);
  const count = useSyncExternalStore(rows.subscribe, rows.count);
  const show = async (): Promise<void> => {
    rows.forget();
    const queryKey = [...keys.list, filter];
    // Only the newest page: those behind it are read again as the reader comes there.
    queries.setQueryData<InfiniteData<{ items: BuildSummary[]; nextCursor: string | null }, string>>(
      queryKey,
      (data) => data && { pages: data.pages.slice(0, 1), pageParams: data.pageParams.slice(0, 1) },
    );
    await queries.invalidateQueries({ queryKey });
  };
  return { count, heard: rows.heard, show };
}
