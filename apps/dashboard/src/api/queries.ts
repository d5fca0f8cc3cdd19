import { MusterError } from '@muster/protocol/errors';
import { QueryClient, type QueryKey } from '@tanstack/react-query';

declare module '@tanstack/react-query' {
  interface Register {
    defaultError: Error;
    queryMeta: {
      /** Streams whose records change what this query reads: it is read again when one of them was not heard for a while. */
      liveBy?: readonly string[];
    };
  }
}

/** Whether asking again may help: the server is away or full. */
const isPassing = (error: Error): boolean =>
  error instanceof MusterError && (error.code === 'unavailable' || error.code === 'exhausted');

const retriesMax = 2;

export const makeQueryClient = (): QueryClient =>
  new QueryClient({
    defaultOptions: {
      queries: {
        // Streams keep what is shown fresh; what has none says how old it may get.
        staleTime: 10_000,
        gcTime: 5 * 60_000,
        refetchOnWindowFocus: false,
        // Whether the network is there is found out by using it.
        networkMode: 'always',
        retry: (failures, error) => failures < retriesMax && isPassing(error),
        retryDelay: (failures, error) => {
          const asked = error instanceof MusterError ? (error.retryAfterMs ?? 0) : 0;
          return Math.max(asked, Math.min(4000, 500 * 2 ** failures));
        },
      },
      mutations: { networkMode: 'always', retry: false },
    },
  });

type Row = { id: string | number; version?: number };
type Pages = { pages: readonly { items: readonly unknown[] }[] };

const isRow = (value: unknown): value is Row => typeof value === 'object' && value !== null && 'id' in value;
const isPages = (data: unknown): data is Pages =>
  typeof data === 'object' && data !== null && 'pages' in data && Array.isArray(data.pages);
const isPage = (data: unknown): data is { items: readonly unknown[] } =>
  typeof data === 'object' && data !== null && 'items' in data && Array.isArray(data.items);

/**
 * Changes one thing wherever it is shown below a key: as itself, as a row of a list, as a row of a list of pages. A version
 * older than the one held changes nothing. Returns whether it was found anywhere.
 */
export function patchRow<T extends Row>(
  queries: QueryClient,
  key: QueryKey,
  id: T['id'],
  change: Partial<T> | ((row: T) => Partial<T>),
): boolean {
  let found = false;
  const patched = (value: unknown): unknown => {
    if (!isRow(value) || value.id !== id) return value;
    found = true;
    const row = value as T;
    const columns = typeof change === 'function' ? change(row) : change;
    return isOlder(columns, row) ? row : { ...row, ...columns };
  };
  const rows = (items: readonly unknown[]): readonly unknown[] => {
    const next = items.map(patched);
    return next.some((item, at) => item !== items[at]) ? next : items;
  };
  queries.setQueriesData({ queryKey: key }, (data: unknown) => {
    if (isPages(data)) {
      const pages = data.pages.map((page) => {
        const items = rows(page.items);
        return items === page.items ? page : { ...page, items };
      });
      return pages.some((page, at) => page !== data.pages[at]) ? { ...data, pages } : data;
    }
    if (isPage(data)) {
      const items = rows(data.items);
      return items === data.items ? data : { ...data, items };
    }
    return patched(data);
  });
  return found;
}

const isOlder = (columns: Partial<Row>, row: Row): boolean =>
  columns.version !== undefined && row.version !== undefined && columns.version < row.version;
