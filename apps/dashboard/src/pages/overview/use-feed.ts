import type { ActivityPage } from '@muster/protocol';
import type { FeedArea, FeedEntry } from '@muster/protocol/running';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import { useConnection } from '../../api/connection.ts';
import { type Problem, problemOf } from '../../api/problem.ts';
import { useLive } from '../../live/use-live.ts';
import { entriesOf, feedStreams, mergeFeed } from './feed.ts';

export type Feed = {
  entries: readonly FeedEntry[];
  loading: boolean;
  problem: Problem | undefined;
  retry: () => void;
};

const none: readonly FeedEntry[] = [];

/** What happens in the project, newest first: a page of what was, then what comes. */
export function useFeed(area: FeedArea | undefined): Feed {
  const connection = useConnection();
  const live = useLive();
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ['overview', 'feed', area ?? 'all'],
    queryFn: ({ signal }) =>
      connection.call<ActivityPage>('GET', '/v1/activity', { query: { limit: 50, area }, signal }),
    staleTime: Number.POSITIVE_INFINITY,
    meta: { liveBy: ['builds/events', 'gallery/activity'] },
  });
  const [come, setCome] = useState<{ of: FeedArea | undefined; entries: readonly FeedEntry[] }>({
    of: area,
    entries: none,
  });
  const streams = useMemo(() => feedStreams(data), [data]);

  useEffect(() => {
    const ends = streams.map(({ area: of, path }) =>
      live.follow(path, {
        take: (records) =>
          setCome((before) => ({
            of: area,
            entries: mergeFeed(before.of === area ? before.entries : none, entriesOf(of, records, area)),
          })),
      }),
    );
    return () => {
      for (const end of ends) end();
    };
  }, [live, streams, area]);

  const own = come.of === area ? come.entries : none;
  const all = useMemo(() => mergeFeed(data?.items ?? none, own), [data, own]);
  return {
    entries: all,
    loading: isPending,
    problem: problemOf(error),
    retry: () => void refetch(),
  };
}
