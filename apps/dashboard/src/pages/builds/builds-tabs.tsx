import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useClient } from '../../api/client.ts';
import { usePlace } from '../../parts/nav.tsx';
import { TabLinks } from '../../parts/tabs.tsx';
import { buildsWords as w } from '../../words/builds.ts';
import { queuesQuery } from './queries.ts';

/** From one page of this area to the next. */
export function BuildsTabs(): ReactNode {
  const client = useClient();
  const { pathname } = usePlace();
  const queues = useQuery(queuesQuery(client));
  const waiting = queues.data?.items.reduce((sum, { depth }) => sum + depth, 0);
  return (
    <TabLinks
      label={w.title}
      items={[
        { to: '/builds', label: w.title, current: pathname === '/builds' },
        {
          to: '/builds/queue',
          label: w.queue.title,
          current: pathname === '/builds/queue',
          ...(waiting === undefined ? {} : { count: waiting }),
        },
        { to: '/builds/workers', label: w.workers.title, current: pathname === '/builds/workers' },
      ]}
    />
  );
}
