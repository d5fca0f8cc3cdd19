import type { Page } from '@muster/protocol';
import { type InfiniteData, type QueryKey, type UseInfiniteQueryResult, useInfiniteQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { type Problem, problemOf } from './problem.ts';

export type PagesOptions<T> = {
  key: QueryKey;
  read: (page: { limit: number; cursor?: string }, signal: AbortSignal) => Promise<Page<T>>;
  /** Rows of one page. */
  limit?: number;
  /** Streams that keep the list fresh. */
  liveBy?: readonly string[];
  enabled?: boolean;
};

/** A list that grows at its end as it is looked through. The last good rows stay when a read fails (D9). */
export type Pages<T> = {
  rows: readonly T[];
  /** The first page is on its way and nothing can be shown yet. */
  loading: boolean;
  /** What the last read failed with. */
  problem: Problem | undefined;
  /** When the rows were read, of this machine's clock. */
  lastGoodAt: number | undefined;
  retry: () => void;
  more: { has: boolean; loading: boolean; load: () => void; problem?: Problem };
  query: UseInfiniteQueryResult<InfiniteData<Page<T>>>;
};

export function usePages<T>({ key, read, limit = 50, liveBy, enabled = true }: PagesOptions<T>): Pages<T> {
  const query = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) =>
      read({ limit, ...(pageParam === undefined ? {} : { cursor: pageParam }) }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
    enabled,
    ...(liveBy === undefined ? {} : { meta: { liveBy } }),
  });
  const { data, error, isPending, isFetchNextPageError, isFetchingNextPage, hasNextPage, dataUpdatedAt } = query;
  const rows = useMemo(() => data?.pages.flatMap(({ items }) => items) ?? [], [data]);
  const problem = problemOf(error);
  return {
    rows,
    loading: isPending && enabled,
    problem: isFetchNextPageError ? undefined : problem,
    lastGoodAt: dataUpdatedAt === 0 ? undefined : dataUpdatedAt,
    retry: () => void query.refetch(),
    more: {
      has: hasNextPage,
      loading: isFetchingNextPage,
      load: () => {
        if (hasNextPage && !isFetchingNextPage) void query.fetchNextPage();
      },
      ...(isFetchNextPageError && problem ? { problem } : {}),
    },
    query,
  };
}
