import type { Connection } from '@muster/client';
import type { Overview, OverviewWindow } from '@muster/protocol';
import { type FeedArea, feedPathOf } from '@muster/protocol/running';
import { covers } from '@muster/protocol/scopes';
import { keepPreviousData, queryOptions, type UseQueryResult, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { useConnection } from '../api/connection.ts';
import { useMe } from '../api/me.ts';
import { useFollow } from './use-live.ts';

/** Numbers of a busy server are read again this often, however much happens. The server keeps an answer for as long. */
const readEveryMs = 2000;
/** After the last event they are read once more: the answer before may have been one that the server had kept. */
const onceMoreMs = readEveryMs + 300;

const streams = ['builds/events', 'gallery/activity'] as const;

// oxlint-disable-next-line typescript/explicit-module-boundary-types -- the library's own type says more than could be written
export const overviewQuery = (connection: Connection, window: OverviewWindow) =>
  queryOptions({
    queryKey: ['overview', window],
    queryFn: ({ signal }): Promise<Overview> =>
      connection.call('GET', '/v1/overview', {
        query: { window, tz: Intl.DateTimeFormat().resolvedOptions().timeZone },
        signal,
      }),
    placeholderData: keepPreviousData,
    staleTime: readEveryMs,
    meta: { liveBy: streams },
  });

/** What runs, waits and fails now; the menu and the overview read the same. */
export const useOverview = (window: OverviewWindow = '1h'): UseQueryResult<Overview> =>
  useQuery(overviewQuery(useConnection(), window));

/** Reads the numbers again when something happened. Mounted once, by the shell. */
export function useOverviewNews(): void {
  const queries = useQueryClient();
  const { scopes, projectId } = useMe();
  const waiting = useRef<ReturnType<typeof setTimeout>>(undefined);
  const onceMore = useRef<ReturnType<typeof setTimeout>>(undefined);
  const lastAt = useRef(0);
  useEffect(
    () => () => {
      clearTimeout(waiting.current);
      clearTimeout(onceMore.current);
    },
    [],
  );
  const heard = (): void => {
    clearTimeout(onceMore.current);
    onceMore.current = setTimeout(() => void queries.invalidateQueries({ queryKey: ['overview'] }), onceMoreMs);
    if (waiting.current !== undefined) return;
    waiting.current = setTimeout(
      () => {
        waiting.current = undefined;
        lastAt.current = performance.now();
        void queries.invalidateQueries({ queryKey: ['overview'] });
      },
      Math.max(0, lastAt.current + readEveryMs - performance.now()),
    );
  };
  const pathOf = (area: FeedArea & ('builds' | 'gallery')): string | undefined =>
    covers(scopes, `${area}:read`) && projectId !== null ? feedPathOf(area, projectId) : undefined;
  useFollow(pathOf('builds'), { take: heard });
  useFollow(pathOf('gallery'), { take: heard });
}
